"""Documents of every kind give their main text, its address and licence; what gives none says why."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pypdf
import pytest

from ml.documents import Document, DocumentError, Limits, kind_of, read_documents
from tests.ml.documents_made import PAGE, PARAGRAPH, make_bomb, make_docx, make_mhtml, make_pdf, make_warc
from tests.reference.shared_data import shared_data


def read(path: Path, content: bytes | str | None = None, limits: Limits | None = None) -> Document:
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    [found] = read_documents(path, limits=limits)
    assert isinstance(found, Document)
    return found


def test_markdown_loses_its_front_matter_links_and_tags_but_not_its_code(tmp_path: Path) -> None:
    found = read(
        tmp_path / "page.md",
        "---\ntitle: Travel <em>guide</em>\nurl: https://example.org/travel\nlicense: CC0-1.0\n---\n"
        "{% include header.html %}\n* [Costs](#costs)\n\nCosts\n-----\n\nSee [the\nrules](https://example.org/r_(a)) "
        "and ![a map](map.png)<!-- later -->**now**.\n\n```\nx = [1](2)  # {% kept %}\n```\n\n[1]: https://example.org\n",
    )
    assert (found.title, found.address, found.license, found.kind) == (
        "Travel guide", "https://example.org/travel", "CC0-1.0", "markdown",
    )  # fmt: skip
    assert found.text == "## Costs\n\nSee the\nrules and **now**.\n\n```\nx = [1](2)  # {% kept %}\n```"


def test_a_web_page_gives_its_article_without_menu_footer_and_script(tmp_path: Path) -> None:
    found = read(tmp_path / "page.html", "<!-- saved from url=(0027)https://example.org/garages -->\n" + PAGE)
    assert found.address == "https://example.org/garages"
    assert found.license == "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)"
    assert (found.title, found.language) == ("Permits for garages", "en")
    assert PARAGRAPH in found.text
    assert "## What it costs" in found.text
    assert not [word for word in ("Shop", "Cookie", "never text") if word in found.text]


def test_a_page_saved_as_one_file_gives_the_same_text_and_its_address(tmp_path: Path) -> None:
    found = read(tmp_path / "page.mhtml", make_mhtml())
    assert found.address == "https://example.org/saved"
    assert PARAGRAPH in found.text
    assert "Shop" not in found.text


def test_a_pdf_loses_running_heads_and_page_numbers_and_joins_its_lines(tmp_path: Path) -> None:
    body = [
        "A building permit is needed before you put up a garage that is larger than fifteen",
        "square metres. It is asked for in writ-",
        "ing.",
    ]
    pages = [
        ["Handbook of permits", f"Chapter {word}.", *body, f"The end of {word}.", f"Page {number}"]
        for number, word in enumerate(("one", "two", "three", "four"), 1)
    ]
    found = read(tmp_path / "a.pdf", make_pdf(pages))
    assert "Handbook of permits" not in found.text
    assert "Page 2" not in found.text
    assert found.text.count("larger than fifteen square metres. It is asked for in writing.") == 4
    assert [found.text[start:].split()[1] for start in found.pages] == ["two.", "three.", "four."]
    assert found.title == "a"


@pytest.mark.parametrize(
    ("given", "title"), [("Permits", "Permits"), ("about:blank", "a"), ("Microsoft Word - x.doc", "a")]
)
def test_a_title_that_a_program_gave_a_pdf_is_none(tmp_path: Path, given: str, title: str) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf([["A permit is asked for in writing."]])))
    writer.add_metadata({"/Title": given})
    writer.write(tmp_path / "a.pdf")
    assert read(tmp_path / "a.pdf").title == title


def test_a_word_document_keeps_headings_lists_and_tables(tmp_path: Path) -> None:
    found = read(make_docx(tmp_path / "a.docx"))
    assert found.title == "Permits"
    assert found.text.startswith("# Permits for garages\n\n" + PARAGRAPH)
    assert "## What it costs\n\n- By size" in found.text
    assert "| Size | Fee |\n| --- | --- |\n| 15 m2 | a \\| b |" in found.text


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
def test_a_web_archive_gives_a_document_for_each_page_and_says_which_gave_none(tmp_path: Path, name: str) -> None:
    path = make_warc(
        tmp_path / name,
        [
            ("https://example.org/permits", "text/html; charset=utf-8", PAGE.encode()),
            ("https://example.org/logo.png", "image/png", b"\x89PNG"),
            ("https://example.org/empty", "text/html", b"<html><body></body></html>"),
            ("https://example.org/robots.txt", "text/plain", b"Every robot is welcome here."),
        ],
    )
    first, second, third = read_documents(path)
    assert isinstance(first, Document)
    assert isinstance(third, Document)
    assert (first.address, third.address) == ("https://example.org/permits", "https://example.org/robots.txt")
    assert third.text == "Every robot is welcome here."
    assert str(second).startswith("https://example.org/empty: ")


def test_a_zip_gives_the_documents_of_its_files_and_names_those_that_give_none(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (
            ("b/../../permits.html", PAGE.encode()), ("a/notes.txt", b"Notes."), ("a/page_files/style.css", b"p {}"),
            ("a/.hidden.txt", b"x"), ("program.exe", b"MZ"), ("inner.zip", b"PK"), ("empty.md", b""),
        ):  # fmt: skip
            archive.writestr(name, content)
    found = list(read_documents(path))
    assert [item.title for item in found if isinstance(item, Document)] == ["notes", "Permits for garages"]
    assert [str(item).split(": ")[0] for item in found if isinstance(item, DocumentError)] == [
        "empty.md", "inner.zip", "program.exe",
    ]  # fmt: skip
    assert not (tmp_path.parent / "permits.html").exists()


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "smörgås"), ("utf-8-sig", "smörgås"), ("utf-16", "smörgås"), ("cp1252", "smörgås – “så”")],
)
def test_a_text_is_read_in_the_encoding_it_is_in(tmp_path: Path, encoding: str, text: str) -> None:
    assert read(tmp_path / "a.txt", text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.txt", b"", "The file is empty"),
        ("a.txt", b"  \n\t\n", "holds no text"),
        ("a.txt", b"MZ\x90\x00\x03\x00\xff\xfe\x81", "cannot be read"),
        ("a.exe", b"MZ", "none of the kinds"),
        ("a.md", b"---\ntitle: x\n---\n", "no text beside its headers"),
        ("a.html", b"<html><body><nav>Home</nav></body></html>", "No main text"),
        ("a.html", b"<div>" * 5000 + b"deep", "cannot be read"),
        ("a.pdf", b"plain words", "not a PDF"),
        ("a.pdf", b"%PDF-1.7\n%%EOF", "damaged"),
        ("a.pdf", make_pdf([[""]]), "OCR"),
        ("a.docx", b"PK\x03\x04 broken", "damaged"),
        ("a.mhtml", b"From: x\r\n\r\nno parts", "holds no web page"),
        ("a.warc", b"not an archive at all\r\n\r\n", "not a web archive"),
        ("a.warc.gz", b"\x1f\x8b\x08\x00rubbish", "no record"),
    ],
)
def test_what_gives_no_text_says_why(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DocumentError, match=sentence):
        list(read_documents(path))


@pytest.mark.slow
def test_bombs_and_giants_are_refused_before_they_unfold(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="times its size"):
        list(read_documents(make_bomb(tmp_path / "bomb.docx", "word/document.xml", 200)))
    with pytest.raises(DocumentError, match="unpacks to 300 MB"):
        list(read_documents(make_bomb(tmp_path / "large.docx", "word/document.xml", 300)))
    small = Limits(characters=100, pages=1, records=1, expanded_bytes=10_000)
    with pytest.raises(DocumentError, match="at most 100 fit"):
        read(tmp_path / "a.txt", "x" * 200, small)
    with pytest.raises(DocumentError, match="at most 1 are read"):
        read(tmp_path / "a.pdf", make_pdf([["one"], ["two"]]), small)
    path = make_warc(
        tmp_path / "a.warc",
        [("https://example.org/1", "text/plain", b"One."), ("https://example.org/2", "text/plain", b"Two.")],
    )
    with pytest.raises(DocumentError, match="more than 1 records"):
        list(read_documents(path, limits=small))
    with pytest.raises(DocumentError, match="unpacks to more"):
        list(
            read_documents(
                make_warc(tmp_path / "b.warc", [("https://example.org/1", "text/plain", b"x" * 20_000)]), limits=small
            )
        )
    with pytest.raises(DocumentError, match="seconds"):
        list(
            read_documents(
                make_warc(tmp_path / "c.warc", [("https://example.org/1", "text/plain", b"x")]),
                limits=Limits(seconds=-1),
            )
        )


def test_the_kind_is_told_by_the_ending() -> None:
    assert [kind_of(name) for name in ("A.MD", "b.warc.gz", "c.HTM", "d.pdf")] == ["markdown", "warc", "html", "pdf"]


def test_the_command_reads_one_file_after_the_other_and_names_those_it_cannot(tmp_path: Path) -> None:
    good, bad = tmp_path / "1", tmp_path / "2"
    good.write_text(PARAGRAPH)
    bad.write_bytes(b"%PDF-1.7\n%%EOF")
    asked = "".join(
        json.dumps({"path": str(path), "name": name}) + "\n"
        for path, name in ((good, "a.txt"), (bad, "b.pdf"), (tmp_path / "3", "c.txt"), (good, "d.md"))
    )
    done = subprocess.run(
        [sys.executable, "-m", "ml", "extract"], input=asked, capture_output=True, text=True, timeout=60
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [(line["file"], line["document"]["text"]) for line in said if "document" in line] == [
        (0, PARAGRAPH),
        (3, PARAGRAPH),
    ]
    assert [line["file"] for line in said if "error" in line] == [1, 2]
    assert [line["file"] for line in said if "end" in line] == [0, 1, 2, 3]


def test_a_real_handbook_is_read_page_by_page() -> None:
    pages = sorted(shared_data("handbook_18f/pages").rglob("*.md"))
    texts: list[str] = []
    empty = 0
    for page in pages:
        try:
            texts += [found.text for found in read_documents(page) if isinstance(found, Document)]
        except DocumentError:
            empty += 1
    assert (len(pages), empty) == (246, 8)
    prose = [text.split("```")[0] for text in texts]
    assert not [text for text in prose if "{%" in text or "](" in text]
