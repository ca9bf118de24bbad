"""The erasures of this installation in a file beside the database, so that a restored backup forgets them again.

One JSON object a line. A line is on the disk before the erasure commits; one that did not come to pass is withdrawn by
another line. A backup carries the journal of its day; `restore` joins it with the one that lies in place.
"""

import json
import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from core.models import Project
from curation.models import Erasure, Pair
from curation.services.erased_texts import erased_remember

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
            "project_made": erasure.project.created_at.isoformat(),
            "scope": erasure.scope,
            "person": erasure.person_id,
            "reason": erasure.reason,
            "revisions": erasure.targets["revisions"],
            # A number names the same pair only in the same history of the database.
            "pairs": {str(pk): at.isoformat() for pk, at in pairs},
            "rows": erasure.targets.get("rows", {}),
            "files": erasure.targets.get("files", []),
        }
    )


def journal_found(key: str, *, found: Collection[str], erased: Collection[str]) -> None:
    """What the erasing itself brought to light, as digests: whatever held the words, and rows not to be taken again."""
    if found or erased:
        write({"key": key, "found": sorted(found), "erased": sorted(erased)})


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
            found[entry["key"]] = found.get(entry["key"], {}) | entry
    return list(found.values())


def journal_replay(tell: Callable[[str], None], erase: Callable[[Erasure, Collection[str]], None]) -> None:
    """Erase again what the restored database and its files still have."""
    done = set(Erasure.objects.filter(state="done").values_list("key", flat=True))
    again = 0
    for entry in journal_entries():
        if entry["key"] not in done and (erasure := restored(entry)):
            erase(erasure, entry.get("found", ()))
            erased_remember(erasure.project_id, entry.get("erased", ()))
            again += 1
    if again:
        tell(f"Erased again what was erased after this backup: {again}")


def restored(entry: dict[str, Any]) -> Erasure | None:
    """The erasure of a journal's line in this database, or None when nothing of it is here."""
    project = Project.objects.filter(slug=entry["project"]).first()
    if project is None:
        return None
    pairs = same_pairs(project, entry["pairs"].items())
    targets: dict[str, Any] = {"revisions": entry["revisions"], "pairs": pairs}
    if entry.get("project_made") == project.created_at.isoformat():
        targets |= {"rows": entry["rows"], "files": entry["files"]}
    values = {
        "project": project,
        "scope": entry["scope"],
        "person_id": entry["person"],
        "reason": entry["reason"],
        "targets": targets,
        "words": "",
    }
    return Erasure.objects.update_or_create(key=entry["key"], defaults=values)[0]


def same_pairs(project: Project, named: Iterable[tuple[str, str]]) -> list[int]:
    wanted = {int(pk): at for pk, at in named}
    rows = Pair.objects.filter(project=project, pk__in=wanted).values_list("pk", "created_at")
    return [pk for pk, at in rows if at.isoformat() == wanted[pk]]
