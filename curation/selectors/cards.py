"""The dataset card of a version: README.md with the header that model hubs read, and what a careful reader asks."""

import json
from typing import Any

import yaml
from django.conf import settings

from curation.choices import Origin, Part
from curation.models import DatasetVersion

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
ENDINGS = {"parquet": "data/{part}.parquet", "jsonl": "data/{part}.jsonl"}


def dataset_card(version: DatasetVersion, format: str, kind: str = "parquet") -> str:
    """The same text for the same version, shape and kind: it names no moment but that of the freeze.

    In English, like every card: it leaves the house.
    """
    return f"---\n{header(version, kind)}---\n\n{body(version, format)}"


def header(version: DatasetVersion, kind: str) -> str:
    counts = version.counts
    parts = [part for part in Part.values if counts["parts"].get(part)]
    facts: dict[str, Any] = {
        "pretty_name": str(version),
        "license": "other",
        "language": sorted({code.split("-")[0] for code in counts["language"]}),
        "task_categories": ["text-generation"],
        "size_categories": [next((name for most, name in SIZES if counts["pairs"] < most), "1M<n<10M")],
        "tags": ["instruction-tuning", f"apprentice-{version.task.kind}"],
    }
    if kind in ENDINGS:
        files = [{"split": part, "path": ENDINGS[kind].format(part=part)} for part in parts]
        facts["configs"] = [{"config_name": "default", "data_files": files}]
    return yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)


def body(version: DatasetVersion, format: str) -> str:
    task, counts = version.task, version.counts
    origins = {str(Origin(name).label): count for name, count in counts["origin"].items()}
    real = sum(
        count for name, count in counts["origin"].items() if name in (Origin.HUMAN, Origin.IMPORTED, Origin.DOCUMENT)
    )
    sections = [
        f"# {plain(str(version))}\n\n{plain(task.description) or 'Instruction and response pairs.'}",
        f"Frozen {version.created_at:%Y-%m-%d}, {counts['pairs']} pairs in {counts['groups']} groups of pairs that "
        f"resemble each other; a group never crosses parts. Shape of the rows: {format}.",
        "## Parts\n\n" + table("Part", {str(Part(name).label): count for name, count in counts["parts"].items()}),
        "## Where the pairs come from\n\n" + table("Origin", origins)
        + f"\n\n{real} of {counts['pairs']} were written by people or taken from their documents; "
        f"{counts['unreviewed']} were not reviewed by a second person.",
        "## Languages\n\n" + table("Language", counts["language"]),
    ]  # fmt: skip
    if topics := {name: count for name, count in counts["topic"].items() if name}:
        sections.append("## Topics\n\n" + table("Topic", topics))
    template = json.dumps(version.template, ensure_ascii=False, indent=2)
    sections += [
        f"## Prompt\n\nSystem prompt: {plain(version.system_prompt) or 'none'}\n\n{fenced(template)}",
        f"## Licence and attribution\n\n{plain(task.project.attribution) or 'Ask the project for its terms.'}",
        f"## Fingerprint\n\n`{version.sha256}`, the SHA-256 over the ordered digests of the pairs. Exported by "
        f"{settings.SPECTACULAR_SETTINGS['TITLE']}; the same version gives the same bytes.",
    ]
    return "\n\n".join(sections) + "\n"


def table(name: str, counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))  # the database keeps no order
    rows = "\n".join(f"| {plain(str(key)).replace('|', chr(92) + '|')} | {count} |" for key, count in ordered)
    return f"| {name} | Pairs |\n| --- | ---: |\n{rows}"


def plain(text: str) -> str:
    """Somebody's text within Markdown: one paragraph, and no line of it begins a heading, a header or a fence."""
    return " ".join(text.split()).lstrip("#-`>|")


def fenced(text: str) -> str:
    fence = "````" if "```" in text else "```"
    return f"{fence}json\n{text}\n{fence}"
