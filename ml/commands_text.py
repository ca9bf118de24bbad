"""`check`, `rate` and `agree`: text checks, ratings and agreement from files, JSON out.

Exit code 0: done. 1: the file, or a line of it, could not be read; the reason stands in the error output or the JSON.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml.agree import GradeError, agree, read_grades
from ml.checks import CheckContext, PairTexts, TypicalLengths, all_checks, corpus_checks, corpus_links, run_checks
from ml.cli import fail, print_json
from ml.prompting.shapes import Example, TemplateError
from ml.rate import DEFAULT_PENALTY, METHODS, bradley_terry, elo
from ml.votes import VoteError, read_votes
from ml.words import count_words

_FIELDS = ("instruction", "input", "response")


def check_command(arguments: list[str]) -> int:
    """Run the text checks over a file of pairs."""
    parser = argparse.ArgumentParser(prog="python -m ml check", description="Text checks over pairs; JSON out.")
    parser.add_argument("pairs", type=Path, help="JSON lines with instruction, input, response (or output), language")
    parser.add_argument("--only", nargs="+", choices=[check.id for check in all_checks()], help="these checks alone")
    parser.add_argument("--fields", nargs="+", choices=_FIELDS, default=["instruction", "response"])
    parser.add_argument("--language", default="en", help="of pairs that do not name theirs")
    parser.add_argument("--extraction", action="store_true", help="responses may say only what the input says")
    parser.add_argument("--glossary", type=Path, help="accepted words, one entry a line")
    options = parser.parse_args(arguments)
    try:
        glossary = options.glossary.read_text(encoding="utf-8-sig").split("\n") if options.glossary else []
        report = _check_report(options, frozenset(filter(None, map(str.strip, glossary))))
    except (OSError, UnicodeDecodeError) as error:
        return fail(f"The file cannot be read: {error}.")
    print_json(report)
    return 1 if report["unreadable"] else 0


def rate_command(arguments: list[str]) -> int:
    """Rate items from blind votes."""
    parser = argparse.ArgumentParser(
        prog="python -m ml rate",
        description="Ratings from a CSV file with the columns left, right, winner and perhaps rater, prompt; JSON out.",
    )
    parser.add_argument("votes", type=Path)
    parser.add_argument("--method", choices=sorted(METHODS), default="bt")
    parser.add_argument(
        "--penalty",
        type=float,
        default=DEFAULT_PENALTY,
        help="virtual ties for each compared pair (bt); 0 is plain maximum likelihood; default %(default)s",
    )
    options = parser.parse_args(arguments)
    try:
        votes = read_votes(options.votes)
        ratings = elo(votes) if options.method == "elo" else bradley_terry(votes, penalty=options.penalty)
    except VoteError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"The file cannot be read: {error}.")
    print_json(ratings.to_json())
    return 0


def agree_command(arguments: list[str]) -> int:
    """Measure the agreement of raters."""
    parser = argparse.ArgumentParser(
        prog="python -m ml agree",
        description="Agreement from a CSV file with the columns item, rater, value; JSON out.",
    )
    parser.add_argument("grades", type=Path)
    options = parser.parse_args(arguments)
    try:
        result = agree(read_grades(options.grades))
    except GradeError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"The file cannot be read: {error}.")
    print_json(result.to_json())
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "check": check_command,
    "rate": rate_command,
    "agree": agree_command,
}


def _check_report(options: argparse.Namespace, glossary: frozenset[str]) -> dict[str, Any]:
    """The file is read twice: first for the usual length of responses, then text by text."""
    lengths = [count_words(pair.response) for _, pair in _pairs(options) if isinstance(pair, Example) and pair.response]
    typical = TypicalLengths.of_counts(lengths)
    findings: list[dict[str, Any]] = []
    unreadable: list[dict[str, Any]] = []
    unavailable: dict[str, str] = {}
    compared: list[tuple[int, PairTexts]] = []
    total = 0
    for line, pair in _pairs(options):
        if isinstance(pair, str):
            unreadable.append({"line": line, "reason": pair})
            continue
        total += 1
        compared.append((line, PairTexts("\n".join(filter(None, [pair.instruction, pair.input])), pair.response)))
        for check in all_checks():
            reason = check.unavailable_reason(pair.language)
            if reason and check.id in (options.only or [check.id]):
                unavailable[f"{check.id} {pair.language}"] = reason
        found = _pair_findings(pair, options, glossary, typical)
        findings.extend({"line": line, "id": pair.id, **finding} for finding in found)
    return {
        "pairs": total,
        "pairs_with_findings": len({finding["line"] for finding in findings}),
        "checks": [{"id": check.id, "version": check.version} for check in all_checks()],
        "counts": dict(Counter(finding["check"] for finding in findings)),
        "unavailable": sorted(set(unavailable.values())),
        "findings": findings,
        "links": [] if options.only else _links(compared),
        "unreadable": unreadable,
    }


def _links(compared: Sequence[tuple[int, PairTexts]]) -> list[dict[str, Any]]:
    """What the checks over the whole file tie together, by line."""
    found = corpus_links([texts for _, texts in compared], corpus_checks())
    return [
        {"check": link.check, "lines": [compared[link.one][0], compared[link.other][0]], "similarity": link.similarity}
        for link in found
    ]


def _pair_findings(
    pair: Example, options: argparse.Namespace, glossary: frozenset[str], typical: TypicalLengths | None
) -> Iterator[dict[str, Any]]:
    asked = "\n".join([pair.system, pair.instruction, pair.input, *(turn.content for turn in pair.turns)])
    for field in options.fields:
        text = getattr(pair, field)
        is_answer = field == "response"
        context = CheckContext(
            language=pair.language,
            field=field,
            prompt=asked if is_answer else pair.input if field == "instruction" else "",
            instruction=pair.instruction if is_answer else "",
            source=pair.input if is_answer and options.extraction else "",
            glossary=glossary,
            typical_lengths=typical if is_answer else None,
        )
        for finding in run_checks(text, context, options.only):
            passage = text[finding.start : finding.end][:80]
            yield {
                "field": field,
                **asdict(finding),
                "values": {name: _printable(value) for name, value in finding.values.items()},
                "message": _printable(finding.message),
                "text": _printable(passage),
            }


def _pairs(options: argparse.Namespace) -> Iterator[tuple[int, Example | str]]:
    """Each line that is not blank with its number: a pair, or the reason why it is none."""
    with options.pairs.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if raw.strip():
                yield number, _pair(raw, number, options.language)


def _pair(raw: bytes, number: int, language: str) -> Example | str:
    try:
        value = json.loads(raw.decode("utf-8-sig"))
        if not isinstance(value, dict):
            return "The line is not a JSON object."
        usual = {"id": f"line {number}", "instruction": "", "language": language, "response": value.get("output", "")}
        return Example.from_json(usual | value)
    except UnicodeDecodeError:
        return "The line is not UTF-8 text."
    except json.JSONDecodeError as error:
        return f"The line is not JSON: {error.msg} at character {error.colno}."
    except (TemplateError, RecursionError) as error:
        return str(error)


def _printable(text: str) -> str:
    """Half characters (lone surrogates), which JSON can smuggle in but no output can show, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
