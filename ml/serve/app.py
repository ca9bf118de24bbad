"""The server's addresses: GET /health, POST /chat (a stream of JSON lines), POST /embed, POST /next."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ml.next_tokens import MOST_CHARACTERS
from ml.prompting import Example, Template
from ml.rundir import GenerateSettings
from ml.serve.engine import ChatJob, EmbedJob, Engine, LookJob
from ml.serve.models import ModelPool, RefusedError
from ml.store import ModelRef

MOST_BODY_BYTES = 4 << 20
MOST_TEXTS = 1024
SECONDS = 120.0


def make_app(pool: ModelPool, engine: Engine, facts: dict[str, Any], seconds: float = SECONDS) -> Starlette:
    """The application; `facts` are shown by /health, `seconds` is the longest time one request may take."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        engine.start()
        yield
        await asyncio.to_thread(engine.stop)

    async def health(request: Request) -> Response:
        state = {"status": "ok", "models": pool.names(), "memory_mb": pool.used >> 20, "waiting": engine.waiting}
        return JSONResponse({**facts, **state})

    async def chat(request: Request) -> Response:
        body = await _body(request)
        messages = _Messages()
        job = _chat_job(body, messages.put, seconds)
        engine.submit(job)
        first = await messages.get(seconds)
        if "error" in first:
            raise RefusedError(422, first["error"], first["message"])
        return StreamingResponse(_lines(first, messages, job, seconds), media_type="application/x-ndjson")

    async def embed(request: Request) -> Response:
        body = await _body(request)
        texts = body.get("texts")
        if not isinstance(texts, list) or len(texts) > MOST_TEXTS or not all(isinstance(text, str) for text in texts):
            raise RefusedError(400, "texts", f"The field texts must be a list of at most {MOST_TEXTS} texts.")
        if not texts:
            return JSONResponse({"vectors": []})
        messages = _Messages()
        return await _one_answer(engine, EmbedJob(texts, messages.put, time.monotonic() + seconds), messages, seconds)

    async def look(request: Request) -> Response:
        body = await _body(request)
        messages = _Messages()
        return await _one_answer(engine, _look_job(body, messages.put, seconds), messages, seconds)

    routes = [
        Route("/health", health, methods=["GET"]),
        Route("/chat", chat, methods=["POST"]),
        Route("/embed", embed, methods=["POST"]),
        Route("/next", look, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={RefusedError: _refused})


async def _one_answer(engine: Engine, job: EmbedJob | LookJob, messages: _Messages, seconds: float) -> Response:
    """Have it computed and give back what came of it; who stops waiting takes the work back."""
    engine.submit(job)
    try:
        found = await messages.get(seconds)
    except BaseException:
        job.cancelled = True
        raise
    if "error" in found:
        raise RefusedError(422, found["error"], found["message"])
    return JSONResponse(found)


class _Messages:
    """What the computing thread says, for the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def put(self, message: dict[str, Any]) -> None:
        self._loop.call_soon_threadsafe(self._queue.put_nowait, message)

    async def get(self, seconds: float) -> dict[str, Any]:
        try:
            return await asyncio.wait_for(self._queue.get(), seconds)
        except TimeoutError as error:
            raise RefusedError(504, "timeout", f"No answer came within {seconds:g} seconds.") from error
        except asyncio.CancelledError as error:  # the server ends and waits for nobody any more
            raise RefusedError(503, "stopping", "The model server is being stopped; ask again in a moment.") from error


async def _lines(first: dict[str, Any], messages: _Messages, job: ChatJob, seconds: float) -> AsyncIterator[bytes]:
    """One JSON line a message. If the asker goes away, the answer is given up."""
    message = first
    try:
        while True:
            yield json.dumps(message, ensure_ascii=False).encode() + b"\n"
            if "done" in message or "error" in message:
                return
            message = await messages.get(seconds)
    except RefusedError as error:
        yield json.dumps({"error": error.code, "message": str(error)}).encode() + b"\n"
    finally:
        job.cancelled = True


async def _body(request: Request) -> dict[str, Any]:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MOST_BODY_BYTES:
            raise RefusedError(413, "too_large", f"A request may have at most {MOST_BODY_BYTES >> 20} MB.")
    try:
        body = json.loads(received)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "json", f"The request is not valid JSON: {error}.") from error
    if not isinstance(body, dict):
        raise RefusedError(400, "json", "The request must be a JSON object.")
    return body


def _chat_job(body: dict[str, Any], send: Any, seconds: float) -> ChatJob:
    try:
        example = {"id": "chat", "instruction": "", **body.get("example", {})}
        settings = GenerateSettings(
            max_new_tokens=_number(body, "max_new_tokens", 200, 1, 8192, int),
            temperature=_number(body, "temperature", 0.0, 0, 10, float),
            top_p=_number(body, "top_p", 1.0, 0, 1, float),
            seed=_number(body, "seed", 0, 0, 2**63, int),
            stop=tuple(str(stop) for stop in body.get("stop", ()) if stop),
        )
        return ChatJob(
            model=ModelRef.from_json(body["model"]),
            template=Template.from_json(body.get("template", {})),
            example=Example.from_json(example),
            settings=settings,
            send=send,
            deadline=time.monotonic() + seconds,
        )
    except KeyError as error:
        raise RefusedError(400, "field", f"The request lacks the field {error.args[0]}.") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise RefusedError(400, "field", str(error)) from error


def _look_job(body: dict[str, Any], send: Any, seconds: float) -> LookJob:
    text = body.get("text")
    if not isinstance(text, str) or not 0 < len(text) <= MOST_CHARACTERS:
        raise RefusedError(400, "text", f"The field text must be a text of at most {MOST_CHARACTERS} characters.")
    try:
        return LookJob(ModelRef.from_json(body.get("model") or {}), text, send, time.monotonic() + seconds)
    except ValueError as error:
        raise RefusedError(400, "field", str(error)) from error


def _number(body: dict[str, Any], name: str, default: Any, low: float, high: float, kind: type) -> Any:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"The field {name} must be a number from {low} to {high}.")
    return kind(value)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return JSONResponse({"error": error.code, "message": str(error)}, status_code=error.status)
