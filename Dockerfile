# One image for every program of docker-compose.yml; what runs is the command.
FROM python:3.12-slim-bookworm

RUN useradd --create-home --uid 1000 apprentice && mkdir /data && chown apprentice /data
WORKDIR /app
COPY pyproject.toml constraints.txt ./
COPY scripts scripts
RUN python scripts/bootstrap.py && rm -rf /root/.cache
COPY . .
RUN .venv/bin/python -m compileall -q config core curation training evaluation home ml

ENV PATH=/app/.venv/bin:$PATH \
    APPRENTICE_HOME=/data \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER apprentice
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["python", "manage.py", "doctor"]
