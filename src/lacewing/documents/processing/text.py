"""The built-in processor: extracts text and what is around it, in a child process locked in."""

import asyncio
import os
import signal
import socket
import subprocess  # nosec B404  # noqa: S404  starts our own interpreter and module
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import msgspec
import structlog

from lacewing import __version__
from lacewing.documents.processing.extraction import Extraction, ProcessingFailed
from lacewing.documents.processing.frames import LENGTH_BYTES, Frame, Order
from lacewing.documents.processing.processor import Report, Source
from lacewing.documents.rules import Failure
from lacewing.documents.settings import DocumentsSettings

FRAME_BYTES_MAX: Final = 64 * 1024 * 1024
"""More than ``limits`` let a result become: a child that sends more is not ours any more."""
END_BYTES: Final = 4
END_SECONDS: Final = 5.0
"""How long a child may take to end once it has told all."""
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")
"""All that the nursery gets of our environment: no secret of ours is near a hostile file."""

_log = structlog.get_logger(__name__)


class ChildLost(RuntimeError):  # noqa: N818  it reads as what it says
    """The child was ended from outside, by the machine's memory running out, say."""


class ExtractText:
    """See ``Processor``."""

    name: Final = "text"
    version: Final = __version__

    def __init__(self, settings: DocumentsSettings) -> None:
        self._seconds = settings.processing_seconds_max
        self._memory_bytes = settings.processing_memory_bytes_max
        self._nursery: _Nursery | None = None
        self._starting = asyncio.Lock()
        self._is_told = False

    async def process(self, source: Source, report: Report) -> Extraction:
        order = Order(source.kind, self._seconds, self._memory_bytes)
        with source.path.open("rb") as file:
            nursery = await self._started()
            try:
                async with nursery.child(order, file.fileno()) as child:
                    return await self._listen(child, report)
            except BrokenPipeError as error:
                await self.close()
                raise ChildLost("The nursery has ended.") from error

    async def close(self) -> None:
        nursery, self._nursery = self._nursery, None
        if nursery is not None:
            await asyncio.to_thread(nursery.close)

    async def _started(self) -> "_Nursery":
        async with self._starting:
            if self._nursery is None:
                self._nursery = await asyncio.to_thread(_Nursery)
            return self._nursery

    async def _listen(self, child: "_Child", report: Report) -> Extraction:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._hear_out(child, report)
        except TimeoutError:
            raise self._timed_out(child.step) from None

    async def _hear_out(self, child: "_Child", report: Report) -> Extraction:
        while (frame := await child.next_frame()) is not None:
            if frame.extraction is not None:
                return frame.extraction
            if frame.failure is not None:
                raise ProcessingFailed(*frame.failure)
            if frame.missing:
                self._tell_missing(frame.missing)
            if frame.progress is not None:
                await report(*frame.progress)
        raise self._ended(await child.end(), child.step)

    def _timed_out(self, step: str) -> ProcessingFailed:
        return ProcessingFailed(
            Failure.TIMED_OUT, f"It took more than {self._seconds} seconds.", step
        )

    def _ended(self, code: int | None, step: str) -> Exception:
        """Why a child has ended that had more to tell."""
        if code == -signal.SIGXCPU:
            return self._timed_out(step)
        if code is None or code == -signal.SIGKILL:
            return ChildLost("The process that read it was killed.")
        return ProcessingFailed(Failure.CRASHED, f"What reads it crashed ({code}).", step)

    def _tell_missing(self, missing: list[str]) -> None:
        if not self._is_told:
            self._is_told = True
            _log.warning("sandbox_incomplete", missing=missing)


class _Nursery:
    """Our end of ``nursery``; blocks while it starts."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [
                    sys.executable,
                    "-I",
                    "-m",
                    "lacewing.documents.processing.nursery",
                    str(theirs.fileno()),
                ],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            )

    @asynccontextmanager
    async def child(self, order: Order, file: int) -> AsyncGenerator["_Child", None]:
        """A child at work, which is gone when the block ends."""
        output, their_output = os.pipe()
        end, their_end = os.pipe()
        try:
            message = msgspec.json.encode(order)
            socket.send_fds(self._orders, [message], [file, their_output, their_end])
        except BaseException:
            os.close(output)
            os.close(end)
            raise
        finally:
            os.close(their_output)
            os.close(their_end)
        child = await _Child.of(output, end)
        try:
            yield child
        finally:
            child.close()

    def close(self) -> None:
        self._orders.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Child:
    """What one child tells, and how it ends."""

    def __init__(
        self,
        output: asyncio.StreamReader,
        end: asyncio.StreamReader,
        transports: list[asyncio.BaseTransport],
    ) -> None:
        self._output = output
        self._end = end
        self._transports = transports
        self._process: int | None = None
        self.step = "opening"

    @classmethod
    async def of(cls, output: int, end: int) -> "_Child":
        loop = asyncio.get_running_loop()
        readers: list[asyncio.StreamReader] = []
        transports: list[asyncio.BaseTransport] = []
        for descriptor in (output, end):
            reader = asyncio.StreamReader()
            transport, _ = await loop.connect_read_pipe(
                partial(asyncio.StreamReaderProtocol, reader),
                os.fdopen(descriptor, "rb", buffering=0),
            )
            readers.append(reader)
            transports.append(transport)
        return cls(readers[0], readers[1], transports)

    async def next_frame(self) -> Frame | None:
        """``None`` when the child tells no more."""
        try:
            length = int.from_bytes(await self._output.readexactly(LENGTH_BYTES), "little")
            if length > FRAME_BYTES_MAX:
                raise ProcessingFailed(Failure.TOO_LARGE, "What was found is too much.", "result")
            frame = msgspec.json.decode(await self._output.readexactly(length), type=Frame)
        except asyncio.IncompleteReadError:
            return None
        except msgspec.DecodeError as error:
            raise ProcessingFailed(
                Failure.CRASHED, "What reads it tells nonsense.", "result"
            ) from error
        if frame.pid is not None and self._process is None:
            with suppress(ProcessLookupError):
                self._process = os.pidfd_open(frame.pid)
        if frame.progress is not None:
            self.step = frame.progress[0]
        return frame

    async def end(self) -> int | None:
        """The exit code, a signal as its negative number; ``None`` when it is not told."""
        try:
            async with asyncio.timeout(END_SECONDS):
                code = await self._end.readexactly(END_BYTES)
        except (TimeoutError, asyncio.IncompleteReadError):
            return None
        return int.from_bytes(code, "little", signed=True)

    def close(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)
            os.close(self._process)
            self._process = None
        for transport in self._transports:
            transport.close()
