"""The web's way to the model server: it only passes on. The server's own page is ml/README.md."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from django.conf import settings
from django.utils.translation import gettext as _

from core.denied import ApplicationError, Hindrance

SECONDS_TO_ANSWER = 130.0  # a little more than the server gives itself, so that its own sentence arrives
EMBED_BATCH = 256
# What the server says of itself and its load, by its own names (ml/serve) and by those of statuses that came without
# one. All else is about what was asked, or waits for an admin: asked again as it is, it would be refused again.
ENDING, CROWDED = "stopping", ("busy", "timeout", "MemoryError", "OutOfMemoryError")
PASSING = (httpx2.codes.REQUEST_TIMEOUT, httpx2.codes.TOO_MANY_REQUESTS)


class ModelServerDown(Hindrance):
    """Nobody answers at the configured address."""


class ModelServerBusy(Hindrance):
    """It answers, but has too much to do for this, or too little memory now."""


def down(error: Exception) -> ModelServerDown:
    text = _("The model server does not answer. An admin can see why in its log; “make up” starts it.")
    found = ModelServerDown(text)
    found.__cause__ = error
    return found


@contextmanager
def client(seconds: float = SECONDS_TO_ANSWER) -> Iterator[httpx2.Client]:
    """A client for `settings.MODEL_SERVER`: unix:/path or http://host:port. No proxy, no redirects."""
    address = settings.MODEL_SERVER
    socket = address.removeprefix("unix:") if address.startswith("unix:") else None
    if socket and not Path(socket).exists():
        raise down(FileNotFoundError(socket))
    with httpx2.Client(
        transport=httpx2.HTTPTransport(uds=socket),
        base_url="http://model-server" if socket else address,
        timeout=httpx2.Timeout(seconds, connect=3.0),
        trust_env=False,
    ) as opened:
        yield opened


def health() -> dict[str, Any]:
    """What the server tells of itself. Raises ModelServerDown."""
    try:
        with client(5.0) as opened:
            response = opened.get("/health")
            response.raise_for_status()
            return response.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise down(error) from error


def embed(texts: Sequence[str], *, seconds: float = SECONDS_TO_ANSWER) -> list[list[float]]:
    """One vector of 384 numbers for each text, in order. Raises ApplicationError with the server's own sentence, a
    Hindrance where it may be another one soon."""
    vectors: list[list[float]] = []
    try:
        with client(seconds) as opened:
            for start in range(0, len(texts), EMBED_BATCH):
                response = opened.post("/embed", json={"texts": list(texts[start : start + EMBED_BATCH])})
                vectors += answered(response, "vectors")
    except httpx2.HTTPError as error:
        raise down(error) from error
    return vectors


def next_tokens(*, model: dict[str, Any], text: str) -> list[dict[str, Any]]:
    """How a model reads a text and what it takes to come next (ml/next_tokens.py). Raises ApplicationError."""
    try:
        with client() as opened:
            return answered(opened.post("/next", json={"model": model, "text": text}), "tokens")
    except httpx2.HTTPError as error:
        raise down(error) from error


class ChatStream:
    """An answer on its way: iterate for JSON lines (bytes), ready for a StreamingHttpResponse.

    The request is made at once, so that a refusal is raised (ApplicationError) before a page has begun to answer.
    What fails later ends the stream with one line {"error": sentence}. Closing it makes the server give up.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self._client = client()
        opened = self._client.__enter__()
        try:
            self._response = opened.send(opened.build_request("POST", "/chat", json=request), stream=True)
            if self._response.status_code != httpx2.codes.OK:
                self._response.read()
            refuse(self._response)
        except httpx2.HTTPError as error:
            self.close()
            raise down(error) from error
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        try:
            for line in self._response.iter_lines():
                if line.strip():
                    yield as_line(json.loads(line))
        except (httpx2.HTTPError, ValueError):
            yield as_line({"error": _("The model server broke off. What came so far is shown; ask again.")})
        finally:
            self.close()

    def close(self) -> None:
        if hasattr(self, "_response"):
            self._response.close()
        self._client.__exit__(None, None, None)


def chat(
    *,
    model: dict[str, Any],
    template: dict[str, Any],
    example: dict[str, Any],
    max_new_tokens: int = 200,
    temperature: float = 0.0,
    seed: int = 0,
) -> ChatStream:
    """Ask a model; `model` is a ModelRef, `template` a Template, `example` an Example, all as JSON (ml/README.md)."""
    return ChatStream(
        {
            "model": model,
            "template": template,
            "example": example,
            "max_new_tokens": max_new_tokens,
            "temperature": temperature,
            "seed": seed,
        }
    )


def as_line(message: dict[str, Any]) -> bytes:
    """The server's error lines carry a code and a sentence; pages show the sentence."""
    if "error" in message and "message" in message:
        message = {"error": message["message"], "code": message["error"]}
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"


def answered(response: httpx2.Response, name: str) -> Any:
    """What the answer holds under `name`; ModelServerDown where something else answers at its address."""
    refuse(response)
    try:
        return response.json()[name]
    except (ValueError, KeyError, TypeError) as error:
        raise down(error) from error


def refuse(response: httpx2.Response) -> None:
    """ApplicationError with the sentence of an answer that is not 200. Of a server that is ending it is a
    ModelServerDown, of one that has too much to do a ModelServerBusy."""
    if response.status_code == httpx2.codes.OK:
        return
    try:
        told = response.json()
        sentence, code = told["message"], told["error"]
    except (ValueError, KeyError, TypeError):
        sentence = _("The model server answered with status %(status)s.") % {"status": response.status_code}
        code = ENDING if httpx2.codes.is_server_error(response.status_code) else ""
    if code == ENDING:
        raise ModelServerDown(sentence)
    raise (ModelServerBusy if code in CROWDED or response.status_code in PASSING else ApplicationError)(sentence)
