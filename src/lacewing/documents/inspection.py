"""What a file is, by looking into it; its name and its sender's word count for nothing (DOC-8).

Whatever no honest program writes is refused here, before anything is stored: what parses it later
should have as little to choose as possible.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, Final
from xml.parsers import expat

import msgspec

from lacewing.documents.errors import UnacceptableFile
from lacewing.documents.rules import Kind, kind_of_ending
from lacewing.kernel.errors import FieldError

PDF_SIGNATURE: Final = b"%PDF-"
PDF_SIGNATURE_WITHIN: Final = 1_024
"""Readers of PDF look so far for its signature: in a DOCX it must not stand there."""
ENTRIES_MAX: Final = 4_096
DIRECTORY_BYTES_MAX: Final = 1024 * 1024
ENTRY_BYTES_MAX: Final = 64 * 1024 * 1024
UNPACKED_BYTES_MAX: Final = 256 * 1024 * 1024
"""What a DOCX may declare: so many entries, such a directory, so much when unpacked."""
MAIN_TYPE: Final = (
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
)
_CONTENT_TYPES: Final = "[Content_Types].xml"
_MAIN_PART: Final = "word/document.xml"

_ZIP_SIGNATURE: Final = b"PK\x03\x04"
_END: Final = b"PK\x05\x06"
_END_FORMAT: Final = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR: Final = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES: Final = 20
_LOCAL_HEADER_BYTES: Final = 30
_COMMENT_BYTES_MAX: Final = 65_535
_ENCRYPTED_FLAGS: Final = 0x1 | 0x40 | 0x2000
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
PROLOG_BYTES_MAX: Final = 64 * 1024
"""What may stand in a part of XML before its root element."""
_XML_CHUNK_BYTES: Final = 16 * 1024
_XML_BEGINNINGS: Final = (b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00", b"\x4c\x6f")
_XML_ENDINGS: Final = (".xml", ".rels", ".vml")
_MACRO_MARKS: Final = ("macroenabled", "vbaproject")
_ENCODINGS: Final = frozenset({"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-1"})


def inspect(path: Path, filename: str) -> Kind:
    """The kind of the file at ``path``. Blocks; takes milliseconds.

    Raises:
        UnacceptableFile: naming why it can't be taken.
    """
    with path.open("rb") as file:
        beginning = file.read(PDF_SIGNATURE_WITHIN)
        if not beginning:
            raise _unacceptable("The file is empty.", "empty")
        if beginning.startswith(PDF_SIGNATURE):
            kind = Kind.PDF
            _refuse_zip_behind(file)
        elif beginning.startswith(_ZIP_SIGNATURE):
            kind = Kind.DOCX
            if PDF_SIGNATURE in beginning:
                raise _unacceptable("The file is a DOCX and a PDF at once.", "polyglot")
            _check_docx(file)
        else:
            raise _unacceptable("The file is neither a PDF nor a DOCX.", "unknown_type")
    if kind_of_ending(filename) not in {None, kind}:
        raise _unacceptable(f"The file is a {kind.name}, which its name denies.", "misleading_name")
    return kind


def _unacceptable(detail: str, kind: str) -> UnacceptableFile:
    return UnacceptableFile(FieldError(["body", "file"], detail, kind))


class _Directory(msgspec.Struct, frozen=True):
    """Where a ZIP says that its directory is."""

    entries: int
    size_bytes: int
    at: int
    end_at: int
    """Where the record stands that tells so."""


def _find_directory(file: BinaryIO) -> _Directory | None:
    """The record that ends a ZIP, if the file ends with one (APPNOTE, section 4.3.16)."""
    size = file.seek(0, io.SEEK_END)
    tail_at = max(0, size - _COMMENT_BYTES_MAX - _END_FORMAT.size)
    file.seek(tail_at)
    tail = file.read()
    place = len(tail)
    while (place := tail.rfind(_END, 0, place)) >= 0:
        if len(tail) - place < _END_FORMAT.size:
            continue
        _, _, _, _, entries, size_bytes, at, comment = _END_FORMAT.unpack_from(tail, place)
        if place + _END_FORMAT.size + comment == len(tail):
            return _Directory(entries, size_bytes, at, tail_at + place)
    return None


def _refuse_zip_behind(file: BinaryIO) -> None:
    if _find_directory(file) is not None:
        raise _unacceptable("The file is a PDF and a ZIP at once.", "polyglot")


def _check_docx(file: BinaryIO) -> None:
    directory = _find_directory(file)
    if directory is None:
        raise _unacceptable("The file is a ZIP that is cut off or damaged.", "damaged")
    file.seek(max(0, directory.end_at - _ZIP64_LOCATOR_BYTES))
    if file.read(len(_ZIP64_LOCATOR)) == _ZIP64_LOCATOR:
        raise _unacceptable("The file is a ZIP of the 64-bit form, which no DOCX needs.", "zip64")
    if directory.entries > ENTRIES_MAX or directory.size_bytes > DIRECTORY_BYTES_MAX:
        raise _unacceptable(f"A DOCX has at most {ENTRIES_MAX} entries.", "too_many_entries")
    if directory.at + directory.size_bytes != directory.end_at:
        raise _unacceptable("Its ZIP directory is not where it should be.", "damaged")
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as package:
            _check_entries(package.infolist(), directory)
            _check_parts(package)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError) as error:
        raise _unacceptable("The file is a damaged ZIP.", "damaged") from error
    except (RuntimeError, LookupError, OSError, struct.error) as error:
        raise _unacceptable("The file is a damaged ZIP.", "damaged") from error
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]  # as zipfile itself imports it
        raise _unacceptable("The file is a damaged ZIP.", "damaged") from error


def _check_entries(entries: list[zipfile.ZipInfo], directory: _Directory) -> None:
    """What the directory tells must be bounded, honest and told once."""
    if len(entries) != directory.entries:
        raise _unacceptable("Its ZIP directory has another number of entries.", "damaged")
    names = [entry.filename for entry in entries]
    if len({name.lower() for name in names}) != len(names):
        raise _unacceptable("Two of its entries have the same name.", "repeated_entry")
    if sum(entry.file_size for entry in entries) > UNPACKED_BYTES_MAX:
        raise _unacceptable(
            f"Unpacked it would have more than {UNPACKED_BYTES_MAX} bytes.", "too_large_unpacked"
        )
    free_from = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        _check_entry(entry)
        if entry.header_offset < free_from:
            raise _unacceptable("Its entries overlap.", "overlapping_entries")
        free_from = entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size
    if free_from > directory.at:
        raise _unacceptable("Its entries overlap.", "overlapping_entries")
    if not {_CONTENT_TYPES, _MAIN_PART} <= set(names):
        raise _unacceptable("The file is a ZIP that is no DOCX.", "unknown_type")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if name.startswith("/") or "\\" in name or ".." in name.split("/") or "\x00" in name:
        raise _unacceptable("One of its entries leaves the file.", "entry_path")
    if entry.flag_bits & _ENCRYPTED_FLAGS:
        raise _unacceptable("It is encrypted.", "encrypted")
    if entry.compress_type not in _METHODS:
        raise _unacceptable("It is packed in a way that DOCX does not know.", "damaged")
    if entry.file_size > ENTRY_BYTES_MAX:
        raise _unacceptable(
            f"Unpacked one of its entries would have more than {ENTRY_BYTES_MAX} bytes.",
            "too_large_unpacked",
        )


def _check_parts(package: zipfile.ZipFile) -> None:
    """No part that may be read as XML has a DTD; the main one is a document's."""
    for entry in package.infolist():
        with package.open(entry) as part:
            beginning = part.read(_XML_CHUNK_BYTES)
            if _may_be_xml(entry.filename, beginning):
                _refuse_dtd(entry.filename, _chunks(beginning, part))
    with package.open(_CONTENT_TYPES) as part:
        types = _types_of_parts(part.read(DIRECTORY_BYTES_MAX))
    if types.get(_MAIN_PART) != MAIN_TYPE:
        raise _unacceptable("The file is an Office file that is no DOCX.", "unknown_type")
    if any(mark in each.lower() for each in types.values() for mark in _MACRO_MARKS):
        raise _unacceptable("The file has macros, which a DOCX has not.", "macros")


def _may_be_xml(name: str, beginning: bytes) -> bool:
    return name.lower().endswith(_XML_ENDINGS) or beginning.lstrip().startswith(_XML_BEGINNINGS)


def _chunks(beginning: bytes, part: IO[bytes]) -> Iterator[bytes]:
    chunk = beginning
    while chunk:
        yield chunk
        chunk = part.read(_XML_CHUNK_BYTES)


class _RootReached(Exception):  # noqa: N818  ends the parsing: after the root begins there is no DTD
    pass


def _refuse_dtd(name: str, chunks: Iterator[bytes]) -> None:
    """Read up to the root element: a DTD must stand before it (XML 1.0, section 2.8)."""

    def on_declaration(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise _unacceptable(f"{name[:100]} is in the encoding {encoding[:40]}.", "encoding")

    def on_doctype(*_: object) -> None:
        raise _unacceptable(f"{name[:100]} has a DTD.", "dtd")

    def on_element(*_: object) -> None:
        raise _RootReached

    parser = expat.ParserCreate()
    parser.XmlDeclHandler = on_declaration
    parser.StartDoctypeDeclHandler = on_doctype
    parser.StartElementHandler = on_element
    read_bytes = 0
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
            read_bytes += len(chunk)
            if read_bytes > PROLOG_BYTES_MAX:
                raise _unacceptable(f"{name[:100]} begins with nothing for too long.", "damaged")
    except _RootReached:
        return
    except expat.ExpatError as error:
        if name.lower().endswith(_XML_ENDINGS):
            raise _unacceptable(f"{name[:100]} is no XML.", "damaged") from error


def _types_of_parts(content_types: bytes) -> dict[str, str]:
    """The type of each part that has one of its own, and of each ending as ``*.ending``."""
    found: dict[str, str] = {}

    def on_element(name: str, attributes: dict[str, str]) -> None:
        ending = attributes.get("Extension", "").lower()
        part = attributes.get("PartName", f"*.{ending}").lstrip("/").lower()
        if part in found:
            raise _unacceptable("[Content_Types].xml tells one type twice.", "damaged")
        if name.rpartition(":")[2] in {"Override", "Default"}:
            found[part] = attributes.get("ContentType", "")

    parser = expat.ParserCreate()
    parser.StartElementHandler = on_element
    try:
        parser.Parse(content_types, True)
    except expat.ExpatError as error:
        raise _unacceptable("[Content_Types].xml is no XML.", "damaged") from error
    return found
