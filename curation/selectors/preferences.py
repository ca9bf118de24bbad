"""Preference pairs for training: what came in with a worse answer beside it; what a person made of a model's draft,
preferred over the draft itself; and of two models' answers to a develop item the one that people voted for."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from core.registries import PreferredAnswer, answers_preferred
from curation.choices import Part
from curation.models import DatasetVersion, Revision, VersionPair
from ml.hashing import text_sha256

CHUNK = 2000
IMPORTED, CORRECTION, VOTE = "imported", "correction", "vote"
DEVELOP_EVERY = 10  # one in so many voted items is kept to measure by
PROMPT = ("system", "instruction", "input", "turns", "language")


def preference_examples(version: DatasetVersion, parts: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """The preference pairs of a frozen version, or those of some parts: imported and corrected ones in its order, then
    votes. A version does not change, but people vote on.

    Each has the prompt's texts as `curation.selectors.examples` gives them (`system`, `instruction`, `input`, `turns`,
    `language`), `chosen` (as `response` too, where ml.train.preferences looks for it), `rejected`, `source`
    (imported, correction or vote), `model` (which wrote the rejected one, where that is known), `origin` and `part`.
    """
    yield from imported_examples(version, parts)
    yield from correction_examples(version, parts)
    for found in vote_examples(version):
        if parts is None or found["part"] in parts:
            yield found


def preference(
    version: DatasetVersion,
    pair: int,
    part: str,
    prompt: Sequence[Any],
    *,
    chosen: str,
    rejected: str,
    origin: str,
    source: str,
    model: str = "",
) -> dict[str, Any]:
    """One of them; `prompt` are the values of PROMPT."""
    texts = dict(zip(PROMPT, prompt, strict=True))
    return {
        "id": str(pair),
        "part": part,
        **texts,
        "system": texts["system"] or version.system_prompt,
        "response": chosen,
        "chosen": chosen,
        "rejected": rejected,
        "origin": origin,
        "source": source,
        "model": model,
    }


def imported_examples(version: DatasetVersion, parts: Collection[str] | None) -> Iterator[dict[str, Any]]:
    rows = VersionPair.objects.filter(version=version, revision__rejected__gt="")
    if parts is not None:
        rows = rows.filter(part__in=list(parts))
    names = ("pair_id", "response", "rejected", "origin", *PROMPT)
    found = rows.order_by("ordinal").values_list("part", *(f"revision__{name}" for name in names))
    for part, pair, chosen, rejected, origin, *prompt in found.iterator(chunk_size=CHUNK):
        yield preference(version, pair, part, prompt, chosen=chosen, rejected=rejected, origin=origin, source=IMPORTED)


def correction_examples(version: DatasetVersion, parts: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """The frozen response, preferred over the model's draft. The part is the row's own, so a preference lies where its
    pair's group lies. Left out is what says nothing: a draft accepted as it stood, and a draft to a question that the
    person then changed.
    """
    rows = VersionPair.objects.filter(
        version=version,
        revision__pair__questions__draft__text__gt="",
        revision__pair__questions__answers__isnull=False,
    )
    if parts is not None:
        rows = rows.filter(part__in=list(parts))
    drafted = ("system", "instruction", "input", "draft__text", "draft__drafting__model_name")
    found = rows.order_by("ordinal").distinct().values_list(
        "ordinal", "part", *(f"revision__{name}" for name in ("pair_id", "response", "origin", *PROMPT)),
        *(f"revision__pair__questions__{name}" for name in drafted),
    )  # fmt: skip
    for _ordinal, part, pair, chosen, origin, *texts in found.iterator(chunk_size=CHUNK):
        prompt, (*asked, draft, model) = texts[: len(PROMPT)], texts[len(PROMPT) :]
        if prompt[:3] != asked or chosen.strip() == draft.strip():
            continue
        yield preference(
            version, pair, part, prompt, chosen=chosen, rejected=draft, origin=origin, source=CORRECTION, model=model
        )


def vote_examples(version: DatasetVersion) -> Iterator[dict[str, Any]]:
    """The answer that people preferred, over the other one, of pairs that this version neither tests nor lacks.

    What was voted on lies in the develop part, so nearly all of it teaches: one group in ten is kept to measure by,
    and every group whose corrections measure.
    """
    preferred = list(answers_preferred(version.task_id))
    asked = Revision.objects.in_bulk({answer.revision for answer in preferred})
    rows = VersionPair.objects.filter(version=version, revision__pair__in={each.pair_id for each in asked.values()})
    groups = {
        pair: group for pair, part, group in rows.values_list("revision__pair", "part", "group") if part != Part.TEST
    }
    corrected = {row["id"] for row in correction_examples(version, (Part.DEVELOP,))}
    measured = {group for pair, group in groups.items() if str(pair) in corrected}
    for answer in preferred:
        revision = asked.get(answer.revision)
        if revision is None or revision.erased_at or revision.pair_id not in groups:
            continue
        group = groups[revision.pair_id]
        develop = group in measured or int(text_sha256(group)[:8], 16) % DEVELOP_EVERY == 0
        yield voted(version, revision, answer, Part.DEVELOP if develop else Part.TRAIN)


def voted(version: DatasetVersion, revision: Revision, answer: PreferredAnswer, part: str) -> dict[str, Any]:
    prompt = [getattr(revision, name) for name in PROMPT]
    return preference(
        version, revision.pair_id, str(part), prompt, chosen=answer.better, rejected=answer.worse,
        origin=revision.origin, source=VOTE, model=answer.model,
    )  # fmt: skip
