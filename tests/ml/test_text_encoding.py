"""The encoding of a file is told from its bytes, or the file is refused with the place."""

from pathlib import Path

import pytest

from ml.text_encoding import EncodingError, decode, encoding_of

SWEDISH = "Räksmörgås, ”citat” – och så vidare.\n" * 50


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"plain", "utf-8"),
        (SWEDISH.encode(), "utf-8"),
        (SWEDISH.encode("utf-8-sig"), "utf-8-sig"),
        (SWEDISH.encode("utf-16"), "utf-16"),
        (SWEDISH.encode("utf-16-be"), "utf-16-be"),
        (SWEDISH.encode("utf-32"), "utf-32"),
        (SWEDISH.encode("cp1252"), "cp1252"),
        ("日本語のテキスト。\n".encode() * 99, "utf-8"),
    ],
)
def test_each_encoding_is_told(tmp_path: Path, data: bytes, name: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert encoding_of(path) == name
    assert decode(data).lstrip("\ufeff") == data.decode(name)


def test_a_character_over_the_edge_of_two_pieces_is_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.text_encoding.CHUNK", 7)
    path = tmp_path / "file"
    path.write_bytes(SWEDISH.encode())
    assert encoding_of(path) == "utf-8"
    path.write_bytes(SWEDISH.encode() + b"\xe5\xe4")
    with pytest.raises(EncodingError, match=f"byte {len(SWEDISH.encode()) + 1} in line 51"):
        encoding_of(path)


def test_utf8_with_a_broken_place_is_not_taken_for_another_code_page(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(SWEDISH.encode() + b"sm\xf6rg\xe5s\n" + SWEDISH.encode())
    with pytest.raises(EncodingError, match="in line 51"):
        encoding_of(path)
