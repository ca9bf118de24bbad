"""From rendered text to token ids and labels, and what is wrong with a pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from ml.phrases import gettext_noop
from ml.prompting.chat import ChatTemplateError
from ml.prompting.rendering import mark_control_texts, render
from ml.prompting.shapes import Example, Template
from ml.prompting.tokenizer import Tokenizer

IGNORED = -100
_LONGEST_CHARACTER = 4  # bytes, so tokens at most
Kind = Literal["context", "trained", "cut"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What can be wrong with a pair. A blocking problem keeps the pair out of the training."""

    code: str
    blocking: bool
    sentence: str


_PROBLEMS = (
    Problem(
        "too_long",
        True,
        gettext_noop("The pair is longer than the limit for one example; shorten it or raise the limit."),
    ),
    Problem("empty_response", True, gettext_noop("The response is empty, so there is nothing to learn.")),
    Problem(
        "prompt_mismatch",
        True,
        gettext_noop(
            "The model's chat template writes the question differently once it is answered, "
            "so the model would be taught on other words than it is asked in."
        ),
    ),
    Problem(
        "response_changed", True, gettext_noop("The model's chat template does not write the response as it stands.")
    ),
    Problem("chat_template_failed", True, gettext_noop("The model's chat template refuses this conversation.")),
    Problem("double_bos", True, gettext_noop("The prompt starts with the begin-of-text token twice.")),
    Problem(
        "control_token",
        False,
        gettext_noop("The text contains a control token of this model; it is taken as plain text."),
    ),
    Problem("unknown_token", False, gettext_noop("The tokenizer does not know a character of this text.")),
    Problem(
        "merged_boundary",
        False,
        gettext_noop(
            "Prompt and response would share a token; they are split there, as they are when the model answers."
        ),
    ),
)
PROBLEMS: dict[str, Problem] = {problem.code: problem for problem in _PROBLEMS}


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """One pair as tokens.

    `ids` and `labels` have the same length; a label is the id itself where the token is trained (the response and the
    one end token behind it) and -100 elsewhere. `n_prompt` tokens of prompt, `n_trained` trained ones, `overflow`
    tokens beyond the limit (the ids are complete all the same: nothing is cut). `problems` are codes of PROBLEMS.
    """

    ids: list[int]
    labels: list[int]
    n_prompt: int
    n_trained: int
    overflow: int
    problems: list[str]

    @property
    def usable(self) -> bool:
        """Whether the pair may be trained on: no blocking problem."""
        return not any(PROBLEMS[code].blocking for code in self.problems)


def encode_prompt(example: Example, template: Template, tokenizer: Tokenizer) -> list[int]:
    """The ids that the model is given: the same ones as in training. Raises ChatTemplateError."""
    prompt = render(mark_control_texts(example, tokenizer), template, tokenizer).prompt
    return _prompt_ids(prompt, template, tokenizer)


def encode_pair(example: Example, template: Template, tokenizer: Tokenizer, max_tokens: int) -> EncodedPair:
    """Tokens and labels of one pair.

    1. Render with the control tokens that people typed marked as text.
    2. Encode the prompt as generation does; encode prompt and response together, and keep that if it begins with the
       prompt's ids, else encode the response on its own.
    3. Label the response and one end token.
    Never raises for what a person wrote: whatever is wrong is in `problems`.
    """
    marked = mark_control_texts(example, tokenizer)
    try:
        rendered = render(marked, template, tokenizer)
    except ChatTemplateError:
        return EncodedPair([], [], 0, 0, 0, ["chat_template_failed"])
    problems = _text_problems(example, tokenizer)
    if not rendered.matches_prompt:
        problems.append("prompt_mismatch")
    elif template.kind == "chat" and marked.response.strip() not in rendered.response:
        problems.append("response_changed")
    prompt = _prompt_ids(rendered.prompt, template, tokenizer)
    response, merged = _response_ids(prompt, rendered.prompt, rendered.response, template, tokenizer)
    if merged:
        problems.append("merged_boundary")
    end_id = tokenizer.token_to_id(rendered.end)
    trained = [*response, tokenizer.eos_id if end_id is None else end_id]
    ids = prompt + trained
    overflow = max(0, len(ids) - max_tokens)
    if overflow:
        problems.append("too_long")
    problems += _token_problems(ids, tokenizer)
    return EncodedPair(ids, [IGNORED] * len(prompt) + trained, len(prompt), len(trained), overflow, problems)


def segments(encoded: EncodedPair, tokenizer: Tokenizer, max_tokens: int) -> list[tuple[str, Kind]]:
    """The pair's text in runs of one colour: context, trained, or cut (beyond `max_tokens`)."""
    runs = groupby(_kinds(encoded, max_tokens), key=lambda found: found[0])
    return [(tokenizer.decode([token for _, token in run]), kind) for kind, run in runs]


def token_pieces(encoded: EncodedPair, tokenizer: Tokenizer, max_tokens: int) -> list[tuple[str, Kind]]:
    """The pair's text token by token, each with its kind. Tokens that share one character are one piece.

    A token is decoded behind the one before it: many tokenizers write a blank differently at the start of a text.
    """
    pieces: list[tuple[str, Kind]] = []
    before: list[int] = []
    waiting: list[int] = []
    for kind, token in _kinds(encoded, max_tokens):
        waiting.append(token)
        text = tokenizer.decode(before + waiting)[len(tokenizer.decode(before)) :]
        if text.endswith("\ufffd") and len(waiting) < _LONGEST_CHARACTER:
            continue
        pieces.append((text, kind))
        before, waiting = waiting, []
    return [*pieces, *([(tokenizer.decode(waiting), kind)] if waiting else [])]


def characters_within(encoded: EncodedPair, tokenizer: Tokenizer, max_tokens: int) -> int | None:
    """How many characters of the response lie within `max_tokens`; None when the whole pair does.

    A character that the limit cuts through counts as beyond it.
    """
    if len(encoded.ids) <= max_tokens:
        return None
    within = tokenizer.decode(encoded.ids[encoded.n_prompt : max_tokens]) if max_tokens > encoded.n_prompt else ""
    return len(within.rstrip("\ufffd"))


def stop_token_ids(example: Example, template: Template, tokenizer: Tokenizer) -> list[int]:
    """Every token that ends an answer: the model's own end tokens and the one its chat template writes."""
    stops = set(tokenizer.stop_ids)
    if template.kind == "chat":
        asked = Example(id=example.id, instruction="a", response="b")
        end = tokenizer.token_to_id(render(asked, template, tokenizer).end)
        stops |= set() if end is None else {end}
    return sorted(stops)


def _prompt_ids(prompt: str, template: Template, tokenizer: Tokenizer) -> list[int]:
    ids = tokenizer.encode(prompt)
    # A chat template writes its own begin-of-text token; plain text gets the one this tokenizer always adds.
    if template.kind == "text" and tokenizer.adds_bos and tokenizer.bos_id is not None:
        return [tokenizer.bos_id, *ids]
    return ids


def _response_ids(
    prompt_ids: list[int], prompt: str, response: str, template: Template, tokenizer: Tokenizer
) -> tuple[list[int], bool]:
    together = _prompt_ids(prompt + response, template, tokenizer)
    if together[: len(prompt_ids)] == prompt_ids:
        return together[len(prompt_ids) :], False
    return tokenizer.encode(response), True


def _text_problems(example: Example, tokenizer: Tokenizer) -> list[str]:
    problems = [] if example.response.strip() else ["empty_response"]
    texts = (example.system, example.instruction, example.input, example.response)
    if any(map(tokenizer.has_control, (*texts, *(turn.content for turn in example.turns)))):
        problems.append("control_token")
    return problems


def _token_problems(ids: list[int], tokenizer: Tokenizer) -> list[str]:
    problems = []
    if tokenizer.bos_id is not None and tokenizer.bos_id != tokenizer.eos_id and ids[:2] == [tokenizer.bos_id] * 2:
        problems.append("double_bos")
    unknown = tokenizer.token_to_id(tokenizer.template_variables.get("unk_token", ""))
    # Some tokenizers name their end-of-text token as the unknown one as well; that is no unknown character.
    if unknown is not None and unknown != tokenizer.eos_id and unknown != tokenizer.bos_id and unknown in ids:
        problems.append("unknown_token")
    return problems


def _kinds(encoded: EncodedPair, max_tokens: int) -> Iterator[tuple[Kind, int]]:
    for position, (token, label) in enumerate(zip(encoded.ids, encoded.labels, strict=True)):
        kind: Kind = "cut" if position >= max_tokens else "context" if label == IGNORED else "trained"
        yield kind, token
