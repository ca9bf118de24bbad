"""The erasures of this installation in a file beside the database, so that a restored backup forgets them again.

One JSON object a line. A line is on the disk before the erasure commits; one that did not come to pass is withdrawn by
another line. A backup carries the journal of its day; `restore` joins it with the one that lies in place.
"""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from core.models import Project
from curation.models import Erasure, Pair

NAME = "journal.jsonl"


def journal_path() -> Path:
    return Path(settings.HOME) / "erasures" / NAME


def journal_add(erasure: Erasure) -> None:
    """On the disk when this returns. Raises OSError."""
    pairs = Pair.objects.filter(pk__in=erasure.targets["pairs"]).values_list("pk", "created_at")
    write(
        {
            "key": erasure.key,
            "project": erasure.project.slug,
            "scope": erasure.scope,
            "person": erasure.person_id,
            "reason": erasure.reason,
            "revisions": erasure.targets["revisions"],
            # A number names the same pair only in the same history of the database.
            "pairs": {str(pk): at.isoformat() for pk, at in pairs},
        }
    )


def journal_withdraw(key: str) -> None:
    write({"key": key, "withdrawn": True})


def write(entry: dict[str, Any]) -> None:
    path = journal_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as file:
        file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def journal_entries() -> list[dict[str, Any]]:
    """In the order in which they were erased, without those withdrawn. A line cut short by a crash does not count."""
    found: dict[str, dict[str, Any]] = {}
    path = journal_path()
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry.get("withdrawn"):
            found.pop(entry["key"], None)
        else:
            found[entry["key"]] = entry
    return list(found.values())


def journal_replay(tell: Callable[[str], None], erase: Callable[[Erasure], None]) -> None:
    """Erase again what the restored database still has."""
    done = set(Erasure.objects.filter(state="done").values_list("key", flat=True))
    again = [erasure for entry in journal_entries() if entry["key"] not in done and (erasure := restored(entry))]
    for erasure in again:
        erase(erasure)
    if again:
        tell(f"Erased again what was erased after this backup: {len(again)}")


def restored(entry: dict[str, Any]) -> Erasure | None:
    """The erasure of a journal's line in this database, or None when nothing of it is here."""
    project = Project.objects.filter(slug=entry["project"]).first()
    if project is None:
        return None
    pairs = same_pairs(project, entry["pairs"].items())
    targets = {"revisions": entry["revisions"], "pairs": pairs}
    values = {
        "project": project,
        "scope": entry["scope"],
        "person_id": entry["person"],
        "reason": entry["reason"],
        "targets": targets,
    }
    return Erasure.objects.update_or_create(key=entry["key"], defaults=values)[0]


def same_pairs(project: Project, named: Iterable[tuple[str, str]]) -> list[int]:
    wanted = {int(pk): at for pk, at in named}
    rows = Pair.objects.filter(project=project, pk__in=wanted).values_list("pk", "created_at")
    return [pk for pk, at in rows if at.isoformat() == wanted[pk]]
