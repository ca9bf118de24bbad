"""`make bench`: measure what was promised on this machine, and print it beside the promise and what others reach.

    python -m benchmarks              everything
    python -m benchmarks text startup only these

Machines are noisy: compare ratios of one run, not figures of two. Each line ends with the load average; well above the
number of processors it means that others took part of the machine, and times over budget then say little.
"""

import importlib
import os
import sys

from benchmarks.rows import printed

TOPICS = ("text", "bars", "ratings", "curation", "training", "pretraining", "generation", "startup")


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in TOPICS]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(TOPICS)}.")
        return 2
    os.environ.setdefault("TQDM_DISABLE", "1")  # loading bars of libraries would stand between the rows
    rows = []
    print(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}")
    for name in wanted or TOPICS:
        rows += list(printed(importlib.import_module(f"benchmarks.{name}").rows()))
    missed = sum(row.held is False for row in rows)
    print(f"{len(rows)} measured, {missed} over budget")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
