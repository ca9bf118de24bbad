"""A model from the hub, through the door: its list of files, then the wanted ones, compared with their digests.

Only weights as safetensors, settings, tokenizer, card and licence are fetched; pickles and code stay where they are.
Files that are there already are not fetched again, so that a fetch that was cut off goes on.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

from django.conf import settings
from django.utils.translation import gettext as _

from core.denied import ApplicationError
from core.door import door_download, door_request
from core.models import User
from ml.hashing import file_sha256

MOST_FILES = 200
REDIRECTS = 3
NAMES = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "chat_template.jinja", "model.safetensors.index.json", "README.md", "LICENSE", "LICENSE.md", "LICENSE.txt",
)  # fmt: skip
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class HubFile:
    name: str
    size: int
    sha256: str  # of large files; the hub keeps another digest of small ones


@dataclass(frozen=True)
class HubModel:
    repository: str
    commit: str
    licence: str
    files: list[HubFile]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def hub_model(*, actor: User, repository: str, revision: str = "main") -> HubModel:
    """Ask the hub what a model consists of. Raises DoorClosed, or ApplicationError with the field `repository`."""
    path = f"/api/models/{quote(repository, safe='/')}/revision/{quote(revision, safe='')}?blobs=true"
    url = urljoin(settings.HUB, path)
    answer = door_request(actor=actor, purpose=f"list {repository}", method="GET", url=url)
    if answer.status != 200:
        text = _("The hub has no model “%(name)s” that is open to everybody (it answered %(status)d).")
        raise ApplicationError(text % {"name": repository, "status": answer.status}, field="repository")
    try:
        found = json.loads(answer.body)
        files = [file_of(each) for each in found["siblings"][:10_000] if wanted(str(each["rfilename"]))]
        commit, licence = str(found["sha"]), str((found.get("cardData") or {}).get("license") or "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ApplicationError(_("The hub's answer cannot be read."), field="repository") from error
    if not any(file.name.endswith(".safetensors") for file in files):
        text = _("“%s” has no weights in the safetensors format; others can run code when they are opened.")
        raise ApplicationError(text % repository, field="repository")
    if len(files) > MOST_FILES:
        raise ApplicationError(_("“%s” consists of too many files.") % repository, field="repository")
    return HubModel(repository, commit, licence[:80], files)


def wanted(name: str) -> bool:
    return name in NAMES or (name.endswith(".safetensors") and "/" not in name and "\\" not in name)


def file_of(value: dict[str, Any]) -> HubFile:
    large = value.get("lfs") or {}
    return HubFile(str(value["rfilename"]), int(value.get("size") or large.get("size") or 0), large.get("sha256", ""))


def hub_fetch(*, actor: User, model: HubModel, folder: Path, tell: Tell) -> None:
    """Fetch the files of a model into `folder`. Raises DoorClosed or ApplicationError; what is whole stays there."""
    folder.mkdir(parents=True, exist_ok=True)
    done = 0
    for file in model.files:
        target = folder / file.name
        if not (target.is_file() and target.stat().st_size == file.size):
            place = f"/{quote(model.repository, safe='/')}/resolve/{quote(model.commit, safe='')}/{quote(file.name)}"
            told = partial(told_of, tell, done, model.size, file.name)
            fetch(actor, urljoin(settings.HUB, place), target, file, told)
        done += file.size


def told_of(tell: Tell, before: int, total: int, name: str, size: int) -> None:
    tell(before + size, total, name)


def fetch(actor: User, url: str, target: Path, file: HubFile, tell: Callable[[int], None]) -> None:
    """One file, wherever the hub sends for it: every step goes through the door by itself."""
    part = target.with_name(f"{target.name}.part")
    for _step in range(REDIRECTS + 1):
        most = file.size or 16 * 1024 * 1024
        answer = door_download(
            actor=actor, purpose=f"fetch {file.name}", url=url, target=part, most_bytes=most, tell=tell
        )
        if answer.status in (301, 302, 303, 307, 308) and answer.headers.get("location"):
            url = urljoin(url, answer.headers["location"])
            continue
        if answer.status != 200:
            text = _("%(name)s could not be fetched: the hub answered %(status)d.")
            raise ApplicationError(text % {"name": file.name, "status": answer.status})
        if (file.size and part.stat().st_size != file.size) or (file.sha256 and file_sha256(part) != file.sha256):
            part.unlink()
            raise ApplicationError(_("%s did not arrive as the hub lists it; try again.") % file.name)
        part.replace(target)
        return
    raise ApplicationError(_("The hub sends for %s from one place to another; it was given up.") % file.name)
