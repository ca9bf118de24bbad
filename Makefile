# make up          everything, from a fresh clone to a page that answers; Ctrl-C ends it
# make test        lint, types, contracts, migrations, all tests (installs what they need, the browser too)
# make test-fast   what daily work needs
# make lint        format, lint, types, import contracts
# make bench | loop | shots | doctor | install

# The first that fits: a name on the PATH may be a shim without a Python behind it. Else python3, which gets told why not.
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
ifndef PYTHON
PYTHON := $(shell for name in python3.12 python3.11 python3 python; do \
	$$name -c '$(FITS)' 2>/dev/null && echo $$name && exit; done; command -v python3)
endif
PY = .venv/bin/python
# Each process has servers of its own (tests/conftest.py says how the tests are shared out). One more than there are
# processors: they often wait for other processes.
SIDE_BY_SIDE = --numprocesses $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1))) --maxprocesses 5
CODE = config core curation training evaluation home ml scripts manage.py
# Compiled once, whatever a container's environment says: an installation has seven processes, tests start hundreds.
export PYTHONDONTWRITEBYTECODE =

.PHONY: up install install-test lint test test-fast bench shots loop doctor need-python
.DEFAULT_GOAL := up

up: need-python
	@$(PYTHON) scripts/bootstrap.py -- $(CURDIR)/$(PY) manage.py up

install: need-python
	@$(PYTHON) scripts/bootstrap.py

install-test: need-python
	@$(PYTHON) scripts/bootstrap.py --extra test

need-python:
	@test -n "$(PYTHON)" || { echo "No Python found; install Python 3.11 or 3.12, or name one: make up PYTHON=/path." >&2; exit 1; }

lint: install-test
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy $(CODE)
	.venv/bin/lint-imports

test: lint
	$(PY) scripts/browser.py
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) -m pytest $(SIDE_BY_SIDE) --durations=15

test-fast: install-test
	$(PY) -m pytest $(SIDE_BY_SIDE) -q -m "not slow and not browser and not faults"

bench: install-test
	$(PY) -m benchmarks

shots: install-test
	$(PY) scripts/browser.py
	$(PY) manage.py shots

loop: install
	$(PY) manage.py loop

doctor: install
	@$(PY) manage.py doctor
