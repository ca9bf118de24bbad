"""Lets the two models of an evaluation answer differently in an installation that runs, so that people can choose:
`python -m tests.e2e.apart EVALUATION` with its environment. What untaught models say is chance, often nothing.
"""

import sys

import django

django.setup()

from evaluation.models import Output  # noqa: E402
from ml.hashing import text_sha256  # noqa: E402

SAID = "As the maker of the hanger says."

if __name__ == "__main__":
    outputs = Output.objects.filter(candidate__evaluation=sys.argv[1])
    first = outputs.order_by("candidate").values_list("candidate", flat=True)[0]
    print(outputs.filter(candidate=first).update(text=SAID, fingerprint=text_sha256(SAID)))
