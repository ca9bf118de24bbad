"""Simulated people, each acting every few seconds for a bounded time, on this machine's web server.

A third review on the page, a third through the API, a third write pairs. What counts is what the server's own log says
of each request; what the person waited for is kept beside it.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.net import Browser, Reply
from benchmarks.samples import Sample

EVERY = 5.0
MOST_SECONDS = 300.0


class Unexpected(RuntimeError):
    """The server answered otherwise than a person would expect."""


@dataclass(frozen=True)
class Place:
    """Where they work."""

    project: str
    task: str
    port: int


@dataclass
class Crowd:
    """What the people met: failures as sentences, waits as (what, seconds)."""

    failures: list[str] = field(default_factory=list)
    waits: list[tuple[str, float]] = field(default_factory=list)
    counting: threading.Event = field(default_factory=threading.Event)


Act = Callable[[], None]


class Person:
    """One person's browser. Subclasses say what an action is."""

    def __init__(self, place: Place, session: str, crowd: Crowd, texts: Sequence[Sample]) -> None:
        self.place, self.crowd, self.texts = place, crowd, texts
        self.browser = Browser(place.port, session)
        self.at = f"/p/{place.project}"

    def act(self) -> None:
        raise NotImplementedError

    def wait_for(self, what: str, *calls: Callable[[], Reply]) -> Reply:
        """Make the calls, each of which must not be refused; the time of all together is what the person waited."""
        start = time.perf_counter()
        for call in calls:
            reply = call()
            if reply.status >= 400:
                raise Unexpected(f"{what}: status {reply.status}")
        if self.crowd.counting.is_set():
            self.crowd.waits.append((what, time.perf_counter() - start))
        return reply


class PageReviewer(Person):
    """Approves what the page shows; the next one is on the page that follows."""

    address = ""
    revision = ""

    def act(self) -> None:
        if self.address:
            approve = f"{self.address}approve/"
            reply = self.wait_for("submit", lambda: self.browser.post(approve, revision=self.revision, reason=""))
        else:
            reply = self.wait_for("submit", lambda: self.browser.post(f"{self.at}/review/next/"))
        self.address = reply.location
        page = self.wait_for("next", lambda: self.browser.get(self.address))
        self.revision = page.hidden("revision")


class ProgramReviewer(Person):
    """The same through the API: claim, then decide."""

    held = 0
    revision = 0

    def act(self) -> None:
        if self.held:
            body = json.dumps({"decision": "approve", "reason": "", "revision": self.revision})
            path = f"/api/v1/work-items/{self.held}/submit/"
            self.wait_for("submit", lambda: self.browser.post_json(path, body))
        asked = json.dumps({"project": self.place.project})
        found = self.wait_for("next", lambda: self.browser.post_json("/api/v1/work-items/claim/", asked))
        claimed = json.loads(found.body)
        self.held, self.revision = claimed["id"], claimed["pair"]["current"]["id"]


class Writer(Person):
    """Types a pair, which is kept meanwhile, and submits it; the page that follows is empty."""

    address = ""
    key = ""

    def act(self) -> None:
        form = f"{self.at}/tasks/{self.place.task}/write/"
        if self.key:
            text = random.choice(self.texts)
            fields = {"instruction": text.instruction, "input": text.input, "response": text.response, "language": "en"}
            draft = f"{self.at}/tasks/{self.place.task}/drafts/{self.key}/"
            typed = json.dumps({"fields": {**fields, "response": text.response[:40]}, "version": 0})
            self.wait_for("draft", lambda: self.browser.post_json(draft, typed))
            key = self.key
            self.wait_for("submit", lambda: self.browser.post(form, **fields, key=key, base=0))
        self.address = self.wait_for("next", lambda: self.browser.get(f"{form}?new=1")).location
        self.key = self.wait_for("next", lambda: self.browser.get(self.address)).hidden("key")


KINDS: tuple[type[Person], ...] = (PageReviewer, ProgramReviewer, Writer)


def work(place: Place, sessions: Sequence[str], texts: Sequence[Sample], seconds: float, warm: Act) -> Crowd:
    """Let one person per session act every 5 seconds until `seconds` (at most 300) after the first round are over.

    The first round only gets everybody to their first item; `warm` is called when it is done.
    """
    crowd, over = Crowd(), threading.Event()
    people = [KINDS[n % len(KINDS)](place, session, crowd, texts) for n, session in enumerate(sessions)]
    threads = [
        threading.Thread(target=live, args=(person, EVERY * n / len(people), over), daemon=True)
        for n, person in enumerate(people)
    ]
    for thread in threads:
        thread.start()
    time.sleep(2 * EVERY)
    warm()
    crowd.counting.set()
    time.sleep(min(seconds, MOST_SECONDS))
    over.set()
    for thread in threads:
        thread.join(EVERY + 60)
    return crowd


def live(person: Person, first: float, over: threading.Event) -> None:
    """Act every 5 seconds by the clock, however long an action took; a failure ends this person's day."""
    due = time.monotonic() + first
    with person.browser:
        while not over.wait(max(0.0, due - time.monotonic())):
            try:
                person.act()
            except Exception as error:
                person.crowd.failures.append(f"{type(person).__name__}: {type(error).__name__}: {error}")
                return
            due += EVERY
