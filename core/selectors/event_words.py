"""What a line of the audit log says beside its summary, in words: names of what services record, and values."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

# Every name that a service gives to `event_record`; a test finds one that is missing here.
LABELS: Mapping[str, Any] = {
    "address": lazy("address"),
    "approve": lazy("approved at once"),
    "approved_before": lazy("approved before, as revision"),
    "assignment": lazy("hold"),
    "at_freeze": lazy("at a freeze"),
    "at_submit": lazy("when a text is submitted"),
    "basis": lazy("read by"),
    "bytes": lazy("bytes"),
    "changed": lazy("changed"),
    "check": lazy("check"),
    "chosen": lazy("chosen"),
    "corpus": lazy("corpus"),
    "count": lazy("number"),
    "days": lazy("days"),
    "delivery": lazy("delivery"),
    "erased": lazy("erased"),
    "events": lazy("lines of this log"),
    "files": lazy("files"),
    "fingerprint": lazy("fingerprint"),
    "folder": lazy("folder"),
    "graders": lazy("people for each answer"),
    "grades": lazy("grades"),
    "host": lazy("host"),
    "is_admin": lazy("admin"),
    "is_on": lazy("switched on"),
    "items": lazy("questions"),
    "job": lazy("job"),
    "key": lazy("token"),
    "kind": lazy("kind"),
    "left_out": lazy("left out"),
    "makes_admin": lazy("makes an admin"),
    "may_write": lazy("may write"),
    "mended": lazy("mended"),
    "mentioned": lazy("people named"),
    "merged": lazy("put together"),
    "model": lazy("model"),
    "number": lazy("number"),
    "on": lazy("on"),
    "order": lazy("order"),
    "origin": lazy("origin"),
    "pairs": lazy("pairs"),
    "parameters": lazy("settings"),
    "passages": lazy("passages"),
    "port": lazy("port"),
    "reflags": lazy("flags earlier pairs"),
    "revisions": lazy("revisions"),
    "role": lazy("role"),
    "rows": lazy("rows"),
    "run": lazy("run"),
    "same": lazy("the same as it was frozen"),
    "scope": lazy("what"),
    "sha256": lazy("fingerprint"),
    "shape": lazy("form"),
    "share": lazy("share"),
    "shared": lazy("shared"),
    "size": lazy("size"),
    "source": lazy("source"),
    "texts": lazy("texts"),
    "to": lazy("to"),
    "undoes": lazy("takes back"),
    "undone": lazy("taken back"),
    "ungraded": lazy("not graded"),
    "user": lazy("person"),
    "version": lazy("version of the text"),
    "was": lazy("before"),
}


def event_words(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, value) of what was recorded with a line, as people say it."""
    return [(label(name), said(value)) for name, value in data.items()]


def label(name: str) -> str:
    return str(LABELS.get(name, name.replace("_", " ")))


def said(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None or value == "" or value == [] or value == {}:
        return _("none")
    if isinstance(value, list):
        return ", ".join(map(said, value))
    if isinstance(value, dict):
        return ", ".join(f"{label(name)} {said(one)}" for name, one in value.items())
    # Names that the program gives to states and kinds are written with underscores.
    return value.replace("_", " ") if isinstance(value, str) and value.isidentifier() else str(value)
