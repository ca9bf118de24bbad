"""PostgreSQL and Redis as our children: first start, crash, leftovers, locks, long paths, a Redis of the system."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config.embedded import AlreadyRunning, EmbeddedError, Postgres, Redis, runtime_folder
from config.embedded import redis as embedded_redis
from config.embedded.identity import CURE, Identity, find_identity
from config.embedded.paths import take_lock

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    if runtime_folder(tmp_path) != tmp_path / "run":
        shutil.rmtree(runtime_folder(tmp_path), ignore_errors=True)


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether the process ends in time; one that nobody has collected yet is dead all the same."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def one(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def run_sql(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_first_start_gives_a_closed_database_with_vectors_and_the_second_keeps_it(home: Path) -> None:
    server = Postgres(home)
    url = server.start()
    try:
        run_sql(url, "CREATE TABLE kept (v vector(3))", "INSERT INTO kept VALUES ('[1,2,3]')")
        assert one(url, "SELECT current_setting('listen_addresses')") == ""
        assert one(url, "SELECT lower('ÄÖÅ')") == "äöå"
        assert one(url, "SELECT current_setting('fsync')") == "on"
        assert stat.S_IMODE((home / "secrets" / "postgres").stat().st_mode) == 0o600
        assert stat.S_IMODE((home / "run").stat().st_mode) == 0o700
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace(":" + (home / "secrets" / "postgres").read_text() + "@", ":wrong@"))
    finally:
        server.stop()
    again = Postgres(home)
    try:
        assert one(again.start(), "SELECT v <-> '[1,2,4]' FROM kept") == 1.0
    finally:
        again.stop()


def test_a_second_server_on_the_same_folder_is_refused_and_the_first_goes_on(home: Path) -> None:
    first, second = Postgres(home, fast=True), Postgres(home, fast=True)
    url = first.start()
    try:
        with pytest.raises(AlreadyRunning, match=rf"PostgreSQL already runs on .* \(process {os.getpid()}\)"):
            second.start()
        assert one(url, "SELECT 7") == 7
    finally:
        first.stop()


def test_what_was_committed_survives_a_killed_server_and_its_stale_pid_file(home: Path) -> None:
    server = Postgres(home)
    url = server.start()
    run_sql(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    server.stop()
    assert (home / "postgres" / "postmaster.pid").exists()
    again = Postgres(home)
    try:
        assert one(again.start(), "SELECT count(*) FROM kept") == 1000
    finally:
        again.stop()


def test_a_pid_file_left_by_a_killed_server_of_the_same_number_does_not_say_ready(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Postgres(home, fast=True)
    server.start()
    _pid, rest = (home / "postgres" / "postmaster.pid").read_text().split("\n", 1)
    server.stop()
    becomes = "import os, sys; argv = sys.stdin.read().split('\\0'); os.execv(argv[0], argv)"
    process = subprocess.Popen(
        [sys.executable, "-c", becomes], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    (home / "postgres" / "postmaster.pid").write_text(f"{process.pid}\n{rest}")
    started: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(
            "config.embedded.postgres.start_child", lambda argv, **_: started.extend(map(str, argv)) or process
        )
        server.launch()
    try:
        assert not server._is_ready()
        assert process.stdin is not None
        with process.stdin as told:
            told.write("\0".join(started).encode())
        server.wait_ready()
        assert one(server.url, "SELECT 1") == 1
    finally:
        server.stop()


def test_who_comes_while_another_starts_the_server_waits_for_it_and_leaves_it_running(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Postgres(home, fast=True), Postgres(home, fast=True)
    first._prepare_folders()
    first._lock = take_lock(home / "postgres.lock", "PostgreSQL")
    asked = []

    def asks() -> bool:
        asked.append(Postgres._answers(second))
        if len(asked) == 1:
            first._make_cluster()
            first.launch()
            first.wait_ready()
        return asked[-1]

    monkeypatch.setattr(second, "_answers", asks)
    try:
        assert second.join() is False
        assert asked == [False, True]
        second.stop()
        assert one(first.url, "SELECT 1") == 1
    finally:
        first.stop()


def test_who_waits_for_a_server_that_was_given_up_starts_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = take_lock(home / "postgres.lock", "PostgreSQL")
    server = Postgres(home, fast=True)
    monkeypatch.setattr(server, "_answers", lambda: given_up.close() or False)
    try:
        assert server.join() is True
        assert one(server.url, "SELECT 1") == 1
    finally:
        server.stop()


@pytest.mark.parametrize("target", [Postgres, Redis])
def test_nothing_survives_a_killed_parent_and_the_next_start_is_clean(
    home: Path, target: type[Postgres] | type[Redis]
) -> None:
    script = (
        f"from pathlib import Path; import time; from config.embedded import {target.__name__} as S; "
        f"s = S(Path({str(home)!r})); s.start(); print(s.process.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(pid)
    server = target(home)
    try:
        server.start()
    finally:
        server.stop()


def test_a_server_whose_parent_lost_it_is_ended_before_a_new_one_starts(home: Path) -> None:
    lost = Postgres(home, fast=True)
    lost.start()
    assert lost.process is not None
    assert lost._lock is not None
    lost._lock.close()  # as if its parent had died without the kernel's notice
    found = Postgres(home, fast=True)
    try:
        found.start()
        assert gone(lost.process.pid)
        assert found.process is not None
        assert found.process.pid != lost.process.pid
    finally:
        lost.process.wait()
        found.stop()


def test_a_broken_off_first_start_leaves_no_half_cluster(home: Path) -> None:
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = Postgres(home, fast=True)
    try:
        assert one(server.start(), "SELECT 1") == 1
    finally:
        server.stop()


def test_a_deep_home_gets_its_sockets_in_a_short_closed_folder(home: Path) -> None:
    deep = home / ("deep" * 30)
    server, queue = Postgres(deep, fast=True), Redis(deep, fast=True)
    try:
        assert one(server.start(), "SELECT 1") == 1
        queue.start()
        assert queue.socket.parent == runtime_folder(deep) != deep / "run"
        assert stat.S_IMODE(runtime_folder(deep).stat().st_mode) == 0o700
    finally:
        queue.stop()
        server.stop()
        shutil.rmtree(runtime_folder(deep))
        shutil.rmtree(server.sockets)


def test_a_socket_folder_of_somebody_else_is_refused(home: Path) -> None:
    deep = home / ("deep" * 30)
    runtime_folder(deep).symlink_to(home)
    try:
        with pytest.raises(EmbeddedError, match="belongs to someone else; remove it"):
            Redis(deep).start()
    finally:
        runtime_folder(deep).unlink()


def test_root_without_a_namespace_and_without_an_account_gets_the_cure(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("config.embedded.identity._accounts", list)
    with pytest.raises(EmbeddedError) as caught:
        find_identity(Path("/bin/true"), home / "postgres")
    assert str(caught.value) == CURE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand the data to another account")
def test_root_without_a_namespace_uses_an_account_that_can_reach_everything() -> None:
    home = Path("/tmp") / f"apprentice-account-{os.getpid()}"  # pytest's own folder is closed to other accounts
    home.mkdir()
    try:
        server = Postgres(home, fast=True)
        entry = pwd.getpwnam("nobody")
        server.identity = Identity(
            popen={"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}, owner=(entry.pw_uid, entry.pw_gid)
        )
        try:
            url = server.start()
        except EmbeddedError as error:
            pytest.skip(f"the account cannot reach this installation's programs or folders: {error}")
        assert one(url, "SELECT 1") == 1
        assert (home / "postgres").stat().st_uid == entry.pw_uid
    finally:
        server.stop()
        shutil.rmtree(home)


def ask(queue: Redis) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(queue.socket))


def test_redis_keeps_what_it_has_over_a_kill_and_never_evicts(home: Path) -> None:
    queue = Redis(home)
    queue.start()
    with ask(queue) as client:
        client.set("kept", "1")
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        time.sleep(1.2)  # the file is flushed each second
    assert queue.process is not None
    queue.process.kill()
    queue.process.wait()
    queue.stop()
    again = Redis(home)
    again.start()
    try:
        with ask(again) as client:
            assert client.get("kept") == b"1"
    finally:
        again.stop()


def test_a_damaged_append_only_file_is_set_aside_and_redis_starts_empty(home: Path) -> None:
    queue = Redis(home)
    queue.start()
    with ask(queue) as client:
        client.set("lost", "1")
    queue.stop()
    files = [path for path in queue.data.rglob("appendonly*") if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(b"*3\r\n$3\r\nnonsense in the middle\r\n" + path.read_bytes())
    again = Redis(home)
    again.start()
    try:
        with ask(again) as client:
            assert client.get("lost") is None
        assert [path for path in again.data.iterdir() if "damaged" in path.name]
    finally:
        again.stop()


def test_the_systems_redis_is_preferred_and_the_wheels_is_the_fallback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = Path(sys.prefix).resolve()
    monkeypatch.setenv("PATH", "/nowhere")
    carried = embedded_redis.binary()
    assert wheels in carried.resolve().parents
    system = tmp_path / "bin"
    system.mkdir()
    (system / "redis-server").symlink_to(carried)  # whatever the PATH has is started as it is
    monkeypatch.setenv("PATH", f"{system}:/usr/bin:/bin")
    assert embedded_redis.binary() == system / "redis-server"
    for path in ("/nowhere", f"{system}:/usr/bin:/bin"):
        monkeypatch.setenv("PATH", path)
        queue = Redis(tmp_path / path.replace("/", "_")[:10])
        try:
            queue.start()
            with ask(queue) as client:
                assert client.ping() is True
        finally:
            queue.stop()


def test_both_servers_by_hand_print_their_addresses_and_end_on_a_signal(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "config.embedded", str(home)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(3)]
    url = lines[0].removeprefix("export DATABASE_URL='").removesuffix("'")
    assert one(url, "SELECT 1") == 1
    assert lines[1] == f"export REDIS_URL='redis+socket://{runtime_folder(home)}/redis.sock'"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    process.stdout.close()
