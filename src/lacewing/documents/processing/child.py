"""What one document's own process does: it locks itself in, reads the file, and tells of it.

What it tells are frames (see there), through a pipe.
"""

import os
from typing import BinaryIO

import msgspec

from lacewing.documents.processing import docx, pdf, sandbox
from lacewing.documents.processing.extraction import ProcessingFailed
from lacewing.documents.processing.frames import LENGTH_BYTES, Frame, Order
from lacewing.documents.rules import Failure, Kind


def warm_up() -> None:
    """Import and run once all that a document may need, as nothing can be opened later."""
    pdf.warm_up()
    docx.warm_up()


def run(order: Order, file: int, output: int) -> None:
    """Read the document and end this process."""
    code = 1
    try:
        sandbox.die_with_parent()
        _close_the_log()
        with os.fdopen(output, "wb", buffering=0) as pipe, os.fdopen(file, "rb") as source:
            _run(order, source, pipe)
            code = 0
    except BaseException:  # ruff: ignore[blind-except]  nothing may return from here into the nursery
        code = 1
    finally:
        os._exit(code)


def _run(order: Order, source: BinaryIO, pipe: BinaryIO) -> None:
    _send(pipe, Frame(pid=os.getpid()))
    _send(pipe, Frame(missing=sandbox.lock_in(order.seconds, order.memory_bytes)))
    step = "opening"

    def tell(name: str, done: float) -> None:
        nonlocal step
        step = name
        _send(pipe, Frame(progress=(name, done)))

    read = {Kind.PDF: pdf.read_pdf, Kind.DOCX: docx.read_docx}[order.kind]
    try:
        extraction = read(source, tell)
        _send(pipe, Frame(extraction=extraction))
    except ProcessingFailed as failed:
        _send(pipe, Frame(failure=(failed.failure, failed.message, failed.step)))
    except MemoryError:
        _send(pipe, Frame(failure=(Failure.TOO_LARGE, "It needs too much memory.", step)))
    except RecursionError:
        _send(pipe, Frame(failure=(Failure.DAMAGED, "It is nested too deeply.", step)))
    except Exception as error:  # ruff: ignore[blind-except]  a hostile file finds every bug of a parser
        told = f"It can't be read ({type(error).__name__})."
        _send(pipe, Frame(failure=(Failure.DAMAGED, told, step)))


def _close_the_log() -> None:
    """Whoever takes this process over shall write nothing into the worker's log."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _send(pipe: BinaryIO, frame: Frame) -> None:
    encoded = msgspec.json.encode(frame)
    rest = memoryview(len(encoded).to_bytes(LENGTH_BYTES, "little") + encoded)
    while rest:
        rest = rest[pipe.write(rest) :]
