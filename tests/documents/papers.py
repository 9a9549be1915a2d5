"""Good papers, made in memory: PDFs by hand, so that every byte is known; DOCX by python-docx.

The same arguments give the same bytes, except where a paper is encrypted.
"""

import codecs
import io
import random
import zipfile
from collections.abc import Mapping, Sequence

from docx import Document
from docx.enum.text import WD_BREAK
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph
from pypdf import PdfReader, PdfWriter

PDF_HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
HELVETICA = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
A4 = b"[0 0 595 842]"
PAGE_BREAK = "\f"
LINK_TEXT = "Read on"


def literal(text: str) -> bytes:
    """A PDF string of bytes in WinAnsi: Windows' code page 1252, as far as text needs it."""
    escaped = (
        b"\\%03o" % byte if byte in b"()\\" or not 32 <= byte < 127 else bytes([byte])
        for byte in text.encode("cp1252")
    )
    return b"(" + b"".join(escaped) + b")"


def text_string(text: str) -> bytes:
    """A PDF string that may hold any character, for titles and the like."""
    return b"<" + (codecs.BOM_UTF16_BE + text.encode("utf-16-be")).hex().encode() + b">"


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """A stream object with ``entries`` in its dictionary."""
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(data), entries, data)


def drawn(text: str) -> bytes:
    """What a page draws to write the lines of ``text`` below each other, in font F1."""
    lines = b"".join(literal(line) + b" Tj T*\n" for line in text.split("\n"))
    return b"BT\n/F1 11 Tf 14 TL 56 780 Td\n" + lines + b"ET"


def assembled(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1, which is the catalog."""
    body = bytearray(PDF_HEADER)
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(body)
    size = len(objects) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n" % size
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    body += b"trailer\n<< /Size %d /Root 1 0 R %b >>\n" % (size, trailer)
    # As many digits wherever it stands, so that pdf_of_size can meet a size exactly.
    body += b"startxref\n%010d\n%%%%EOF\n" % start
    return bytes(body)


class _Draft:
    """A PDF in the making. An object may be numbered before it is known."""

    def __init__(self) -> None:
        self.objects: list[bytes] = []

    def add(self, content: bytes = b"null") -> int:
        self.objects.append(content)
        return len(self.objects)

    def put(self, number: int, content: bytes) -> None:
        self.objects[number - 1] = content

    def add_outline(self, entries: Sequence[tuple[str, int]], pages: Sequence[int]) -> int:
        root = self.add()
        numbers = [self.add() for _ in entries]
        for at, (title, page) in enumerate(entries):
            near = b""
            if at > 0:
                near += b"/Prev %d 0 R " % numbers[at - 1]
            if at + 1 < len(numbers):
                near += b"/Next %d 0 R " % numbers[at + 1]
            goal = b"/Dest [%d 0 R /Fit] /Parent %d 0 R" % (pages[page], root)
            self.put(numbers[at], b"<< /Title %b %b%b >>" % (text_string(title), near, goal))
        ends = (numbers[0], numbers[-1], len(numbers))
        self.put(root, b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>" % ends)
        return root

    def add_facts(self, **facts: str | None) -> int:
        known = (
            b"/%b %b " % (name.encode(), text_string(fact))
            for name, fact in facts.items()
            if fact is not None
        )
        return self.add(b"<< " + b"".join(known) + b">>")


def pdf(
    *pages: str,
    title: str | None = None,
    author: str | None = None,
    outline: Sequence[tuple[str, int]] = (),
    link: str | None = None,
) -> bytes:
    """A text PDF. ``outline`` counts pages from 0; ``link`` stands on the first page."""
    return assembled(*_drafted(pages, title=title, author=author, outline=outline, link=link))


def _drafted(
    pages: Sequence[str],
    *,
    title: str | None = None,
    author: str | None = None,
    outline: Sequence[tuple[str, int]] = (),
    link: str | None = None,
) -> tuple[list[bytes], bytes]:
    """The objects, and what the trailer says of them."""
    draft = _Draft()
    catalog, tree, font = draft.add(), draft.add(), draft.add(HELVETICA)
    notes = b""
    if link is not None:
        action = b"<< /S /URI /URI %b >>" % literal(link)
        note = b"<< /Type /Annot /Subtype /Link /Rect [56 40 300 60] /A %b >>" % action
        notes = b" /Annots [%d 0 R]" % draft.add(note)
    numbers = []
    for text in pages:
        content = draft.add(stream(drawn(text)))
        parts = b"/Resources << /Font << /F1 %d 0 R >> >> /Contents %d 0 R" % (font, content)
        page = b"<< /Type /Page /Parent %d 0 R /MediaBox %b %b" % (tree, A4, parts)
        numbers.append(draft.add(page + notes + b" >>"))
        notes = b""
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    draft.put(tree, b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(pages)))
    shown = b" /Outlines %d 0 R" % draft.add_outline(outline, numbers) if outline else b""
    draft.put(catalog, b"<< /Type /Catalog /Pages %d 0 R%b >>" % (tree, shown))
    if title is None and author is None:
        return draft.objects, b""
    return draft.objects, b"/Info %d 0 R" % draft.add_facts(Title=title, Author=author)


def pdf_of_size(size_bytes: int, text: str, seed: int = 0) -> bytes:
    """A PDF of one page and exactly ``size_bytes``; another seed gives another file."""
    objects, trailer = _drafted([text])

    def padded(padding: bytes) -> bytes:
        # The length is as wide as any, so that it takes no room from what it counts.
        head = b"<< /Length %10d >>" % len(padding)
        return assembled([*objects, head + b"\nstream\n" + padding + b"\nendstream"], trailer)

    room = size_bytes - len(padded(b""))
    if room < 0:
        raise ValueError(f"A PDF of this text takes {size_bytes - room} bytes or more")
    return padded(random.Random(seed).randbytes(room))


def encrypted_pdf(text: str, password: str) -> bytes:
    """Encrypted with AES-256, the same password for reader and owner. Never twice the same."""
    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(pdf(text))))
    writer.encrypt(password, algorithm="AES-256")
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def docx(
    *paragraphs: str,
    title: str | None = None,
    author: str | None = None,
    headings: Sequence[str] = (),
    link: str | None = None,
    table: Sequence[Sequence[str]] = (),
) -> bytes:
    """A DOCX: its headings, then the paragraphs, a link, a table. A form feed breaks the page."""
    document = Document()
    facts = document.core_properties
    # The template brings facts of its own.
    facts.title, facts.author, facts.comments = title or "", author or "", ""
    for heading in headings:
        document.add_heading(heading, level=1)
    for text in paragraphs:
        if text == PAGE_BREAK:
            document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
        else:
            document.add_paragraph(text)
    if link is not None:
        _add_link(document.add_paragraph(), link)
    if table:
        grid = document.add_table(rows=len(table), cols=max(map(len, table)))
        for row, texts in zip(grid.rows, table, strict=True):
            for cell, text in zip(row.cells, texts, strict=False):
                cell.text = text
    made = io.BytesIO()
    document.save(made)
    # Packed anew: python-docx writes the time into the archive.
    return zipped(parts_of(made.getvalue()))


def _add_link(paragraph: Paragraph, url: str) -> None:
    link = OxmlElement("w:hyperlink")
    link.set(
        qn("r:id"), paragraph.part.relate_to(url, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    )
    link.append(paragraph.add_run(LINK_TEXT)._r)  # noqa: SLF001  it has no other name for it
    paragraph._p.append(link)  # noqa: SLF001  the same


def parts_of(archive: bytes) -> dict[str, bytes]:
    """What a ZIP holds, by name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def zipped(parts: Mapping[str, bytes]) -> bytes:
    """A ZIP of these parts, in this order."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
