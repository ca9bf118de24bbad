"""The web worker's threads: whichever was free last takes the next request.

`concurrent.futures` lets idle threads take turns, so that each request meets a thread, a database connection and a
PostgreSQL process that have not run for seconds. Here one or two of them do nearly all the work and stay warm; the
others wait for a rush or for slow downloads. What the garbage collector has to do is done between two requests: one
page in thirty stood still for 6 ms in the middle, and now and then one for 80.
"""

import gc
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

Call = Callable[[], None]
PAUSE = 0.02  # s; a page's next request mostly follows within a few ms
YOUNG = 2_000  # objects since the last collection, a few requests' worth
MIDDLE, OLD = 20, 20  # collections of the younger ones before the older ones are looked through


class Idle:
    """A thread without work: sleeps until it is handed a call, or None to end. After a pause it calls `rest` once."""

    def __init__(self) -> None:
        self.call: Call | None = None
        self.sleeps = threading.Lock()
        self.sleeps.acquire()

    def wake(self, call: Call | None) -> None:
        self.call = call
        self.sleeps.release()

    def wait(self, rest: Call) -> Call | None:
        if not self.sleeps.acquire(timeout=PAUSE):
            rest()
            self.sleeps.acquire()
        call, self.call = self.call, None
        return call


class WarmThreads:
    """At most `most` threads, each started when all others are busy; calls beyond them wait in their order. `rest` is
    called when for a moment none had anything to do."""

    def __init__(self, most: int, rest: Call = lambda: None) -> None:
        self.most, self.rest, self.started, self.over = most, rest, 0, False
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
            call = None  # what it held goes now
            with self.lock:
                call = self.waiting.popleft() if self.waiting else None
                if call is None:
                    if self.over:
                        return
                    self.idle.append(me)
            if call is None:
                call = me.wait(self.rest_all)

    def rest_all(self) -> None:
        if len(self.idle) == self.started:
            self.rest()

    def shutdown(self, *, wait: bool) -> None:
        """Let threads end when nothing waits any more. gunicorn waits for the futures itself."""
        with self.lock:
            self.over = True
            while self.idle:
                self.idle.pop().wake(None)


def collect_garbage() -> None:
    """What Python's collector would do by itself in the middle of a request, in smaller pieces."""
    young, middle, old = gc.get_count()
    if young >= YOUNG:
        gc.collect(2 if old >= OLD else 1 if middle >= MIDDLE else 0)


class WarmWorker(ThreadWorker):
    """gunicorn's worker with threads, with these threads."""

    def get_thread_pool(self) -> WarmThreads:
        return WarmThreads(self.cfg.threads, collect_garbage)
