"""Preference pairs for training: what a person made of a model's draft, preferred over the draft itself."""

from collections.abc import Collection, Iterator
from typing import Any

from curation.models import DatasetVersion, VersionPair

CHUNK = 2000


def preference_examples(version: DatasetVersion, parts: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """The preference pairs among a frozen version's rows, in its order, or those of some parts.

    Each has the prompt's texts as `curation.selectors.examples` gives them (`system`, `instruction`, `input`, `turns`,
    `language`), `chosen` (the frozen response; as `response` too, where ml.train.preferences looks for it), `rejected`
    (the model's draft), `origin`, `model` and `part`. The part is the row's own, so a preference lies where its pair's
    group lies. Left out is what says nothing: a draft accepted
    as it stood, and a draft to a question that the person then changed.
    """
    rows = VersionPair.objects.filter(
        version=version,
        revision__pair__questions__draft__text__gt="",
        revision__pair__questions__answers__isnull=False,
    )
    if parts is not None:
        rows = rows.filter(part__in=list(parts))
    names = ("pair_id", "system", "instruction", "input", "turns", "language", "response", "origin")
    asked = ("system", "instruction", "input", "draft__text", "draft__drafting__model_name")
    found = rows.order_by("ordinal").distinct().values_list(
        "ordinal", "part", *(f"revision__{name}" for name in names),
        *(f"revision__pair__questions__{name}" for name in asked),
    )  # fmt: skip
    for row in found.iterator(chunk_size=CHUNK):
        _ordinal, part, pair, system, instruction, given, turns, language, chosen, origin, *question = row
        if (system, instruction, given) != tuple(question[:3]) or chosen.strip() == question[3].strip():
            continue
        yield {
            "id": str(pair),
            "part": part,
            "system": system or version.system_prompt,
            "instruction": instruction,
            "input": given,
            "turns": turns,
            "language": language,
            "response": chosen,
            "chosen": chosen,
            "rejected": question[3],
            "origin": origin,
            "model": question[4],
        }
