"""The dataset card of a version: README.md with the header that model hubs read, and what a careful reader asks."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import yaml
from django.conf import settings

from curation.choices import Origin, Part
from curation.models import DatasetVersion
from curation.selectors.exports import COLUMNS, PREFERENCE, columns_of, version_parts

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
# Named one by one: a reader who goes by the names of folders knows no part called “develop”, and leaves it out.
FILES = {"parquet": "data/{part}.parquet", "jsonl": "data/{part}.jsonl", "datasets": "{part}/*.arrow"}

# What a column holds, as a hub says it. Without it a reader of JSON lines guesses from the first rows, and fails
# where earlier turns come later.
TYPES: dict[str, dict[str, Any]] = {
    "text": {"dtype": "string"},
    "turns": {"list": [{"name": "role", "dtype": "string"}, {"name": "content", "dtype": "string"}]},
    "said": {"list": [{"name": "from", "dtype": "string"}, {"name": "value", "dtype": "string"}]},
    "history": {"list": {"list": "string"}},
}


def dataset_card(version: DatasetVersion, format: str, kind: str = "parquet") -> str:
    """The same text for the same version, shape and kind: it names no moment but that of the freeze.

    In English, like every card: it leaves the house.
    """
    rows = version.counts["parts"]
    if format == PREFERENCE:  # of some pairs none, of some several: a part may have no file
        rows = Counter(part for _pair, part, _row in version_parts(version, format))
    return f"---\n{header(version, format, kind, rows)}---\n\n{body(version, format, rows)}"


def header(version: DatasetVersion, format: str, kind: str, rows: Mapping[str, int]) -> str:
    counts, total = version.counts, sum(rows.values())
    columns = columns_of(version, format)
    parts = [part for part in Part.values if rows.get(part)]
    facts: dict[str, Any] = {
        "pretty_name": str(version),
        "license": "other",
        "language": sorted({code.split("-")[0] for code in counts["language"]}),
        "task_categories": ["text-generation"],
        "size_categories": [next((name for most, name in SIZES if total < most), "1M<n<10M")],
        "tags": ["instruction-tuning", f"apprentice-{version.task.kind}"],
    }
    if parts:
        files = [{"split": part, "path": FILES[kind].format(part=part)} for part in parts]
        facts["configs"] = [{"config_name": "default", "data_files": files}]
    if kind != "jsonl" or columns == COLUMNS[format]:  # in JSON lines, columns that came in hold what they held
        facts["dataset_info"] = {"features": [{"name": name, **TYPES[each]} for name, each in columns.items()]}
    return yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)


def body(version: DatasetVersion, format: str, rows: Mapping[str, int]) -> str:
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
        *preferences(rows if format == PREFERENCE else {}),
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


def preferences(rows: Mapping[str, int]) -> list[str]:
    counted = {str(Part(name).label): count for name, count in rows.items()}
    return ["## Preferences about these pairs\n\n" + table("Part", counted, "Preferences")] if rows else []


def table(name: str, counts: Mapping[str, int], what: str = "Pairs") -> str:
    ordered = sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))  # the database keeps no order
    rows = "\n".join(f"| {plain(str(key)).replace('|', chr(92) + '|')} | {count} |" for key, count in ordered)
    return f"| {name} | {what} |\n| --- | ---: |\n{rows}"


def plain(text: str) -> str:
    """Somebody's text within Markdown: one paragraph, and no line of it begins a heading, a header or a fence."""
    return " ".join(text.split()).lstrip("#-`>|")


def fenced(text: str) -> str:
    fence = "````" if "```" in text else "```"
    return f"{fence}json\n{text}\n{fence}"
