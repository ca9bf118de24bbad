"""The model server over its real socket: streams, batches, refuses, forgets, and ends when told."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ml.generate import answer, answer_text, make_request
from ml.loading import load_model
from ml.prompting import Example, Template
from ml.rundir import GenerateSettings
from ml.serve.app import _Messages
from ml.serve.models import ModelPool, RefusedError
from ml.store import ModelRef
from ml.tiny import make_tiny_model
from tests.ml.runs import ROOT

pytestmark = pytest.mark.slow

QUESTION = {"instruction": "What is a roof?"}


class Client:
    def __init__(self, path: Path) -> None:
        self.path = path

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("model-server", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        try:
            connection.sock.connect(str(self.path))
        except OSError:
            connection.close()
            raise
        return connection

    def ask(self, method: str, address: str, body: Any = None) -> tuple[int, list[dict[str, Any]]]:
        connection = self.connect()
        connection.request(method, address, None if body is None else json.dumps(body))
        answered = connection.getresponse()
        lines = [json.loads(line) for line in answered.read().splitlines()]
        connection.close()
        return answered.status, lines


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    for name, seed in (("one", 1), ("two", 2)):
        make_tiny_model(root / name, seed=seed)
    return root


@pytest.fixture(scope="module")
def client(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    path = tmp_path_factory.mktemp("s") / "model.sock"
    process = start(path, store)
    yield Client(path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not path.exists()


def start(path: Path, store: Path, *more: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ml", "serve", "--socket", str(path), "--store", str(store), *more]
    process = subprocess.Popen(command, cwd=ROOT, **options)
    for _ in range(1800):  # importing torch takes long on a busy machine
        try:
            Client(path).ask("GET", "/health")
        except OSError:
            assert process.poll() is None
            time.sleep(0.1)
        else:
            return process
    raise AssertionError("the server never answered")


def chat(store: Path, name: str = "one", **more: Any) -> dict[str, Any]:
    return {"model": ModelRef.of(store / name).to_json(), "template": {}, "example": QUESTION, **more}


@pytest.mark.slow
def test_a_streamed_answer_is_the_one_that_generation_gives(client: Client, store: Path) -> None:
    loaded = load_model(ModelRef.of(store / "one"))
    settings = GenerateSettings(max_new_tokens=30)
    request = make_request(loaded, Template(), Example(id="x", **QUESTION), settings, frozenset({2}))
    answer(loaded, [request], ())

    status, lines = client.ask("POST", "/chat", chat(store, max_new_tokens=30))

    assert status == 200
    assert "".join(line.get("text", "") for line in lines) == answer_text(request, loaded.tokenizer, ())
    done = lines[-1]
    assert (done["done"], done["new_tokens"], done["finish_reason"]) == (True, 30, "length")
    assert sum("text" in line for line in lines) > 5


@pytest.mark.slow
def test_questions_asked_together_get_the_answers_of_questions_asked_alone(client: Client, store: Path) -> None:
    def ask(seed: int) -> str:
        name = "one" if seed % 2 else "two"
        _, lines = client.ask("POST", "/chat", chat(store, name, max_new_tokens=20, temperature=1.0, seed=seed))
        assert lines[-1]["done"] is True
        return "".join(line.get("text", "") for line in lines)

    alone = [ask(seed) for seed in range(8)]
    together: dict[int, str] = {}
    threads = [threading.Thread(target=lambda n=n: together.update({n: ask(n)})) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[seed] for seed in range(8)] == alone
    assert len(set(alone)) == 8


def test_a_stop_text_is_never_streamed(client: Client, store: Path) -> None:
    _, lines = client.ask("POST", "/chat", chat(store, max_new_tokens=30, temperature=1.0, seed=1))
    whole = "".join(line.get("text", "") for line in lines)
    stop = whole[6:9]
    _, lines = client.ask("POST", "/chat", chat(store, max_new_tokens=30, temperature=1.0, seed=1, stop=[stop]))
    assert "".join(line.get("text", "") for line in lines) == whole[: whole.index(stop)]
    assert lines[-1]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"model": {}}, 400, "field"),
        ({"example": {"instruction": 3}}, 400, "field"),
        ({"template": {"kind": "jinja"}}, 400, "field"),
        ({"max_new_tokens": 0}, 400, "field"),
        ({"temperature": "hot"}, 400, "field"),
    ],
)
def test_malformed_questions_are_refused(
    client: Client, store: Path, change: dict[str, Any], status: int, code: str
) -> None:
    found, (body,) = client.ask("POST", "/chat", {**chat(store), **change})
    assert (found, body["error"]) == (status, code)
    assert body["message"].endswith(".")


def test_only_models_of_the_store_are_loaded(client: Client, store: Path, tmp_path: Path) -> None:
    outside = make_tiny_model(tmp_path / "outside")
    for place in (str(outside), f"{store}/one/../../{outside.name}", "/etc"):
        ref = {**ModelRef.of(outside).to_json(), "path": place}
        status, (body,) = client.ask("POST", "/chat", {**chat(store), "model": ref})
        assert (status, body["error"]) == (403, "outside_store")
    missing = {**ModelRef.of(outside).to_json(), "path": str(store / "missing")}
    assert client.ask("POST", "/chat", {**chat(store), "model": missing})[0] == 404


def test_a_changed_model_is_refused(client: Client, store: Path) -> None:
    body = chat(store)
    status, (error,) = client.ask("POST", "/chat", {**body, "model": {**body["model"], "fingerprint": "0" * 64}})
    assert (status, error["error"]) == (422, "fingerprint")


def test_what_is_not_json_or_too_large_is_refused(client: Client) -> None:
    assert client.ask("POST", "/chat", [])[1][0]["error"] == "json"
    assert client.ask("POST", "/embed", {"texts": "one"})[0] == 400
    assert client.ask("POST", "/embed", {"texts": ["x"] * 2000})[0] == 400
    assert client.ask("POST", "/embed", {"texts": []}) == (200, [{"vectors": []}])
    connection = client.connect()
    connection.request("POST", "/chat", b"{" + b" " * (5 << 20))
    assert connection.getresponse().status == 413
    connection.close()


def test_without_embedding_model_embedding_is_refused_and_the_server_lives(client: Client) -> None:
    status, (body,) = client.ask("POST", "/embed", {"texts": ["one"]})
    assert (status, body["error"]) == (422, "no_embedder")
    assert client.ask("GET", "/health")[0] == 200


def test_health_tells_what_is_loaded_and_isolated(client: Client, store: Path) -> None:
    client.ask("POST", "/chat", chat(store, "two", max_new_tokens=1))
    status, (body,) = client.ask("GET", "/health")
    assert status == 200
    assert body["models"][-1] == str(store / "two")
    assert body["isolation"] != "none"


def test_only_this_user_can_open_the_socket(client: Client) -> None:
    assert stat.S_IMODE(client.path.stat().st_mode) == 0o600


def test_an_asker_who_leaves_does_not_hold_the_server_up(client: Client, store: Path) -> None:
    connection = client.connect()
    connection.request("POST", "/chat", json.dumps(chat(store, max_new_tokens=1900)))
    answered = connection.getresponse()
    answered.readline()
    connection.sock.close()
    answered.close()
    started = time.monotonic()
    assert client.ask("POST", "/chat", chat(store, max_new_tokens=2))[1][-1]["done"] is True
    assert time.monotonic() - started < 10


@pytest.mark.slow
@pytest.mark.faults
def test_a_killed_servers_socket_is_replaced_and_a_living_ones_is_not(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.sock"
    reading, writing = os.pipe()
    first = start(
        path,
        store,
        "--seconds",
        "0.000001",
        pass_fds=(reading,),
        env={**os.environ, "APPRENTICE_LIFELINE_FD": str(reading)},
    )
    os.close(reading)
    command = [sys.executable, "-m", "ml", "serve", "--socket", str(path), "--store", str(store)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert "another server listens" in second.stderr
    status, (body,) = Client(path).ask("POST", "/chat", chat(store))
    assert (status, body["error"]) == (504, "timeout")
    os.close(writing)  # its supervisor dies
    assert first.wait(10) == 70
    assert path.exists()
    third = start(path, store)
    third.terminate()
    assert third.wait(20) == 0


def test_the_least_recently_used_model_leaves_first(store: Path, tmp_path: Path) -> None:
    make_tiny_model(store / "three", seed=3)
    size = (store / "one" / "model.safetensors").stat().st_size
    pool = ModelPool(store, int(2.5 * size))
    refs = {name: ModelRef.of(store / name) for name in ("one", "two", "three")}
    for name in ("one", "two", "one", "three"):
        pool.get(refs[name])
    assert pool.names() == [refs["one"].path, refs["three"].path]
    assert pool.used <= 2.5 * size
    with pytest.raises(RefusedError, match="may use 0 MB"):
        ModelPool(store, size // 2).get(refs["one"])


def test_a_text_is_read_token_by_token_with_what_the_model_expects(client: Client, store: Path) -> None:
    """Ids, shares and the likeliest next tokens are those of the model itself."""
    text = "A <|im_end|> roof, 屋"
    status, (found,) = client.ask("POST", "/next", {"model": ModelRef.of(store / "one").to_json(), "text": text})
    assert status == 200
    loaded = load_model(ModelRef.of(store / "one"))
    ids = loaded.tokenizer.encode(loaded.tokenizer.mark(text))
    assert [token["id"] for token in found["tokens"]] == ids
    assert loaded.tokenizer.token_to_id("<|im_end|>") not in ids  # typed, so it is text
    shares = loaded.model(input_ids=torch.tensor([ids])).logits[0].softmax(dim=-1).detach()
    for place, token in enumerate(found["tokens"]):
        best = shares[place].topk(5)
        assert [likely["id"] for likely in token["likeliest"]] == best.indices.tolist()
        assert [likely["share"] for likely in token["likeliest"]] == pytest.approx(best.values.tolist(), abs=1e-4)
        assert token["share"] == (pytest.approx(float(shares[place - 1, token["id"]]), abs=1e-4) if place else None)
    for body, status in (({"text": ""}, 400), ({"text": "x" * 3000}, 400), ({"text": "a", "model": {}}, 400)):
        assert client.ask("POST", "/next", {"model": ModelRef.of(store / "one").to_json(), **body})[0] == status
    outside = {**ModelRef.of(store / "one").to_json(), "path": "/etc"}
    assert client.ask("POST", "/next", {"model": outside, "text": "a"})[0] == 403


def test_who_still_waits_when_the_server_ends_is_told_so_in_its_own_words() -> None:
    """The server that ends cancels what is under way; without a word of ours the asker would read "500"."""

    async def waiting() -> tuple[str, int]:
        task = asyncio.create_task(_Messages().get(60))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(RefusedError) as caught:
            await task
        return caught.value.code, caught.value.status

    assert asyncio.run(waiting()) == ("stopping", 503)
