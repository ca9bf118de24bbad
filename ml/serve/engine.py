"""The one thread that computes: requests that arrive together are answered as one batch, batches take turns.

Each turn adds one token to every batch that is under way, so that a long answer holds nobody up, and embeds at most one
chunk of texts.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ml.decoding import Decoder, Request
from ml.embed import Embedder
from ml.generate import answer_text, cut_at_stop, make_request, stop_texts
from ml.loading import LoadedModel
from ml.next_tokens import next_tokens
from ml.prompting import ChatTemplateError, Example, Template, stop_token_ids
from ml.rundir import GenerateSettings
from ml.serve.models import ModelPool, RefusedError
from ml.store import ModelRef

MOST_WAITING = 64
MOST_IN_BATCH = 16
_GATHER_SECONDS = 0.02
_IDLE_SECONDS = 0.5
_CHUNK = 32

Send = Callable[[dict[str, Any]], None]


@dataclass(slots=True, eq=False)
class ChatJob:
    """One question on its way. `send` receives {"text"} pieces and at last {"done"} or {"error", "message"}."""

    model: ModelRef
    template: Template
    example: Example
    settings: GenerateSettings
    send: Send
    deadline: float
    started: float = field(default_factory=time.monotonic)
    cancelled: bool = False
    request: Request | None = None
    stops: tuple[str, ...] = ()
    sent: str = ""


@dataclass(slots=True, eq=False)
class EmbedJob:
    """Texts to embed; `send` receives {"vectors"} or {"error", "message"}."""

    texts: list[str]
    send: Send
    deadline: float
    vectors: list[list[float]] = field(default_factory=list)
    cancelled: bool = False


@dataclass(slots=True, eq=False)
class LookJob:
    """A text to look into; `send` receives {"tokens"} (see ml.next_tokens) or {"error", "message"}."""

    model: ModelRef
    text: str
    send: Send
    deadline: float
    cancelled: bool = False


@dataclass(slots=True, eq=False)
class _Batch:
    loaded: LoadedModel
    decoder: Decoder
    jobs: list[ChatJob]


class Engine:
    """Owns the models and the computing thread. `submit` may be called from any thread."""

    def __init__(self, pool: ModelPool, embedder: Callable[[], Embedder]) -> None:
        self._pool = pool
        self._make_embedder = embedder
        self._embedder: Embedder | None = None
        self._waiting: queue.Queue[ChatJob | EmbedJob | LookJob] = queue.Queue(MOST_WAITING)
        self._batches: list[_Batch] = []
        self._embeds: list[EmbedJob] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the turn under way; whoever waits gets an error."""
        self._stopped.set()
        self._thread.join(timeout=10)

    @property
    def waiting(self) -> int:
        return self._waiting.qsize()

    def submit(self, job: ChatJob | EmbedJob | LookJob) -> None:
        """Queue a job. Raises RefusedError if the folder is not allowed or too many are waiting."""
        if not isinstance(job, EmbedJob):
            self._pool.check(job.model)
        try:
            self._waiting.put_nowait(job)
        except queue.Full as error:
            raise RefusedError(503, "busy", "Too many questions are waiting. Try again in a moment.") from error

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._admit()
            for batch in list(self._batches):
                self._guard(batch.jobs, lambda batch=batch: self._turn(batch))  # type: ignore[misc]
            self._batches = [batch for batch in self._batches if batch.jobs]
            if self._embeds:
                job = self._embeds[0]
                self._guard([job], lambda job=job: self._embed(job))  # type: ignore[misc]

    def _admit(self) -> None:
        """Take what is waiting; with nothing under way, wait for work and then a moment for company."""
        idle = not self._batches and not self._embeds
        taken: list[ChatJob | EmbedJob | LookJob] = []
        try:
            taken.append(self._waiting.get(timeout=_IDLE_SECONDS) if idle else self._waiting.get_nowait())
            time.sleep(_GATHER_SECONDS)
            while len(taken) < MOST_IN_BATCH:
                taken.append(self._waiting.get_nowait())
        except queue.Empty:
            pass
        self._embeds += [job for job in taken if isinstance(job, EmbedJob)]
        for look in (job for job in taken if isinstance(job, LookJob) and not job.cancelled):
            self._guard([look], lambda look=look: self._look(look))  # type: ignore[misc]
        chats = [job for job in taken if isinstance(job, ChatJob)]
        for model in dict.fromkeys(job.model for job in chats):
            jobs = [job for job in chats if job.model == model]
            self._guard(jobs, lambda model=model, jobs=jobs: self._begin(model, jobs))  # type: ignore[misc]

    def _begin(self, model: ModelRef, jobs: list[ChatJob]) -> None:
        loaded = self._pool.get(model)
        for job in jobs:
            try:
                stop_ids = frozenset(stop_token_ids(job.example, job.template, loaded.tokenizer))
                job.request = make_request(loaded, job.template, job.example, job.settings, stop_ids)
                job.stops = stop_texts(job.template, job.settings.stop)
            except ChatTemplateError as error:
                job.send({"error": "chat_template", "message": str(error)})
        ready = [job for job in jobs if job.request]
        for job in ready:
            if job.request and job.request.finished:
                _finish(job, loaded)
        going = [job for job in ready if job.request and not job.request.finished]
        requests = [job.request for job in going if job.request]
        if requests:
            decoder = Decoder(loaded.model, requests, loaded.tokenizer.pad_id)  # type: ignore[arg-type]
            self._batches.append(_Batch(loaded, decoder, going))

    def _turn(self, batch: _Batch) -> None:
        batch.decoder.step()
        now = time.monotonic()
        for job in list(batch.jobs):
            request = job.request
            assert request is not None
            _send_new_text(job, batch.loaded)
            if not request.finished and (job.cancelled or now > job.deadline):
                request.finish_reason = "cancelled" if job.cancelled else "timeout"
            if request.finished:
                _finish(job, batch.loaded)
                batch.jobs.remove(job)

    def _look(self, job: LookJob) -> None:
        job.send({"tokens": next_tokens(self._pool.get(job.model), job.text)})

    def _embed(self, job: EmbedJob) -> None:
        if self._embedder is None:
            self._embedder = self._make_embedder()
        if time.monotonic() > job.deadline:
            raise RefusedError(504, "timeout", "Embedding took too long. Send fewer texts at a time.")
        start = len(job.vectors)
        job.vectors += self._embedder.embed(job.texts[start : start + _CHUNK])
        if job.cancelled or len(job.vectors) >= len(job.texts):
            self._embeds.remove(job)
            job.send({"vectors": job.vectors})

    def _guard(self, jobs: list[Any], work: Callable[[], None]) -> None:
        """A failure ends the jobs it belongs to, never the thread."""
        try:
            work()
        except Exception as error:
            for job in list(jobs):
                job.send({"error": getattr(error, "code", type(error).__name__), "message": str(error)})
                if job in self._embeds:
                    self._embeds.remove(job)
            jobs.clear()


def _send_new_text(job: ChatJob, loaded: LoadedModel) -> None:
    """Send what can no longer change: not half a character, not the beginning of a stop text."""
    request = job.request
    assert request is not None
    text, stopped = cut_at_stop(loaded.tokenizer.decode(request.new_ids, skip_special=True), job.stops)
    if stopped and not request.finished:
        request.finish_reason = "stop"
    safe = len(text)
    if not request.finished:
        safe = len(text.rstrip("\ufffd"))
        for stop in job.stops:
            safe = min(safe, len(text) - _overlap(text, stop))
    if safe > len(job.sent):
        job.send({"text": text[len(job.sent) : safe]})
        job.sent = text[:safe]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    return next((size for size in range(min(len(stop), len(text)), 0, -1) if text.endswith(stop[:size])), 0)


def _finish(job: ChatJob, loaded: LoadedModel) -> None:
    request = job.request
    assert request is not None
    rest = answer_text(request, loaded.tokenizer, job.stops)[len(job.sent) :]
    if rest:
        job.send({"text": rest})
    job.send(
        {
            "done": True,
            "finish_reason": request.finish_reason,
            "prompt_tokens": len(request.prompt),
            "new_tokens": len(request.new_ids),
            "seconds": round(time.monotonic() - job.started, 3),
        }
    )
