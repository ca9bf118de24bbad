"""The web's client of the model server, against a small server that speaks its protocol over a unix socket."""

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx2
import pytest

from core import model_server
from core.denied import ApplicationError, Hindrance
from core.model_server import ModelServerBusy, ModelServerDown

ASK: dict[str, Any] = {"model": {"path": "/m"}, "template": {"kind": "text"}, "example": {"instruction": "hi"}}


class Protocol(BaseHTTPRequestHandler):
    """Answers as ml/serve does; `told` says what /chat does."""

    told: list[dict[str, Any]] = []
    status = 200
    asked: list[dict[str, Any]] = []

    def address_string(self) -> str:
        return "local"

    def log_message(self, *args: Any) -> None:
        pass

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.answer(200, b'{"status": "ok"}')

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked.append(given)
        if self.path == "/embed":
            self.answer(200, json.dumps({"vectors": [[float(len(text))] for text in given["texts"]]}).encode())
        elif self.status != 200:
            self.answer(self.status, json.dumps({"error": "model", "message": "That model is not here."}).encode())
        else:
            self.send_response(200)
            self.end_headers()
            for line in self.told:
                self.wfile.write(json.dumps(line).encode() + b"\n")


@pytest.fixture
def server(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Protocol]]:
    for name, value in (("told", []), ("asked", []), ("status", 200)):
        monkeypatch.setattr(Protocol, name, value)
    path = tmp_path / "model.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Protocol) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        settings.MODEL_SERVER = f"unix:{path}"
        yield Protocol
        listening.shutdown()
        thread.join()


def lines(stream: model_server.ChatStream) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream]


def test_an_answer_streams_through_line_by_line(server: type[Protocol]) -> None:
    server.told = [{"text": "Grüß"}, {"text": " Gott"}, {"done": True, "new_tokens": 2}]
    assert lines(model_server.chat(**ASK, max_new_tokens=5, temperature=0.5, seed=3)) == server.told
    assert server.asked == [{**ASK, "max_new_tokens": 5, "temperature": 0.5, "seed": 3}]


def test_a_refusal_is_raised_before_the_answer_begins_with_the_servers_sentence(server: type[Protocol]) -> None:
    server.status = 422
    with pytest.raises(ApplicationError, match=r"^That model is not here\.$"):
        model_server.chat(**ASK)


@pytest.mark.parametrize(
    ("status", "told", "kind"),
    [
        (503, b'{"error": "stopping", "message": "Ask again."}', ModelServerDown),
        (500, b"Internal Server Error", ModelServerDown),
        (504, b"<html>Gateway Timeout</html>", ModelServerDown),
        (503, b'{"error": "busy", "message": "Too many are waiting."}', ModelServerBusy),
        (504, b'{"error": "timeout", "message": "No answer came within 120 seconds."}', ModelServerBusy),
        (422, b'{"error": "timeout", "message": "Embedding took too long."}', ModelServerBusy),
        (422, b'{"error": "OutOfMemoryError", "message": "CUDA out of memory."}', ModelServerBusy),
        (429, b"Too Many Requests", ModelServerBusy),
        (400, b'{"error": "json", "message": "The request is not valid JSON."}', ApplicationError),
        (403, b'{"error": "outside_store", "message": "That is not in the model store."}', ApplicationError),
        (404, b'{"error": "no_embedder", "message": "There is no embedding model."}', ApplicationError),
        (404, b"Not Found", ApplicationError),
        (413, b'{"error": "too_large", "message": "A request may have at most 4 MB."}', ApplicationError),
        (422, b'{"error": "model", "message": "That model is not here."}', ApplicationError),
        (507, b'{"error": "too_large", "message": "The model needs 900 MB."}', ApplicationError),
    ],
)
def test_what_may_pass_is_told_from_what_would_be_refused_again(
    status: int, told: bytes, kind: type[Exception]
) -> None:
    response = httpx2.Response(status, content=told)
    with pytest.raises(ApplicationError) as caught:
        model_server.refuse(response)
    assert type(caught.value) is kind
    assert isinstance(caught.value, Hindrance) == (kind is not ApplicationError)


def test_an_error_on_the_way_becomes_a_line_with_its_sentence(server: type[Protocol]) -> None:
    server.told = [{"text": "a"}, {"error": "timeout", "message": "It took too long."}]
    assert lines(model_server.chat(**ASK))[-1] == {"error": "It took too long.", "code": "timeout"}


def test_an_answer_that_breaks_off_says_so(server: type[Protocol], monkeypatch: pytest.MonkeyPatch) -> None:
    server.told = [{"text": "a"}]
    stream = model_server.chat(**ASK)
    monkeypatch.setattr(stream._response, "iter_lines", lambda: iter(['{"text": "a"}', '{"te']))
    found = lines(stream)
    assert found[0] == {"text": "a"}
    assert found[1]["error"].startswith("The model server broke off.")


def test_texts_are_embedded_in_order_over_several_requests(
    server: type[Protocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_server, "EMBED_BATCH", 2)
    assert model_server.embed(["a", "bb", "ccc", "dddd", "eeeee"]) == [[1.0], [2.0], [3.0], [4.0], [5.0]]
    assert [len(given["texts"]) for given in server.asked] == [2, 2, 1]
    assert model_server.embed([]) == []


def test_something_else_at_its_address_is_no_model_server(
    server: type[Protocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    for body in (b"<html>Welcome</html>", b"[]", b'{"rows": []}'):
        monkeypatch.setattr(Protocol, "do_POST", lambda handler, body=body: handler.answer(200, body))
        with pytest.raises(ModelServerDown, match="The model server does not answer"):
            model_server.embed(["a"])


def test_health_is_what_the_server_tells(server: type[Protocol]) -> None:
    assert model_server.health() == {"status": "ok"}


@pytest.mark.parametrize("address", ["unix:/nowhere/model.sock", "http://127.0.0.1:1"])
def test_a_server_that_is_down_is_told_in_a_sentence(address: str, settings: Any) -> None:
    settings.MODEL_SERVER = address
    for ask in (model_server.health, lambda: model_server.embed(["x"]), lambda: model_server.chat(**ASK)):
        with pytest.raises(ModelServerDown, match="The model server does not answer"):
            ask()
