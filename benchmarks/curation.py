"""Import, lists, work and freezes over real PostgreSQL, with fifty simulated people on the real web server.

BENCH_PAIRS names the sizes to measure at, with commas: 20000,200000 unless it says otherwise; 1000000 takes an hour.
BENCH_PEOPLE and BENCH_SECONDS bound each load test (50 people, 60 seconds).
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import people, samples
from benchmarks.beside import training_beside
from benchmarks.installation import Answered, Installation, Web
from benchmarks.net import Browser
from benchmarks.painting import painting_row
from benchmarks.places import starter_model
from benchmarks.rows import Row, count_from, median, quantile

PAIRS = "20000,200000"
PEOPLE, SECONDS = 50, 60
FROZEN = 100_000
INDEXED = 5_000
MEANT = 25_000
LOOKS = 40
MEGABYTES = 300
# Requests of a kind, as the server's log names them: (what, method, end of the path, seconds allowed, while training).
KINDS = (
    ("next work item, page", "GET", r"/p/load/review/\d+/", 0.015, 0.050),
    ("next work item, API", "POST", r"/api/v1/work-items/claim/", 0.015, 0.050),
    ("next work item, empty editor", "GET", r"/p/load/tasks/[\w-]+/write/", 0.015, 0.050),
    ("submit a decision, page, with claiming the next", "POST", r"/p/load/review/\d+/approve/", 0.025, 0.080),
    ("submit a decision, API", "POST", r"/api/v1/work-items/\d+/submit/", 0.025, 0.080),
    ("submit a written pair", "POST", r"/p/load/tasks/[\w-]+/write/", 0.025, 0.080),
    ("keep a draft and check it", "POST", r"/p/load/tasks/[\w-]+/drafts/[\w-]+/", None, None),
)
REFERENCE = "a popular labeling server, 20 k tasks, one person: 100 ms next, 92 ms submit"


def rows() -> Iterator[Row]:
    sizes = sorted(int(size) for size in (os.environ.get("BENCH_PAIRS") or PAIRS).split(","))
    with Installation() as own:
        yield from measure(own, sizes)


def measure(own: Installation, sizes: Sequence[int]) -> Iterator[Row]:
    made = own.step("prepare", people=count_from("BENCH_PEOPLE", PEOPLE), model=str(starter_model() or ""))
    yield from index_rows(own, count_from("BENCH_INDEXED", INDEXED))
    yield from freeze_rows(own, count_from("BENCH_FROZEN", min(FROZEN, sizes[-1])))
    yield from meaning_rows(own, count_from("BENCH_MEANT", min(MEANT, sizes[-1])))
    texts = list(samples.samples(500, seed=9))
    before: dict[str, list[float]] = {}
    for size in sizes:
        task = f"task-{size}"
        yield from import_rows(own, task, size)
        own.step("fill", task=task)
        with own.web() as web:
            place = people.Place(made["project"], task, web.port)
            yield from list_rows(web, made["owner"], task, size)
            found, more = load_rows(web, place, made["sessions"], texts, size, before)
            yield from more
            before = before or found
            yield memory_row(web, size)
            yield painting_row(web.port, made["sessions"][0], size)
    with own.web() as web:
        place = people.Place(made["project"], task, web.port)
        yield from beside_rows(own, web, place, made["sessions"], texts)


def import_rows(own: Installation, task: str, size: int, *, approve: bool = False) -> Iterator[Row]:
    path = samples.write(own.home / "pairs.jsonl", size, seed=size)
    found = own.step("bring", task=task, path=str(path), approve=approve)
    path.unlink()
    rate = found["accepted"] / found["seconds"]
    what = f"import until stored, {size:,} rows{' approved' if approve else ''}"
    yield Row(what, f"{rate:,.0f} rows/s", "≥ 12,000 rows/s", "6,000 rows/s", rate >= 12_000)
    yield megabytes_row(what, found["megabytes"])


def megabytes_row(what: str, megabytes: float) -> Row:
    return Row(f"memory of {what}", f"{megabytes:.0f} MB", f"≤ {MEGABYTES} MB", held=megabytes <= MEGABYTES)


def index_rows(own: Installation, size: int) -> Iterator[Row]:
    """The job that follows an import; nothing waits for it."""
    path = samples.write(own.home / "pairs.jsonl", size, seed=3)
    own.step("bring", task="indexed", path=str(path), approve=False)
    found = own.step("index", task="indexed")
    what = f"checks, tokens and search words after an import, {size:,} rows"
    yield Row(what, f"{found['pairs'] / found['seconds']:,.0f} rows/s", "measured")


def freeze_rows(own: Installation, size: int) -> Iterator[Row]:
    yield from import_rows(own, "frozen", size, approve=True)
    own.step("fill", task="frozen")
    found = own.step("compare", task="frozen")
    what = f"near duplicates of {size:,} pairs, found and kept"
    yield Row(what, f"{found['seconds']:.1f} s", "≤ 60 s", held=found["seconds"] <= 60)
    for times in ("first", "second"):
        found = own.step("freeze", task="frozen")
        what = f"freeze {found['pairs']:,} pairs, {times} time"
        yield Row(what, f"{found['seconds']:.1f} s", "≤ 20 s", held=found["seconds"] <= 20)
        yield Row(f"memory of {what}", f"{found['megabytes']:.0f} MB", "measured")
        seconds = own.step("compare", task="frozen")["seconds"]
        yield Row(f"leaks of {size:,} pairs after the {times} freeze, found and kept", f"{seconds:.1f} s", "measured")
    found = own.step("export", version=found["version"])
    rate = found["rows"] / found["seconds"]
    what = f"export {found['rows']:,} rows"
    yield Row(what, f"{rate:,.0f} rows/s", "≥ 50,000 rows/s", "630 rows/s", rate >= 50_000)
    yield megabytes_row(what, found["megabytes"])


def meaning_rows(own: Installation, size: int) -> Iterator[Row]:
    """Of the pairs that were frozen: what a model server would send is kept, then compared."""
    found = own.step("mean", task="frozen", count=size)
    yield Row(f"meanings of {size:,} pairs kept", f"{found['pairs'] / found['seconds']:,.0f} pairs/s", "measured")
    found = own.step("compare", task="frozen")
    what = f"meanings of {size:,} pairs compared with one another and with test items"
    told = f"{found['seconds']:.1f} s, {found['meant']:,} couples alike, {found['megabytes']:.0f} MB"
    yield Row(what, told, "measured")


def list_rows(web: Web, session: str, task: str, size: int) -> Iterator[Row]:
    """The list of pairs as somebody who looks for something asks for it: words of every frequency, and filters."""
    with Browser(web.port, session) as browser:
        for query in searches(task, 3):
            browser.get(f"/p/load/pairs/?{query}")
        web.forget()
        for query in searches(task, count_from("BENCH_LOOKS", LOOKS)):
            browser.get(f"/p/load/pairs/?{query}")
    spent = [seen.seconds for seen in web.answered() if seen.path == "/p/load/pairs/" and seen.status == 200]
    p95 = quantile(spent, 0.95)
    what = f"list page with filter and search, {size:,} pairs"
    told = f"p95 {p95 * 1e3:.0f} ms, median {median(spent) * 1e3:.0f} ms"
    yield Row(what, told, "p95 ≤ 200 ms", "15 s at 10 k reported", p95 <= 0.2)


def searches(task: str, count: int) -> Iterator[str]:
    """Frequent and rare words, one, two and the beginning of one, with and without filters."""
    words, _chances = samples.vocabulary()
    filters: tuple[dict[str, str], ...] = (
        {"state": "submitted"},
        {"topic": "permits"},
        {"origin": "imported", "finding": "none"},
        {},
    )
    for n in range(count):
        word = words[(n * n * 11) % len(words)]
        asked = (word, f"{word} {words[n * 7]}", word[:4])[n % 3]
        yield urlencode({"task": task, "q": asked, **filters[n % len(filters)]})


@dataclass(frozen=True)
class Load:
    """What the server answered to the people, by kind, in seconds."""

    spent: dict[str, list[float]]
    crowd: people.Crowd
    answered: list[Answered]
    processor_seconds: float


def run_load(web: Web, place: people.Place, sessions: Sequence[str], texts: Sequence[samples.Sample]) -> Load:

    before: list[float] = []

    def warm() -> None:
        web.forget()
        before.append(web.processor_seconds())

    crowd = people.work(place, sessions, texts, count_from("BENCH_SECONDS", SECONDS), warm)
    spent_seconds = web.processor_seconds() - before[0]
    answered = web.answered()
    spent = {
        what: [
            seen.seconds
            for seen in answered
            if seen.method == method and seen.status < 400 and re.fullmatch(path, seen.path)
        ]
        for what, method, path, *_ in KINDS
    }
    return Load(spent, crowd, answered, spent_seconds)


def load_rows(
    web: Web,
    place: people.Place,
    sessions: Sequence[str],
    texts: Sequence[samples.Sample],
    size: int,
    before: dict[str, list[float]],
) -> tuple[dict[str, list[float]], list[Row]]:
    """Server times at this size, and against those of the smallest (`before`, {} for the smallest itself)."""
    load = run_load(web, place, sessions, texts)
    made = [
        kind_row(f"{what}, {size:,} pairs", load.spent[what], most) for what, _method, _path, most, _beside in KINDS
    ]
    for what, _method, _path, most, _beside in KINDS:
        if most is not None and before.get(what) and load.spent[what]:
            made.append(growth_row(what, before[what], load.spent[what]))
    return load.spent, [*made, refused_row(load, f"{len(sessions)} people, each acting every 5 s, {size:,} pairs")]


def growth_row(what: str, before: list[float], now: list[float]) -> Row:
    p95, middle = quantile(now, 0.95) / quantile(before, 0.95), median(now) / median(before)
    told = f"p95 {p95:.2f}×, median {middle:.2f}×"
    return Row(f"growth of: {what}", told, "p95 ≤ 1.3× of the smallest size", held=p95 <= 1.3)


def kind_row(what: str, spent: Sequence[float], most: float | None) -> Row:
    allowed = f"p95 ≤ {most * 1e3:.0f} ms" if most else "measured"
    if not spent:
        return Row(what, "not measured: no such request", allowed)
    p95 = quantile(list(spent), 0.95)
    told = f"p95 {p95 * 1e3:.1f} ms, median {median(list(spent)) * 1e3:.1f} ms"
    held = p95 <= most if most else None
    return Row(what, f"{told}, n {len(spent)}", allowed, REFERENCE if most else "", held)


def refused_row(load: Load, what: str) -> Row:
    """A load test in which people met errors measures nothing."""
    bad = [seen for seen in load.answered if seen.status >= 400]
    first = f"; {load.crowd.failures[0]}" if load.crowd.failures else ""
    waits = [seconds for _what, seconds in load.crowd.waits]
    mean = load.processor_seconds / max(1, len(load.answered)) * 1e3
    waited = f"they waited p95 {quantile(waits, 0.95) * 1e3:.0f} ms; " if waits else ""
    seen = f"{waited}the web server spent {mean:.1f} ms of a processor on a request"
    told = f"{len(bad) + len(load.crowd.failures)} errors in {len(load.answered)} requests"
    return Row(what, told + first, "0 errors", seen, not bad and not first)


def memory_row(web: Web, size: int) -> Row:
    used = [worker.memory_full_info() for worker in web.workers()]
    most = max(info.rss for info in used) / 2**20
    own = max(info.pss for info in used) / 2**20
    what = f"memory of a web worker after the people, {size:,} pairs"
    return Row(what, f"{most:.0f} MB, its share {own:.0f} MB", f"≤ {MEGABYTES} MB", "350–460 MB", most <= MEGABYTES)


def beside_rows(
    own: Installation, web: Web, place: people.Place, sessions: Sequence[str], texts: Sequence[samples.Sample]
) -> Iterator[Row]:
    """The same people while a real training runs on the same machine."""
    model = starter_model()
    if model is None:
        yield Row("next item and submit while a training runs", "not measured: no starter model", "p95 ≤ 50, 80 ms")
        return
    with training_beside(Path(own.home) / "training", model):
        load = run_load(web, place, sessions, texts)
    for what, _method, _path, _alone, most in KINDS:
        if most is not None:
            yield kind_row(f"{what}, while a training runs", load.spent[what], most)
    yield refused_row(load, f"{len(sessions)} people while a training runs")
