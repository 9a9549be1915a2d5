"""What is true of documents without a database."""

import unicodedata
from enum import StrEnum
from typing import Final

FILENAME_LENGTH_MAX: Final = 255
"""Characters, as most file systems have it; the ending stays when a longer one is cut."""
FILTER_VALUES_MAX: Final = 10
_ENDING_LENGTH_MAX: Final = 10

PROCESS_DOCUMENT: Final = "documents.process"
REMOVE_FILE: Final = "documents.remove-file"
SWEEP_FILES: Final = "documents.sweep-files"
"""The kinds of jobs."""


class Status(StrEnum):
    UPLOADED = "UPLOADED"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


STEPS: Final = frozenset(
    {
        (Status.UPLOADED, Status.PROCESSING),
        (Status.PROCESSING, Status.COMPLETED),
        (Status.PROCESSING, Status.FAILED),
        (Status.FAILED, Status.PROCESSING),
    }
)
"""The steps that a document may take (DOC-3, DOC-4)."""


class Kind(StrEnum):
    """What a file is, by its content; the value is its media type (RFC 6838)."""

    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


ENDINGS: Final = {".pdf": Kind.PDF, ".docx": Kind.DOCX}


class Failure(StrEnum):
    """Why a document has no result."""

    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    TIMED_OUT = "timed_out"
    UNSUPPORTED = "unsupported"
    ACTIVE_CONTENT = "active_content"
    CRASHED = "crashed"
    GAVE_UP = "gave_up"


def can_start(status: Status) -> bool:
    """Whether processing may begin now."""
    return (status, Status.PROCESSING) in STEPS


def shown_filename(given: str) -> str:
    """The name of a file as it may be shown: no path, one line, of bounded length; maybe empty.

    It is for display only: no file of ours is ever called so (DOC-8).
    """
    name = given.replace("\\", "/").rpartition("/")[2]
    name = unicodedata.normalize("NFC", name)
    name = "".join(character if character.isprintable() else " " for character in name)
    name = " ".join(name.split()).strip(". ") if set(name) <= set(". ") else " ".join(name.split())
    if len(name) <= FILENAME_LENGTH_MAX:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > _ENDING_LENGTH_MAX:
        return name[:FILENAME_LENGTH_MAX]
    return stem[: FILENAME_LENGTH_MAX - len(ending) - 1] + dot + ending


def kind_of_ending(filename: str) -> Kind | None:
    """What the name claims to be, where it claims anything that we know."""
    dot = filename.rfind(".")
    return ENDINGS.get(filename[dot:].lower()) if dot >= 0 else None
