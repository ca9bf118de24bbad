"""A server of a few lines for what scripts do by themselves: it sends the static files, a test plays the rest."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).resolve().parents[2]
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Played(BaseHTTPRequestHandler):
    def static(self) -> bool:
        """Send the static file that was asked for, if one was."""
        if not self.path.startswith("/static/"):
            return False
        file = ROOT / self.path.removeprefix("/")
        self.answer(200, file.read_bytes(), KINDS[file.suffix])
        return True

    def answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet: the test says what it expects."""


@contextmanager
def playing(server: ThreadingHTTPServer) -> Iterator[None]:
    with server as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield
        running.shutdown()
