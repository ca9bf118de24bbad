"""A child cut off the network cannot open a connection, and modules for the web load no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.ml.runs import ROOT

_TRY = """
import ctypes, socket, sys
from ml import isolation
listener = socket.create_server(("127.0.0.1", 0))
def reaches():
    try:
        socket.create_connection(listener.getsockname(), timeout=2).close()
    except OSError:
        return False
    return True
assert reaches()
{cut}
assert not reaches(), "still connected"
assert not isolation.has_network()
left, right = socket.socketpair()
left.send(b"x")
assert right.recv(1) == b"x"
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=ROOT, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_isolated_process_reaches_nothing() -> None:
    found = run(_TRY.format(cut="print(isolation.isolate('forbidden'))"))
    assert found in ("network namespace", "user and network namespace", "seccomp filter")


def test_the_filter_alone_does_it_too() -> None:
    run(_TRY.format(cut="assert isolation._filter_sockets(ctypes.CDLL(None, use_errno=True))"))


def test_what_an_isolated_process_starts_is_isolated() -> None:
    child = "import sys; from ml.isolation import has_network; print(has_network())"
    code = f"import subprocess, sys; from ml.isolation import isolate; isolate('forbidden'); print(subprocess.run([sys.executable, '-c', {child!r}], capture_output=True, text=True).stdout)"  # noqa: E501
    assert run(code) == "False"


@pytest.mark.slow
def test_a_foreign_model_folder_is_examined_without_network(tmp_path: Path) -> None:
    run(_TRY.format(cut=f"from ml import cli; assert cli.main(['inspect', {str(tmp_path)!r}]) == 1"))


def test_allowed_means_untouched() -> None:
    assert run("from ml.isolation import isolate; print(isolate('allowed'))") == "none"


def test_modules_for_the_web_load_neither_torch_nor_transformers() -> None:
    names = "prompting recipe rundir runspec store audit hashing template_trial cli isolation inspection train.tokens"
    imports = ", ".join(f"ml.{name}" for name in names.split())
    heavy = "{'torch', 'transformers', 'peft', 'datasets'}"
    assert run(f"import sys, {imports}; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_the_offline_settings_cannot_be_overruled() -> None:
    code = (
        "import os, runpy, sys; os.environ['HF_HUB_OFFLINE'] = '0'; sys.argv = ['ml', 'rate', '--help']\n"
        "try:\n    runpy.run_module('ml', run_name='__main__')\nexcept BaseException: pass\n"
        "print(os.environ['HF_HUB_OFFLINE'], os.environ['HF_HUB_DISABLE_TELEMETRY'])"
    )
    assert run(code).splitlines()[-1] == "1 1"
