"""The web worker's threads: whichever was free last takes the next request.

`concurrent.futures` lets idle threads take turns, so that each request meets a thread, a database connection and a
PostgreSQL process that have not run for seconds. Here one or two of them do nearly all the work and stay warm; the
others wait for a rush or for slow downloads.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

Call = Callable[[], None]


class Idle:
    """A thread without work: sleeps until it is handed a call, or None to end."""

    def __init__(self) -> None:
        self.call: Call | None = None
        self.sleeps = threading.Lock()
        self.sleeps.acquire()

    def wake(self, call: Call | None) -> None:
        self.call = call
        self.sleeps.release()

    def wait(self) -> Call | None:
        self.sleeps.acquire()
        call, self.call = self.call, None
        return call


class WarmThreads:
    """At most `most` threads, each started when all others are busy; calls beyond them wait in their order."""

    def __init__(self, most: int) -> None:
        self.most, self.started, self.over = most, 0, False
        self.lock = threading.Lock()
        self.idle: list[Idle] = []  # the one that was busy last is the last
        self.waiting: deque[Call] = deque()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)

        with self.lock:
            if self.over:
                raise RuntimeError("the threads were shut down")
            if self.idle:
                self.idle.pop().wake(call)
            elif self.started < self.most:
                self.started += 1
                threading.Thread(target=self.live, args=(call,), daemon=True).start()
            else:
                self.waiting.append(call)
        return future

    def live(self, call: Call | None) -> None:
        me = Idle()
        while call is not None:
            call()
            with self.lock:
                call = self.waiting.popleft() if self.waiting else None
                if call is None:
                    if self.over:
                        return
                    self.idle.append(me)
            if call is None:
                call = me.wait()

    def shutdown(self, *, wait: bool) -> None:
        """Let threads end when nothing waits any more. gunicorn waits for the futures itself."""
        with self.lock:
            self.over = True
            while self.idle:
                self.idle.pop().wake(None)


class WarmWorker(ThreadWorker):
    """gunicorn's worker with threads, with these threads."""

    def get_thread_pool(self) -> WarmThreads:
        return WarmThreads(self.cfg.threads)
