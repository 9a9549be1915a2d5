"""Text, metadata, outline and links of a DOCX. Runs locked in: see ``sandbox``."""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import docx
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from lxml import etree

from lacewing.documents.processing.extraction import (
    Extraction,
    Heading,
    Link,
    ProcessingFailed,
    Tell,
)
from lacewing.documents.processing.limits import (
    LINKS_MAX,
    OUTLINE_MAX,
    Text,
    count_words,
    value,
)
from lacewing.documents.rules import Failure

_PROPERTIES: Final = {
    "title": "title",
    "author": "author",
    "subject": "subject",
    "keywords": "keywords",
    "category": "category",
    "comments": "comments",
    "language": "language",
    "last_modified_by": "last_modified_by",
    "created": "created",
    "modified": "modified",
}
_FALLBACK: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_PAGE_END: Final = "\f"
_BREAKS: Final = {qn("w:tab"): "\t", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_TOLD_EVERY: Final = 1_000
"""Elements of the body between two reports of progress."""


def warm_up() -> None:
    """Read one file through: what is imported late is then there."""
    made = io.BytesIO()
    document = docx.Document()
    document.add_heading("A heading")
    document.add_table(1, 1)
    document.save(made)
    read_docx(made, lambda _step, _done: None)


def read_docx(file: BinaryIO, tell: Tell) -> Extraction:
    """All that is in the file.

    Raises:
        ProcessingFailed: it is damaged, or too large.
    """
    tell("opening", 0)
    try:
        document = docx.Document(file)
    except (OpcError, etree.LxmlError, KeyError, ValueError, AttributeError) as error:
        raise ProcessingFailed(Failure.DAMAGED, "It is no readable DOCX.", "opening") from error
    text = Text("text")
    for page in _pages(document, tell):
        text.add_page(page)
    tell("outline", 0)
    outline = list(_outline(document))
    links = list(_links(document))
    tell("metadata", 0)
    body = document.element.body
    return Extraction(
        pages=text.pages,
        metadata=_metadata(document),
        outline=outline,
        links=links,
        counts={
            "pages": len(text.pages),
            "words": count_words(text.pages),
            "characters": sum(map(len, text.pages)),
            "links": len(links),
            "images": sum(1 for _ in body.iter(qn("a:blip"))),
            "tables": sum(1 for _ in body.iter(qn("w:tbl"))),
        },
    )


def _pages(document: Document, tell: Tell) -> Iterator[str]:
    """The text as it was last laid out: Word notes where its pages ended."""
    body = document.element.body
    blocks = len(body)
    pieces: list[str] = []
    for number, block in enumerate(body):
        for piece in _block(block):
            if piece != _PAGE_END:
                pieces.append(piece)
            elif "".join(pieces).strip():
                yield "".join(pieces)
                pieces.clear()
        if number % _TOLD_EVERY == 0:
            tell("text", number / blocks)
    yield "".join(pieces)


def _block(element: Any) -> Iterator[str]:
    """The text below ``element``: paragraphs on lines of their own, cells of a row on one line."""
    tag = element.tag
    if tag == qn("w:p"):
        yield from _inline(element)
        yield "\n"
    elif tag == qn("w:tr"):
        for cell in element.iterchildren(qn("w:tc"), qn("w:sdt")):
            yield "".join(_block_of(cell)).strip().replace("\n", " ")
            yield "\t"
        yield "\n"
    elif tag != _FALLBACK:
        yield from _block_of(element)


def _block_of(element: Any) -> Iterator[str]:
    for each in element:
        if isinstance(each.tag, str):
            yield from _block(each)


def _inline(element: Any) -> Iterator[str]:
    for each in element:
        tag = each.tag
        if tag == qn("w:t"):
            yield each.text or ""
        elif tag in _BREAKS:
            yield _BREAKS[tag]
        elif tag == qn("w:lastRenderedPageBreak"):
            yield _PAGE_END
        elif tag == qn("w:br"):
            yield _PAGE_END if each.get(qn("w:type")) == "page" else "\n"
        elif tag == qn("w:p"):
            yield "\n"  # of a text box
            yield from _block(each)
        elif tag != _FALLBACK and isinstance(tag, str):
            yield from _inline(each)


def _outline(document: Document) -> Iterator[Heading]:
    found = 0
    for paragraph in document.paragraphs:
        style = "" if paragraph.style is None else paragraph.style.name or ""
        number = style.removeprefix("Heading ")
        if style.startswith("Heading ") and number.isdigit() and paragraph.text.strip():
            yield Heading(value(paragraph.text), int(number), None)
            found += 1
            if found == OUTLINE_MAX:
                return


def _links(document: Document) -> Iterator[Link]:
    relations = document.part.rels.values()
    found = [each for each in relations if each.reltype == RELATIONSHIP_TYPE.HYPERLINK]
    for relation in found[:LINKS_MAX]:
        if relation.is_external:
            yield Link(value(relation.target_ref), None)


def _metadata(document: Document) -> dict[str, str]:
    told: dict[str, str] = {}
    for attribute, name in _PROPERTIES.items():
        try:
            found = getattr(document.core_properties, attribute)
        except (ValueError, AttributeError, KeyError, etree.LxmlError):
            continue
        if found:
            told[name] = value(found)
    return told
