"""Archives that anybody may have made: what is taken out, and what is refused with the entry's name."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ml.archive import ArchiveError, unpack_model
from ml.store import ModelRef
from ml.tiny import make_tiny_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


def zipped(tiny: Path, target: Path, under: str, **more: bytes) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in tiny.iterdir():
            archive.write(path, under + path.name)
        for name, content in more.items():
            archive.writestr(name, content)
    return target


def test_a_zip_a_package_and_a_tar_give_the_same_model(tiny: Path, tmp_path: Path) -> None:
    package = zipped(tiny, tmp_path / "a.whl", "my_package/model/", **{"my_package/__init__.py": b"import evil"})
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tape:
        tape.add(tiny, "model")
    for number, archive in enumerate((zipped(tiny, tmp_path / "a.zip", ""), package, tmp_path / "a.tar.gz")):
        out = tmp_path / f"out{number}"
        found = unpack_model(archive, out)
        assert found["files"] == len(list(tiny.iterdir()))
        assert sorted(path.name for path in out.rglob("*")) == sorted(path.name for path in tiny.iterdir())
        assert ModelRef.of(out).fingerprint == ModelRef.of(tiny).fingerprint


def refused(archive: Path, reason: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ArchiveError, match=reason):
        unpack_model(archive, tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil", "model/../../evil", "..\\evil", "C:evil"])
def test_names_that_lead_out_are_refused(tiny: Path, tmp_path: Path, name: str) -> None:
    refused(zipped(tiny, tmp_path / "a.zip", "model/", **{name: b"x"}), "leads out of the archive", tmp_path)


def link(archive: Path, kind: bytes) -> None:
    with tarfile.open(archive, "w") as tape:
        info = tarfile.TarInfo("model/config.json")
        info.type, info.linkname = kind, "/etc/passwd"
        tape.addfile(info)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    link(tmp_path / "a.tar", kind)
    refused(tmp_path / "a.tar", "link or a device", tmp_path)


def test_a_link_in_a_zip_is_refused(tiny: Path, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("model/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    refused(tmp_path / "a.zip", "model/link is a link", tmp_path)


def test_what_unpacks_to_far_more_than_its_size_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b"{}")
        archive.writestr("model.safetensors", bytes(32 << 20))
    refused(tmp_path / "a.zip", "more than 60 times its size", tmp_path)


def test_an_entry_that_lies_about_its_size_is_refused(tiny: Path, tmp_path: Path) -> None:
    """The table of contents promises ten bytes; more come out."""
    path = zipped(tiny, tmp_path / "a.zip", "")
    raw = bytearray(path.read_bytes())
    size = (tiny / "config.json").stat().st_size.to_bytes(4, "little")
    for at in (raw.index(size), raw.rindex(size)):
        raw[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(ArchiveError):
        unpack_model(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path, tiny: path.write_bytes(b"no archive"), "no archive of a kind"),
        (lambda path, tiny: path.write_bytes(zipped(tiny, path, "").read_bytes()[:-300]), "no archive|damaged"),
        (lambda path, tiny: zipfile.ZipFile(path, "w").close(), "no folder with config.json"),
        (lambda path, tiny: zipped(tiny, path, "a/", **{"b/config.json": b"{}", "b/m.safetensors": b""}), "2 models"),
    ],
)
def test_what_holds_no_model_is_said(
    tiny: Path, tmp_path: Path, make: Callable[[Path, Path], object], reason: str
) -> None:
    make(tmp_path / "a.zip", tiny)
    refused(tmp_path / "a.zip", reason, tmp_path)


@pytest.mark.slow
def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tape:
        for number in range(20_005):
            tape.addfile(tarfile.TarInfo(f"m/{number}"), io.BytesIO())
    assert (tmp_path / "a.tar").stat().st_size > 10_000_000
    refused(tmp_path / "a.tar", "more than 20000 files", tmp_path)
