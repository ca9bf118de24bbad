"""Backup while rows are written, restore elsewhere, and every way a backup can be damaged."""

import json
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command

from config.embedded import Postgres
from tests.faults.starting import ROOT, environment

pytestmark = [pytest.mark.faults, pytest.mark.slow]
ERASED = (
    '{"key": "a", "project": "gone", "scope": "pair", "person": null, "reason": "", "revisions": [], "pairs": {}}\n'
)


def manage(home: Path, *words: str, code: int = 0) -> str:
    """What the command printed, or its one sentence on stderr when it is to fail."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if code else done.stdout


def unfit(archive: Path) -> str:
    """The one sentence with which `verify` ends, here without a process of its own."""
    with pytest.raises(SystemExit) as ended:
        call_command("verify", archive)
    return str(ended.value)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a database of ours, a model, an upload, a run with a checkpoint, and work under way."""
    home = tmp_path_factory.mktemp("source")
    for name, text in {
        "models/base/tiny/model.safetensors": "weights " * 4000,
        "models/base/.tiny.half/model.safetensors": "half written",
        "uploads/pairs.jsonl": '{"a": 1}\n',
        "runs/1/spec.json": "{}",
        "erasures/journal.jsonl": ERASED,
        "runs/1/checkpoints/checkpoint-5/state": "large",
    }.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return home


@pytest.fixture(scope="module")
def archive(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup made while another connection writes pairs of rows that belong together."""
    target = tmp_path_factory.mktemp("archive") / "backup.tar"
    server = Postgres(source)
    url = server.start()
    over = threading.Event()
    counted = []

    def write() -> None:
        with psycopg.connect(url) as connection:
            while not over.is_set():
                number = len(counted) + 1
                with connection.transaction():
                    connection.execute("INSERT INTO written_left VALUES (%s)", [number])
                    connection.execute("INSERT INTO written_right VALUES (%s)", [number])
                counted.append(number)

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE written_left (n int)")
        connection.execute("CREATE TABLE written_right (n int)")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        manage(source, "backup", str(target))
        before = len(counted)
        assert before > 100
    finally:
        over.set()
        writer.join()
        server.stop()
    return target


def rows(home: Path, query: str) -> list[tuple[object, ...]]:
    server = Postgres(home)
    url = server.start()
    try:
        with psycopg.connect(url) as connection:
            return connection.execute(query).fetchall()
    finally:
        server.stop()


def test_a_restored_backup_is_one_moment_of_the_source_with_its_files_and_keys(
    source: Path, archive: Path, tmp_path: Path
) -> None:
    assert archive.stat().st_mode & 0o077 == 0
    assert "as they were written" in manage(source, "verify", str(archive))
    home = tmp_path / "restored"
    journal = home / "erasures/journal.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text(ERASED + ERASED.replace('"a"', '"b"'))  # newer than the backup's
    assert f"Restored into {home}" in manage(home, "restore", str(archive))
    for name in ("models/base/tiny/model.safetensors", "uploads/pairs.jsonl", "runs/1/spec.json", "secrets/django.key"):
        assert (home / name).read_bytes() == (source / name).read_bytes()
    assert journal.read_text() == ERASED + ERASED.replace('"a"', '"b"')
    assert not (home / "runs/1/checkpoints").exists()
    assert not (home / "models/base/.tiny.half").exists()
    assert (home / "secrets/postgres").read_text() != (source / "secrets/postgres").read_text()
    left, right = (rows(home, f"SELECT n FROM {table} ORDER BY n") for table in ("written_left", "written_right"))
    assert left == right  # never half a transaction
    assert [row[0] for row in left] == list(range(1, len(left) + 1))
    assert rows(home, "SELECT count(*) > 20 FROM django_migrations") == [(True,)]  # brought up to this version


def test_a_place_that_is_in_use_is_refused_and_left_alone(source: Path, archive: Path) -> None:
    before = (source / "models/base/tiny/model.safetensors").read_bytes()
    sentence = manage(source, "restore", str(archive), code=1)
    assert sentence.strip() == (
        f"{source / 'postgres'} is not empty; restore into an empty folder: set APPRENTICE_HOME to one."
    )
    assert (source / "models/base/tiny/model.safetensors").read_bytes() == before


def changed(archive: Path, target: Path, name: str) -> Path:
    """A copy with one byte of the file `name` turned over."""
    shutil.copy(archive, target)
    with tarfile.open(target) as tar:
        entry = tar.getmember(name)
    with target.open("r+b") as file:
        file.seek(entry.offset_data + entry.size // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 0x20]))
    return target


@pytest.mark.parametrize(
    "name", ["files/models/base/tiny/model.safetensors", "files/secrets/django.key", "database.dump", "manifest.json"]
)
def test_verify_names_the_file_with_a_changed_byte(archive: Path, tmp_path: Path, name: str) -> None:
    damaged = changed(archive, tmp_path / "damaged.tar", name)
    assert unfit(damaged) == f"{damaged} is damaged: {name} is not what was written; use another backup."


def test_a_damaged_backup_is_not_restored_and_leaves_the_place_empty(archive: Path, tmp_path: Path) -> None:
    damaged = changed(archive, tmp_path / "damaged.tar", "database.dump")
    home = tmp_path / "empty"
    assert "database.dump is not what was written" in manage(home, "restore", str(damaged), code=1)
    assert not [path.name for path in home.iterdir() if path.name not in {"secrets", "up.lock", "run"}]


def test_a_cut_off_backup_is_called_incomplete(archive: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.tar"
    with tarfile.open(archive) as tar:
        end = tar.getmember("manifest.json").offset
    short.write_bytes(archive.read_bytes()[:end])
    assert "it ends after files/" in manage(short.parent, "verify", str(short), code=1)


def test_an_archive_that_wants_to_write_elsewhere_is_refused(tmp_path: Path) -> None:
    evil = tmp_path / "evil.tar"
    stranger = tmp_path / "x"
    stranger.write_text("x")
    with tarfile.open(evil, "w") as tar:
        tar.add(stranger, arcname="files/../../x")
    assert "no backup of Apprentice: it contains 'files/../../x'" in unfit(evil)


def test_a_backup_of_a_newer_version_is_refused(archive: Path, tmp_path: Path) -> None:
    from core.operations.archive import Manifest, written

    newer = tmp_path / "newer.tar"
    with written(newer, Manifest("2030-01-01", [["core", "9999_from_the_future"]])) as target:
        target.add("database.dump", archive)
    sentence = manage(tmp_path / "home", "restore", str(newer), code=1)
    assert (
        sentence.strip()
        == "The backup was made by a newer version (it has core.9999_from_the_future); use that version."
    )


def test_a_full_disk_leaves_no_backup_under_its_name(tmp_path: Path) -> None:
    """A file size limit of 64 kB stands for the full disk: the write fails in the middle just the same."""
    target = tmp_path / "backup.tar"
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "from core.operations import archive; from pathlib import Path; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)); "
        f"m = archive.Manifest('now', []); t = Path({str(target)!r}); s = Path({str(archive_source(tmp_path))!r})\n"
        "try:\n with archive.written(t, m) as w: w.add('database.dump', s)\n"
        "except archive.OperatorError as error: sys.exit(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"The backup {target} cannot be written (File too large); choose a folder with room and rights."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["large"]


def archive_source(folder: Path) -> Path:
    path = folder / "large"
    path.write_bytes(b"x" * 200_000)
    return path


def test_the_manifest_lists_every_file_with_its_digest(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        names = [entry.name for entry in tar if entry.name not in {"manifest.json", "manifest.sha256"}]
    assert sorted(manifest["files"]) == sorted(names)
    assert "files/secrets/postgres" not in names
    assert all(len(facts["sha256"]) == 64 for facts in manifest["files"].values())
