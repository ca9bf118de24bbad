"""Small documents of every kind, made here, byte by byte where no library writes them."""

import gzip
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import docx

PARAGRAPH = (
    "A building permit is needed before you put up a garage that is larger than fifteen square metres, and the "
    "application must show its place on the plot. The authority answers within ten weeks."
)
PAGE = f"""<!doctype html><html lang="en"><head><title>Permits for garages</title>
<link rel="canonical" href="https://example.org/permits"></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/shop">Shop</a></li><li><a href="/login">Log in</a></li></ul></nav>
<main><article><h1>Permits for garages</h1><p>{PARAGRAPH}</p><h2>What it costs</h2>
<p>The fee follows the size of the garage: {PARAGRAPH}</p></article></main>
<footer><p>Cookie settings</p>
<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a></footer>
<script>alert("never text")</script></body></html>"""


def make_pdf(pages: Sequence[Sequence[str]]) -> bytes:
    """A PDF of plain lines of text, as simple as the format allows."""
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    kids = []
    for lines in pages:
        shown = "".join(f"({line.translate(ESCAPES)}) Tj 0 -14 Td\n" for line in lines)
        stream = f"BT /F1 10 Tf 40 800 Td\n{shown}ET".encode("latin-1")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        content = len(objects)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % content
        )
        kids.append(len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(b"%d 0 R" % kid for kid in kids), len(kids))
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))
    return out.getvalue()


ESCAPES = str.maketrans({"(": r"\(", ")": r"\)", "\\": r"\\"})


def make_docx(path: Path) -> Path:
    document = docx.Document()
    document.core_properties.title = "Permits"
    document.add_heading("Permits for garages", 1)
    document.add_paragraph(PARAGRAPH)
    document.add_heading("What it costs", 2)
    document.add_paragraph("By size", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells), ("Size", "Fee", "15 m2", "a | b"), strict=True
    ):
        cell.text = text
    document.save(str(path))
    return path


def make_mhtml() -> bytes:
    head = (
        "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://example.org/saved\r\nSubject: Permits\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/related; type="text/html"; boundary="----part"\r\n\r\n'
    )
    page = f"------part\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{PAGE}\r\n"
    picture = "------part\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n"
    return (head + page + picture + "------part--\r\n").encode()


def make_warc(path: Path, records: Sequence[tuple[str, str, bytes]]) -> Path:
    """Records of (address, content type, body), each packed by itself in a .gz file, as crawlers write them."""
    with path.open("wb") as file:
        for number, (address, kind, body) in enumerate(records):
            answer = f"HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode() + body
            head = (
                f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{number:032}>\r\n"
                f"WARC-Target-URI: {address}\r\nWARC-Date: 2025-01-01T00:00:00Z\r\n"
                f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(answer)}\r\n\r\n"
            )
            record = head.encode() + answer + b"\r\n\r\n"
            file.write(gzip.compress(record) if path.name.endswith(".gz") else record)
    return path


def make_bomb(path: Path, name: str, megabytes: int) -> Path:
    """A ZIP file of zeros that unpacks to far more than it is."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w", force_zip64=True) as file:
        for _turn in range(megabytes):
            file.write(b"\0" * 2**20)
    return path
