"""Where sockets and locks lie, and the folders that only their owner may enter."""

import fcntl
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import IO

# sockaddr_un holds 107 bytes and a NUL; the longest of our sockets is PostgreSQL's.
LONGEST_SOCKET_PATH = 107
LONGEST_SOCKET_ENDING = "-pg/.s.PGSQL.5432"


class EmbeddedError(RuntimeError):
    """One sentence for the person who starts the program: what is wrong and what to do."""


class AlreadyRunning(EmbeddedError):
    """Another process holds the lock of this folder."""


def runtime_folder(home: Path) -> Path:
    """The folder for sockets: HOME/run, or a short one in the system's temporary folder when that path is too long."""
    run = home / "run"
    if len(os.fsencode(run)) + len(LONGEST_SOCKET_ENDING) <= LONGEST_SOCKET_PATH:
        return run
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    if len(os.fsencode(base)) > 60:
        base = Path("/tmp")  # noqa: S108  the folder below it is checked to be ours and closed to others
    return base / f"apprentice-{os.getuid()}-{digest}"


def private_folder(path: Path, account: int | None = None) -> Path:
    """Make `path` (mode 0700) and prove that it is a real folder of ours: others could have put theirs in /tmp.

    `account` is the user id that it may have been handed to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), account}:
            raise EmbeddedError(f"{path} belongs to someone else; remove it, or set APPRENTICE_HOME to another folder.")
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise EmbeddedError(
            f"{path} cannot be made ({error.strerror}); set APPRENTICE_HOME to a folder of yours."
        ) from error
    return path


def take_lock(path: Path, what: str) -> IO[str]:
    """Hold `path` until the returned file is closed or this process ends; refuse if another process holds it."""
    try:
        file = path.open("a+")
    except OSError as error:
        raise EmbeddedError(
            f"{path} cannot be written ({error.strerror}); give this user write rights to it."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise AlreadyRunning(
            f"{what} already runs on {path.parent} (process {holder}); stop it, or choose another APPRENTICE_HOME."
        ) from error
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
