"""Digests are the ones that the standards publish, and do not depend on anything but the content."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.hashing import canonical_json, file_sha256, folder_manifest, json_sha256, salted_digest, text_sha256

# FIPS 180-2, appendix B.1, and the well-known digest of no bytes at all.
SHA256_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
SHA256_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_text_digest_is_the_published_one():
    assert text_sha256("abc") == SHA256_ABC
    assert text_sha256("") == SHA256_EMPTY


def test_text_digest_is_of_utf8_and_of_the_exact_text():
    assert text_sha256("räksmörgås") == hashlib.sha256("räksmörgås".encode()).hexdigest()
    assert text_sha256("a") != text_sha256("a ")
    assert text_sha256("\u00e5") != text_sha256("a\u030a"), "composed and decomposed letters are different texts"


def test_a_lone_surrogate_has_a_digest():
    assert len(text_sha256("\ud800")) == 64
    assert text_sha256("\ud800") != text_sha256("\udfff")


def test_file_digest_is_of_bytes(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    assert file_sha256(path) == file_sha256(str(path)) == SHA256_ABC


def test_a_file_that_is_not_there_raises(tmp_path):
    with pytest.raises(FileNotFoundError):
        file_sha256(tmp_path / "gone")


def test_json_digest_ignores_key_order_but_not_values():
    assert json_sha256({"a": 1, "b": [2, {"d": 4, "c": 3}]}) == json_sha256({"b": [2, {"c": 3, "d": 4}], "a": 1})
    assert json_sha256({"a": 1}) != json_sha256({"a": 1.0})
    assert json_sha256([1, 2]) != json_sha256([2, 1])
    assert canonical_json({"ö": "é", "a": None}) == '{"a":null,"ö":"é"}'


def test_json_refuses_what_json_cannot_hold():
    with pytest.raises(ValueError):
        json_sha256(float("nan"))
    with pytest.raises(TypeError):
        json_sha256({1, 2})


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=8))
def test_json_digest_is_the_same_for_any_insertion_order(value):
    assert json_sha256(value) == json_sha256(dict(reversed(value.items())))


def test_manifest_lists_every_file_with_size_and_digest(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "z.txt").write_text("abc")
    (tmp_path / "b.txt").write_bytes(b"")
    assert folder_manifest(tmp_path) == {
        "b.txt": {"size": 0, "sha256": SHA256_EMPTY},
        "sub/z.txt": {"size": 3, "sha256": SHA256_ABC},
    }
    assert list(folder_manifest(tmp_path)) == ["b.txt", "sub/z.txt"]
    assert list(folder_manifest(tmp_path, keep=lambda name: name.endswith("z.txt"))) == ["sub/z.txt"]


def test_manifest_refuses_links_and_missing_folders(tmp_path):
    with pytest.raises(NotADirectoryError, match="no folder"):
        folder_manifest(tmp_path / "gone")
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(ValueError, match="link is a symbolic link"):
        folder_manifest(tmp_path)


def test_salted_digest_is_hmac():
    # RFC 4231, test case 2.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert salted_digest("what do ya want for nothing?", "Jefe") == expected
    assert salted_digest("ab", "c") != salted_digest("a", "bc")


def test_salted_digest_needs_a_salt():
    with pytest.raises(ValueError, match="salt"):
        salted_digest("text", "")
