"""Answering a file of items with one model, resumable, with the likelihood of the reference answers if asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.decoding import Decoder, Request
from ml.loading import LoadedModel, load_model, use_threads
from ml.phrases import Phrase, gettext_noop
from ml.prompting import Example, Template, Tokenizer, encode_pair, encode_prompt, stop_token_ids
from ml.rundir import Attempt, GenerateSettings, RunDir
from ml.sample import Sample
from ml.score import TokenLoss, batches_by_length, score_samples
from ml.train.data import read_examples
from ml.train.stopping import Stopper

_LOADING = gettext_noop("Loading the model.")
_ANSWERING = gettext_noop("Answering %(todo)d of %(items)d items with %(threads)d threads.")
_NO_LIMIT = 1 << 40
_TELL_SECONDS = 2.0
_MOST_CELLS = 16_384  # tokens of questions and answers that a batch may hold at once, unless it is one answer alone


@dataclass
class Spent:
    """Where the time of one attempt went: seconds, and the tokens that they brought. Later estimates are made of it."""

    loading: float = 0.0
    answering: float = 0.0
    reading: float = 0.0
    steps: int = 0  # of answering; each adds a token to every unfinished answer of a batch
    new_tokens: int = 0
    read_tokens: int = 0

    @contextmanager
    def clock(self, part: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            setattr(self, part, getattr(self, part) + time.monotonic() - began)

    def to_json(self) -> dict[str, Any]:
        return {
            "loading_seconds": round(self.loading, 2),
            "answering_seconds": round(self.answering, 2),
            "reading_seconds": round(self.reading, 2),
            "steps": self.steps,
            "read_tokens": self.read_tokens,
        }


def cut_at_stop(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """The text before the first stop text, and whether there was one."""
    places = [place for place in (text.find(stop) for stop in stops if stop) if place >= 0]
    return (text[: min(places)], True) if places else (text, False)


def answer_text(request: Request, tokenizer: Tokenizer, stops: Sequence[str]) -> str:
    """The answer so far as text, without end tokens and stop texts."""
    return cut_at_stop(tokenizer.decode(request.new_ids, skip_special=True), stops)[0]


def stop_texts(template: Template, stops: Sequence[str] = ()) -> tuple[str, ...]:
    """Texts that end an answer: those asked for, and the template's own text after a response."""
    own = template.after_response.strip()
    return (*stops, own) if own else tuple(stops)


def make_request(
    loaded: LoadedModel, template: Template, example: Example, settings: GenerateSettings, stop_ids: frozenset[int]
) -> Request:
    """A request for one item. One whose prompt leaves no room for an answer is finished as "too_long" at once."""
    prompt = encode_prompt(example, template, loaded.tokenizer)
    room = loaded.longest - len(prompt)
    request = Request(
        prompt=prompt,
        max_new_tokens=min(settings.max_new_tokens, max(room, 0)),
        stop_ids=stop_ids,
        temperature=settings.temperature,
        top_p=settings.top_p,
        seed=settings.seed,
        key=example.id,
    )
    if room <= 0:
        request.finish_reason = "too_long"
    return request


def answer(
    loaded: LoadedModel, requests: Sequence[Request], stops: Sequence[str], check: Callable[[], None] = lambda: None
) -> None:
    """Answer a batch of requests to the end. `check` is called at every token and may raise to stop."""
    open_requests = [request for request in requests if not request.finished]
    if not open_requests:
        return
    decoder = Decoder(loaded.model, open_requests, loaded.tokenizer.pad_id)  # type: ignore[arg-type]
    while decoder.active:
        check()
        decoder.step()
        if stops:
            end_at_stop_texts(open_requests, loaded.tokenizer, stops)


def end_at_stop_texts(requests: Sequence[Request], tokenizer: Tokenizer, stops: Sequence[str]) -> None:
    """Finish every request whose text contains a stop text."""
    for request in requests:
        if not request.finished and cut_at_stop(tokenizer.decode(request.new_ids, skip_special=True), stops)[1]:
            request.finish_reason = "stop"


def run_generation(run: RunDir, attempt: Attempt, stopper: Stopper) -> dict[str, Any]:
    """Answer all items of a run; returns what DONE says.

    1. Load the model; read the items. 2. Skip those that an earlier attempt answered. 3. Answer batches of similar
    length and write each batch at once. 4. Put all outputs, in the items' order, into outputs.jsonl of this attempt.
    Raises StopRequested, and the errors of loading and reading.
    """
    spec = run.read_spec()
    settings = spec.generate
    if settings is None:
        raise ValueError("This run directory is not for a generation.")
    started, spent = time.monotonic(), Spent()
    attempt.events.write("phase", name="load", message=Phrase(_LOADING))
    threads = use_threads(settings.threads)
    with spent.clock("loading"):
        loaded = load_model(spec.model)
    items = list(read_examples(run.path / settings.items))
    done = _earlier_outputs(run, attempt)
    asked = len(items[: settings.answers or None])
    todo = [item for item in items if item.id not in done]
    unasked = {item.id for item in items[asked:]}
    message = Phrase(_ANSWERING, todo=len(todo), items=len(items), threads=threads)
    attempt.events.write("phase", name="generate", message=message)
    teller = _Teller(attempt, len(items), len(todo), spent)
    with attempt.outputs_path.open("a", encoding="utf-8") as file:
        for rows in _answer_items(loaded, spec.template, todo, unasked, settings, stopper, teller):
            for row in rows:
                done[row["id"]] = row
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            teller.tell(len(done))
    _write_in_order(attempt.outputs_path, [done[item.id] for item in items])
    return _result(attempt, items, done, spent, time.monotonic() - started)


class _Teller:
    """Tells how far the work is: after each batch, and within one every two seconds, as a part of its answers."""

    def __init__(self, attempt: Attempt, total: int, todo: int, spent: Spent) -> None:
        self._attempt, self._total, self._before, self.spent = attempt, total, total - todo, spent
        self._done, self._told, self._began = self._before, time.monotonic(), time.monotonic()

    def tell(self, done: int, part: float = 0.0) -> None:
        """`done` items are finished, and of those in the batch under way as much as `part` answers."""
        self._done, self._told = done, time.monotonic()
        seconds, here = self._told - self._began, done + part - self._before
        self._attempt.events.write(
            "progress",
            done=done,
            total=self._total,
            part=round(part, 2),
            tokens_per_second=round(self.spent.new_tokens / seconds, 2) if seconds else 0.0,
            eta_seconds=round(seconds / here * (self._total - done - part), 1) if here else None,
        )

    def within(self, requests: Sequence[Request]) -> None:
        """Called at every token of a batch."""
        if time.monotonic() - self._told >= _TELL_SECONDS:
            shares = (1.0 if each.finished else len(each.new_ids) / each.max_new_tokens for each in requests)
            self.tell(self._done, sum(shares))


def _answer_items(
    loaded: LoadedModel,
    template: Template,
    items: Sequence[Example],
    unasked: AbstractSet[str],
    settings: GenerateSettings,
    stopper: Stopper,
    teller: _Teller,
) -> Iterator[list[dict[str, Any]]]:
    """The outputs of one batch at a time: first the items to answer, then those whose reference alone is scored."""
    if not items:
        return
    stop_ids = frozenset(stop_token_ids(items[0], template, loaded.tokenizer))
    stops = stop_texts(template, settings.stop)
    requests = [make_request(loaded, template, item, settings, stop_ids) for item in items]
    for request in requests:
        if request.key in unasked:
            request.finish_reason = "not_asked"
    loss, spent = TokenLoss(loaded.model) if settings.score_references else None, teller.spent
    for batch in _batches(requests, settings.batch_size):
        seconds = _answer_batch(loaded, [requests[index] for index in batch], stops, stopper, teller)
        with spent.clock("reading"):
            references = _reference_scores(loaded, template, [items[index] for index in batch], loss, stopper, spent)
        yield [
            {
                "id": items[index].id,
                "text": answer_text(requests[index], loaded.tokenizer, stops),
                "finish_reason": requests[index].finish_reason,
                "prompt_tokens": len(requests[index].prompt),
                "new_tokens": len(requests[index].new_ids),
                "seconds": round(seconds / len(batch), 4),
                **reference,
                "truncated_prompt": False,
            }
            for index, reference in zip(batch, references, strict=True)
        ]


def _answer_batch(
    loaded: LoadedModel, requests: Sequence[Request], stops: Sequence[str], stopper: Stopper, teller: _Teller
) -> float:
    """Answer a batch; the seconds that it took."""

    def at_each_token() -> None:
        stopper.check()
        teller.spent.steps += 1
        teller.within(requests)

    before = teller.spent.answering
    with teller.spent.clock("answering"):
        answer(loaded, requests, stops, at_each_token)
    teller.spent.new_tokens += sum(len(request.new_ids) for request in requests)
    return teller.spent.answering - before


def _batches(requests: Sequence[Request], size: int) -> Iterator[list[int]]:
    for asked in (True, False):
        places = [n for n, request in enumerate(requests) if (request.finish_reason != "not_asked") == asked]
        for batch in batches_by_length([len(requests[place].prompt) for place in places], size):
            longest = max(len(requests[places[n]].prompt) + requests[places[n]].max_new_tokens for n in batch)
            rows = max(1, min(size, _MOST_CELLS // max(longest, 1)))
            for start in range(0, len(batch), rows):
                yield [places[n] for n in batch[start : start + rows]]


def _reference_scores(
    loaded: LoadedModel,
    template: Template,
    items: Sequence[Example],
    loss: TokenLoss | None,
    stopper: Stopper,
    spent: Spent,
) -> list[dict[str, Any]]:
    """Mean negative log-likelihood of each item's own response; null where there is none or it does not fit."""
    found: list[dict[str, Any]] = [{"reference_loss": None, "reference_tokens": 0} for _ in items]
    if loss is None:
        return found
    encoded = [encode_pair(item, template, loaded.tokenizer, _NO_LIMIT) for item in items]
    scorable = [n for n, pair in enumerate(encoded) if pair.usable and len(pair.ids) <= loaded.longest]
    if scorable:
        spent.read_tokens += sum(len(encoded[number].ids) for number in scorable)
        scores = score_samples(
            loaded.model,
            [Sample(encoded[number].ids, encoded[number].labels) for number in scorable],
            pad_id=loaded.tokenizer.pad_id,
            loss=loss,
            check=stopper.check,
        )
        for number, score in zip(scorable, scores, strict=True):
            found[number] = {"reference_loss": score.mean, "reference_tokens": score.tokens}
    return found


def _earlier_outputs(run: RunDir, attempt: Attempt) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for number in run.attempts():
        path = run.attempt_path(number) / attempt.outputs_path.name
        if path.is_file():
            found |= {row["id"]: row for row in map(_row, path.read_bytes().splitlines()) if row}
    return found


def _row(line: bytes) -> dict[str, Any] | None:
    # A killed attempt may have left half a line.
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and "finish_reason" in row else None


def _write_in_order(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    temporary.replace(path)


def _result(
    attempt: Attempt, items: Sequence[Example], done: dict[str, dict[str, Any]], spent: Spent, seconds: float
) -> dict[str, Any]:
    losses = [done[item.id]["reference_loss"] for item in items]
    known = [loss for loss in losses if loss is not None]
    return {
        "result": f"{attempt.path.name}/{attempt.outputs_path.name}",
        "items": len(items),
        "new_tokens": spent.new_tokens,
        "seconds": round(seconds, 3),
        "tokens_per_second": round(spent.new_tokens / seconds, 2),
        "mean_reference_loss": sum(known) / len(known) if known else None,
        **spent.to_json(),
    }
