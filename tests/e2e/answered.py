"""Makes the last model of an evaluation answer otherwise than the first, in an installation that runs:
`python -m tests.e2e.answered EVALUATION` with its environment. Two models that learnt next to nothing may say the same,
and then there is nothing to choose between. Prints how many answers it changed.
"""

import sys

import django

django.setup()

from evaluation.models import Evaluation, Output  # noqa: E402
from ml.hashing import text_sha256  # noqa: E402


def differ(evaluation: Evaluation) -> int:
    """Each answer a text of its own, so that a page tells which two it shows."""
    outputs = list(Output.objects.filter(candidate=evaluation.candidates.latest("ordinal")).order_by("item"))
    for number, output in enumerate(outputs, 1):
        output.text = f"Answer {number} of the last model."
        output.fingerprint = text_sha256(output.text)
    return Output.objects.bulk_update(outputs, ["text", "fingerprint"])


if __name__ == "__main__":
    print(differ(Evaluation.objects.get(pk=sys.argv[1])))
