"""PostgreSQL refuses to run as root. When we are root, find an id that it accepts; otherwise nothing is to do."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.embedded.paths import EmbeddedError

CURE = (
    "PostgreSQL does not run as root and neither a user namespace nor another account can be used here; "
    "start as an ordinary user, or set DATABASE_URL to a PostgreSQL server."
)


@dataclass(frozen=True)
class Identity:
    """How to start a program: words before its name, arguments for Popen, and who must own its data (None: we do)."""

    prefix: tuple[str, ...] = ()
    popen: dict[str, Any] = field(default_factory=dict)
    owner: tuple[int, int] | None = None


def find_identity(program: Path, data: Path) -> Identity:
    """1. not root: as we are. 2. a user namespace, where our own files appear as an ordinary user's (nothing changes
    owner). 3. the account `postgres` or `nobody`, if it can read the program and reach the data. 4. EmbeddedError."""
    if os.geteuid() != 0:
        return Identity()
    for candidate in [_namespace(), *_accounts()]:
        if candidate is not None and _works(candidate, program, data):
            return candidate
    raise EmbeddedError(CURE)


def _namespace() -> Identity | None:
    unshare = shutil.which("unshare")
    accounts = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    if unshare is None or not accounts:
        return None
    # initdb looks the id's name up, so it must be one that /etc/passwd knows.
    account = next((entry for entry in accounts if entry.pw_name == "nobody"), accounts[0])
    return Identity((unshare, "--user", f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}", "--"))


def _accounts() -> list[Identity]:
    found = [entry for entry in pwd.getpwall() if entry.pw_name in {"postgres", "nobody"}]
    found.sort(key=lambda entry: entry.pw_name, reverse=True)
    return [
        Identity(
            popen={"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []},
            owner=(entry.pw_uid, entry.pw_gid),
        )
        for entry in found
    ]


def _works(identity: Identity, program: Path, data: Path) -> bool:
    """Whether the program runs and the data's parent folder can be entered under this identity."""
    for argv in ([str(program), "--version"], ["test", "-x", str(data.parent)]):
        try:
            done = subprocess.run([*identity.prefix, *argv], capture_output=True, timeout=20, **identity.popen)
        except (OSError, subprocess.SubprocessError):
            return False
        if done.returncode != 0:
            return False
    return True
