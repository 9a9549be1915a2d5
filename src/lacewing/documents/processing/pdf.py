"""Text, metadata, outline and links of a PDF. Runs locked in: see ``sandbox``."""

import io
import logging
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, BinaryIO, Final

import pypdf
from pypdf import PasswordType, PdfReader, PdfWriter
from pypdf.errors import DependencyError, LimitReachedError, PyPdfError
from pypdf.generic import DictionaryObject, IndirectObject

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
    PAGES_MAX,
    Text,
    count_words,
    value,
)
from lacewing.documents.rules import Failure

_METADATA: Final = {
    "/Title": "title",
    "/Author": "author",
    "/Subject": "subject",
    "/Keywords": "keywords",
    "/Creator": "creator",
    "/Producer": "producer",
    "/CreationDate": "created",
    "/ModDate": "modified",
}
_ACTIVE: Final = frozenset({"/JavaScript", "/Launch"})
"""Actions that run something (ISO 32000-2, section 12.6.4)."""
_ACTIONS_FOLLOWED: Final = 100
_HANGING_MAX: Final = 50_000


class _LeftOut(logging.Handler):
    """Hears where pypdf only warns that it has left something out."""

    told: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith("Exceeded"):
            self.told = record.getMessage()


_left_out = _LeftOut()


def warm_up() -> None:
    """Import what is imported late, and read one file through."""
    logger = logging.getLogger("pypdf")
    logger.handlers = [_left_out]
    logger.propagate = False
    for module in walk_packages(pypdf.__path__, "pypdf."):
        with suppress(ImportError):  # what is for libraries that are not there
            import_module(module.name)
    made = io.BytesIO()
    writer = PdfWriter()
    writer.add_blank_page(72, 72)
    writer.encrypt("", algorithm="AES-256")
    writer.write(made)
    read_pdf(made, lambda _step, _done: None)


def read_pdf(file: BinaryIO, tell: Tell) -> Extraction:
    """All that is in the file.

    Raises:
        ProcessingFailed: it is encrypted, damaged, too large, or does something by itself.
    """
    tell("opening", 0)
    try:
        reader = _open(file)
        _refuse_active(reader)
        page_count = _count_pages(reader)
        return _read(reader, page_count, tell)
    except LimitReachedError as error:
        raise ProcessingFailed(Failure.TOO_LARGE, f"A limit is reached: {error}", "text") from error


def _open(file: BinaryIO) -> PdfReader:
    try:
        reader = PdfReader(file)
        if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
            raise ProcessingFailed(
                Failure.ENCRYPTED, "It is encrypted: a password is needed.", "opening"
            )
    except DependencyError as error:
        raise ProcessingFailed(
            Failure.ENCRYPTED, "It is encrypted in an unknown way.", "opening"
        ) from error
    except (PyPdfError, NotImplementedError) as error:
        raise ProcessingFailed(Failure.DAMAGED, "It is no readable PDF.", "opening") from error
    return reader


def _count_pages(reader: PdfReader) -> int:
    count = len(reader.pages)
    if count > PAGES_MAX:
        raise ProcessingFailed(Failure.TOO_LARGE, f"It has more than {PAGES_MAX} pages.", "opening")
    if count == 0:
        raise ProcessingFailed(Failure.DAMAGED, "It has no pages.", "opening")
    return count


def _read(reader: PdfReader, page_count: int, tell: Tell) -> Extraction:
    text = Text("text")
    links: list[Link] = []
    images = 0
    for number, page in enumerate(reader.pages, start=1):
        _refuse_actions(page, "text")
        text.add_page(page.extract_text())
        if _left_out.told is not None:
            raise LimitReachedError(_left_out.told)
        links += _links(page, number)[: LINKS_MAX - len(links)]
        images += _count_images(page)
        tell("text", number / page_count)
    tell("outline", 0)
    outline = list(_outline(reader))
    tell("metadata", 0)
    return Extraction(
        pages=text.pages,
        metadata=_metadata(reader),
        outline=outline,
        links=links,
        counts={
            "pages": page_count,
            "words": count_words(text.pages),
            "characters": sum(map(len, text.pages)),
            "links": len(links),
            "images": images,
            "attachments": _count_attachments(reader),
        },
    )


def _dictionary(thing: Any) -> DictionaryObject | None:
    if isinstance(thing, IndirectObject):
        thing = thing.get_object()
    return thing if isinstance(thing, DictionaryObject) else None


def _refuse_active(reader: PdfReader) -> None:
    """Nothing may run by itself when the document is opened."""
    catalog = reader.root_object
    _refuse_actions(catalog, "opening")
    names = _dictionary(catalog.get("/Names"))
    if names is not None and "/JavaScript" in names:
        _refuse("JavaScript", "opening")
    form = _dictionary(catalog.get("/AcroForm"))
    outlines = _dictionary(catalog.get("/Outlines"))
    if form is not None:
        _refuse_actions_below(_items(form.get("/Fields")))
    if outlines is not None:
        _refuse_actions_below(iter([outlines]))


def _refuse_actions_below(things: Iterator[DictionaryObject]) -> None:
    """Neither these, nor what hangs on them as the fields of a form or an outline do."""
    waiting = list(things)
    seen: set[int] = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if len(seen) > _HANGING_MAX:
            raise ProcessingFailed(
                Failure.TOO_LARGE, "Its form or outline has too many entries.", "opening"
            )
        _refuse_actions(thing, "opening")
        waiting += _items(thing.get("/Kids"))
        waiting += filter(None, (_dictionary(thing.get(name)) for name in ("/First", "/Next")))


def _refuse_actions(thing: DictionaryObject, step: str) -> None:
    """Neither this nor its annotations may have an action that runs something."""
    actions: list[Any] = [thing.get("/OpenAction"), thing.get("/A")]
    triggers = _dictionary(thing.get("/AA"))
    actions += [] if triggers is None else list(triggers.values())
    for action in actions:
        _follow(action, step)
    for annotation in _items(thing.get("/Annots")):
        for name in ("/A", "/AA", "/PA"):
            _follow(annotation.get(name), step)
            nested = _dictionary(annotation.get(name))
            if name == "/AA" and nested is not None:
                for action in nested.values():
                    _follow(action, step)


def _follow(action: Any, step: str) -> None:
    """An action, and those that come after it."""
    waiting = [action]
    for _ in range(_ACTIONS_FOLLOWED):
        if not waiting:
            return
        found = _dictionary(waiting.pop())
        if found is None:
            continue
        if found.get("/S") in _ACTIVE or "/JS" in found:
            _refuse(str(found.get("/S", "/JavaScript")).lstrip("/"), step)
        after = found.get("/Next")
        waiting += list(_items(after)) or [after]


def _refuse(what: str, step: str) -> None:
    raise ProcessingFailed(
        Failure.ACTIVE_CONTENT, f"It has active content: {what}. Such files are not read.", step
    )


def _items(array: Any) -> Iterator[DictionaryObject]:
    if isinstance(array, IndirectObject):
        array = array.get_object()
    for item in array if isinstance(array, list) else ():
        found = _dictionary(item)
        if found is not None:
            yield found


def _links(page: DictionaryObject, number: int) -> list[Link]:
    found = []
    for annotation in _items(page.get("/Annots")):
        action = _dictionary(annotation.get("/A"))
        if action is not None and "/URI" in action:
            found.append(Link(value(action["/URI"]), number))
    return found


def _count_images(page: DictionaryObject) -> int:
    resources = _dictionary(page.get("/Resources"))
    objects = _dictionary(resources.get("/XObject")) if resources is not None else None
    found = [_dictionary(each) for each in objects.values()] if objects is not None else []
    return sum(each is not None and each.get("/Subtype") == "/Image" for each in found)


def _count_attachments(reader: PdfReader) -> int:
    try:
        return len(list(reader.attachment_list))
    except (PyPdfError, AttributeError, TypeError, ValueError, KeyError):
        return 0


def _outline(reader: PdfReader) -> Iterator[Heading]:
    try:
        found = reader.outline
    except (PyPdfError, AttributeError, TypeError, ValueError, KeyError):
        return
    waiting: list[tuple[Any, int]] = [(each, 1) for each in reversed(found)]
    for _ in range(OUTLINE_MAX):
        if not waiting:
            return
        entry, level = waiting.pop()
        if isinstance(entry, list):
            waiting += [(each, level + 1) for each in reversed(entry)]
        else:
            yield Heading(value(entry.title), level, _page_of(reader, entry))


def _page_of(reader: PdfReader, entry: Any) -> int | None:
    try:
        number = reader.get_destination_page_number(entry)
    except (PyPdfError, AttributeError, TypeError, ValueError, KeyError):
        return None
    return None if number is None or number < 0 else number + 1


def _metadata(reader: PdfReader) -> dict[str, str]:
    try:
        found = reader.metadata
    except (PyPdfError, AttributeError, TypeError, ValueError, KeyError):
        return {}
    told = {} if found is None else {name: found.get(key) for key, name in _METADATA.items()}
    return {name: value(text) for name, text in told.items() if text}
