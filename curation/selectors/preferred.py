"""What the newest text of a pair is preferred over, for people to see; trainings read selectors/preferences.py."""

from dataclasses import dataclass

from core.diff import Part, word_diff
from curation.models import ModelDraft, Pair, Revision


@dataclass(frozen=True)
class Worse:
    """`model` wrote it; "" where it came in beside the pair."""

    text: str
    model: str
    diff: list[Part]  # from it to the response


def worse_than(pair: Pair, revision: Revision) -> Worse | None:
    """The answer that came in as the worse one, else the model's draft that a person made this response of.

    None where there is neither, where the draft was accepted as it stood, and where it answered another question.
    """
    if revision.rejected:
        return Worse(revision.rejected, "", word_diff(revision.rejected, revision.response))
    asked = {"question__system": revision.system, "question__instruction": revision.instruction}
    drafts = ModelDraft.objects.filter(
        question__pair=pair, question__input=revision.input, question__answers__isnull=False, text__gt="", **asked
    )
    found = drafts.select_related("drafting").first()
    if found is None or found.text.strip() == revision.response.strip():
        return None
    return Worse(found.text, found.drafting.model_name, word_diff(found.text, revision.response))
