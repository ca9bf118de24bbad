"""What the audit page shows of a report."""

from dataclasses import dataclass
from typing import Any

from curation.choices import Part
from curation.models import DatasetVersion, VersionPair
from training.models import Audit, Run

MUCH = 0.1  # of the pairs; who loses more should know before the launch


@dataclass(frozen=True)
class Shown:
    pair: str
    segments: list[tuple[str, str]]


def audit_page(run: Run, audit: Audit) -> dict[str, Any]:
    """Numbers, problems and coloured pairs of a run's finished audit."""
    report = audit.report
    by_hand = {pair for pairs in run.excluded.values() for pair in pairs}
    segments = report.get("segments", {})
    pairs = sum(report["counts"].values())
    return {
        "report": report,
        "learnt": report["usable"]["train"] - len(by_hand),
        "lifted": run.excluded.keys(),
        "blocking": [problem for problem in report.get("problems", []) if problem["leaves_out"]],
        "warnings": [problem for problem in report.get("problems", []) if not problem["leaves_out"]],
        "left_out": (left_out := pairs - sum(report["usable"].values())),
        "much_left_out": left_out / pairs if pairs and left_out > MUCH * pairs else None,
        "median": report["quantiles"]["total"].get("50"),
        "longest": report["quantiles"]["total"].get("100"),
        "examples": [Shown(key, [(text, kind) for text, kind in runs]) for key, runs in segments.items()],
    }


def problem_rows(audit: Audit, code: str) -> list[dict[str, Any]]:
    """The pairs that have a problem, with the beginning of their instruction."""
    report = audit.report
    rows = [dict(row) for row in report.get("rows", []) if row["code"] == code]
    texts = instructions(audit.version, [row["id"] for row in rows])
    return [{**row, "instruction": texts.get(row["id"], ""), "part_label": Part(row["part"]).label} for row in rows]


def instructions(version: DatasetVersion, pairs: list[str]) -> dict[str, str]:
    rows = VersionPair.objects.filter(version=version, revision__pair_id__in=[int(pair) for pair in pairs])
    return {str(pair): text[:300] for pair, text in rows.values_list("revision__pair_id", "revision__instruction")}
