"""What the text checks find in models' answers is kept beside the findings of people's texts."""

from collections import Counter
from collections.abc import Sequence

from curation.selectors.checking import Surroundings
from curation.services.findings import findings_keep
from evaluation.selectors.findings import Answer, answers_judge


def answers_check(answers: Sequence[Answer], around: Surroundings) -> list[dict[str, int]]:
    """Check the answers and keep the findings beside those of people's texts. For each answer the number of findings
    by the measure's name ("check.ID"), also of the checks that found nothing."""
    judged = answers_judge(answers, around)
    findings_keep(judged, around.checks)
    counts = [Counter(found.check for found in one.findings) for one in judged]
    return [{f"check.{check.id}": count[check.id] for check in around.checks} for count in counts]
