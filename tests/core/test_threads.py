"""The web worker's threads: the one that was free last works next, no more than allowed, nothing lost."""

import threading
from concurrent.futures import Future, wait

import pytest

from config.threads import PAUSE, WarmThreads

SECONDS = 20.0


def test_the_thread_that_was_busy_last_takes_the_next_call() -> None:
    threads = WarmThreads(8)
    gates = [threading.Event() for _ in range(3)]
    begun = [threading.Event() for _ in range(3)]

    def work(n: int) -> int:
        begun[n].set()
        assert gates[n].wait(SECONDS)
        return threading.get_ident()

    futures = [threads.submit(work, n) for n in range(3)]
    assert all(event.wait(SECONDS) for event in begun), "three at once"
    for n in (0, 2, 1):
        gates[n].set()
        futures[n].result(SECONDS)
        until_idle(threads, 1 + (0, 2, 1).index(n))
    last = futures[1].result()
    for _ in range(20):
        assert threads.submit(threading.get_ident).result(SECONDS) == last
        until_idle(threads, 3)


def test_calls_beyond_the_most_wait_in_their_order_and_none_is_lost() -> None:
    threads = WarmThreads(2)
    lock, running, most, order = threading.Lock(), 0, 0, []

    def work(n: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            order.append(n)
        threading.Event().wait(0.001)
        with lock:
            running -= 1
        return n

    futures = [threads.submit(work, n) for n in range(200)]
    assert [future.result(SECONDS) for future in futures] == list(range(200))
    assert most == 2
    assert all(abs(place - n) <= 1 for place, n in enumerate(order))


def test_an_error_reaches_who_asks_and_the_thread_lives_on() -> None:
    threads = WarmThreads(1)
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 / 0).result(SECONDS)
    assert threads.submit(lambda: 7).result(SECONDS) == 7


def test_after_the_end_what_waits_is_done_and_nothing_new_begins() -> None:
    threads, gate = WarmThreads(1), threading.Event()
    held: Future[bool] = threads.submit(gate.wait, SECONDS)
    waiting = threads.submit(lambda: "done")
    threads.shutdown(wait=False)
    with pytest.raises(RuntimeError):
        threads.submit(lambda: None)
    gate.set()
    assert wait([held, waiting], SECONDS).not_done == set()
    assert waiting.result() == "done"


def test_what_may_wait_is_done_when_no_thread_is_busy() -> None:
    rested, gate, begun = threading.Event(), threading.Event(), threading.Event()
    threads = WarmThreads(2, rested.set)

    def work() -> None:
        begun.set()
        gate.wait(SECONDS)

    held = threads.submit(work)
    assert begun.wait(SECONDS)
    threads.submit(int).result(SECONDS)
    until_idle(threads, 1)
    assert not rested.wait(5 * PAUSE), "one is still busy"
    gate.set()
    held.result(SECONDS)
    assert rested.wait(SECONDS)
    assert threads.submit(lambda: 7).result(SECONDS) == 7, "after a rest they work on"


def until_idle(threads: WarmThreads, count: int) -> None:
    """A future is done a moment before its thread is idle."""
    for _ in range(int(SECONDS * 1000)):
        with threads.lock:
            if len(threads.idle) == count:
                return
        threading.Event().wait(0.001)
    raise AssertionError("a thread did not come to rest")
