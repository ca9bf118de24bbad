"""Make .venv and install what constraints.txt pins; nothing is done when that was done already.

python scripts/bootstrap.py [--extra test] [-- PROGRAM ARGUMENT…]    the program replaces this one at the end
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NEEDED_BYTES = 4_000_000_000


def main(words: list[str]) -> None:
    words, program = split(words)
    extras = [words[place + 1] for place, word in enumerate(words[:-1]) if word == "--extra"]
    try:
        install(extras)
    except OSError as error:
        end(f"{error.filename or ROOT} cannot be written ({error.strerror}); give this user write rights to {ROOT}.")
    if program:
        os.execv(program[0], program)  # noqa: S606


def split(words: list[str]) -> tuple[list[str], list[str]]:
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]


def end(sentence: str) -> NoReturn:
    sys.stdout.flush()
    sys.exit(sentence)


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def install(extras: list[str]) -> None:
    """1. compare the stamp. 2. make .venv. 3. pip install under the pins. 4. write the stamp."""
    wanted = requirements(extras)
    if PYTHON.exists() and (installed(extras) or installed(["test"])):  # the tests' packages include all others
        return
    free = shutil.disk_usage(ROOT).free
    if not PYTHON.exists() and free < NEEDED_BYTES:
        end(f"The disk of {ROOT} has {free / 1e9:.1f} GB free and 4 GB are needed for packages; free some.")
    make_environment()
    tell("Installing the pinned Python packages; the first time this takes some minutes")
    run_pip([str(PYTHON), "-m", "pip", "install", "--constraint", str(ROOT / "constraints.txt"), *wanted])
    stamp(extras).write_text(fingerprint(wanted))


def stamp(extras: list[str]) -> Path:
    return VENV / f".installed{'-'.join(['', *extras])}"


def installed(extras: list[str]) -> bool:
    path = stamp(extras)
    return path.exists() and path.read_text() == fingerprint(requirements(extras))


def requirements(extras: list[str]) -> list[str]:
    """What pyproject.toml asks for. The project itself needs no installation: it runs from its folder."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]


def fingerprint(wanted: list[str]) -> str:
    pins = (ROOT / "constraints.txt").read_text()
    text = "\n".join([*wanted, pins, str(VENV), f"{sys.version_info[:2]}"])
    return hashlib.sha256(text.encode()).hexdigest()


def make_environment() -> None:
    if PYTHON.exists() and subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return
    tell(f"Making {VENV}")
    try:
        venv.create(VENV, clear=True, with_pip=True, symlinks=True)
    except (subprocess.CalledProcessError, ImportError):
        end(
            "This Python cannot make virtual environments; install its venv package (Debian: apt install python3-venv)."
        )


def run_pip(command: list[str]) -> None:
    """Show what is being fetched, with its size, and at a failure pip's own last words."""
    with subprocess.Popen(
        [*command, "--disable-pip-version-check", "--progress-bar", "off"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as pip:
        assert pip.stdout is not None
        tail: list[str] = []
        for line in pip.stdout:
            text = line.strip()
            tail = [*tail, text][-4:]
            if text.startswith(("Downloading ", "Installing collected")):
                tell(f"  {text[:100]}")
    if pip.returncode != 0:
        end(
            "The Python packages could not be installed; connect this machine to the package index for the first start "
            f"and try again. pip says: {' '.join(tail)}"
        )
