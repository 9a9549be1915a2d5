"""A process that reads a document can do no harm; here real ones try, one act each.

What a kernel has not of Landlock or seccomp can't be tried on it, and that is said loudly.
"""

import asyncio
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import pytest

from lacewing.documents.processing.extraction import ProcessingFailed
from lacewing.documents.processing.frames import LENGTH_BYTES, Frame
from lacewing.documents.processing.processor import Source
from lacewing.documents.processing.text import FRAME_BYTES_MAX, ChildLost, ExtractText, _Child
from lacewing.documents.rules import Failure, Kind
from lacewing.documents.settings import DocumentsSettings
from tests.documents.papers import pdf
from tests.support.cannot import cannot_test

MIB: Final = 1024 * 1024
MEMORY_BYTES: Final = 512 * MIB
DEADLINE_SECONDS: Final = 20
LOOK_SECONDS: Final = 0.02

PROGRAM: Final = """
import ctypes, errno, mmap, os, resource, select, signal, socket, sys, threading, time

from lacewing.documents.processing import sandbox

libc = ctypes.CDLL(None, use_errno=True)

def call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)

def lock_in(which):
    if which == "all":
        return sandbox.lock_in({seconds}, {memory_bytes})
    libc.prctl(38, 1, 0, 0, 0)
    works = {{"landlock": sandbox._landlock, "seccomp": sandbox._seccomp}}[which]()
    return [] if works else [which]

path, port = sys.argv[1], int(sys.argv[2])
{before}
attempt = compile({attempt!r}, "attempt", "exec")
missing = lock_in({which!r})
if missing:
    os.write(1, b"MISSING " + " ".join(missing).encode())
    os._exit(0)
try:
    exec(attempt)
    told = "done"
except OSError as error:
    told = errno.errorcode[error.errno]
except BaseException as error:
    told = type(error).__name__
os.write(1, told.encode())
os._exit(0)
"""


def tried(
    attempt: str,
    *,
    before: str = "",
    which: str = "all",
    seconds: int = 5,
    memory_bytes: int = MEMORY_BYTES,
    path: Path | str = "",
    port: int = 0,
    may_die: bool = False,
) -> str:
    """What comes of it in a process locked in: ``done``, the error, or the signal it died of.

    Coverage stays out of it: it looks for the files of what runs, which nobody in there may.
    """
    program = PROGRAM.format(
        attempt=attempt, before=before, which=which, seconds=seconds, memory_bytes=memory_bytes
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), str(port)],
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    if done.stdout.startswith("MISSING"):
        cannot_test(f"this kernel has not all that locks a process in: {done.stdout}")
    if may_die and done.returncode < 0:
        return signal.Signals(-done.returncode).name
    assert done.returncode == 0, done.stderr
    return done.stdout


# What is taken away

REFUSED: Final = {
    "open a file": "open('/etc/passwd')",
    "open its own environment": "open('/proc/self/environ')",
    "open a device": "open('/dev/zero')",
    "write a file": "open(path, 'w')",
    "make a folder": "os.mkdir(path)",
    "list a folder": "os.listdir('/')",
    "look at a file": "os.stat('/etc/passwd')",
    "remove a file": "os.unlink('/etc/no-such-file')",
    "follow a link": "os.readlink('/proc/self/exe')",
    "make an anonymous file": "os.memfd_create('x')",
    "socket of IPv4": "socket.socket(socket.AF_INET)",
    "socket of IPv6": "socket.socket(socket.AF_INET6)",
    "socket of this machine": "socket.socket(socket.AF_UNIX)",
    "socket of the kernel": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "pair of sockets": "socket.socketpair()",
    "pipe": "os.pipe()",
    "fork": "os.fork()",
    "execute": "os.execv('/bin/true', ['true'])",
    "trace its parent": "call('ptrace', 16, os.getppid(), 0, 0)",
    "read its parent's memory": "call('process_vm_readv', os.getppid(), 0, 0, 0, 0, 0)",
    "end its parent": "os.kill(os.getppid(), 9)",
    "end everybody": "os.kill(-1, 9)",
    "end itself by another signal": "os.kill(os.getpid(), 15)",
    "raise its limits": "call('setrlimit', resource.RLIMIT_NOFILE, bytes(16))",
    "change what the kernel knows of it": "call('prctl', 4, 1, 0, 0, 0)",
    "become another user": "os.setuid(os.getuid())",
    "leave its namespaces": "call('unshare', 0x10000000)",
    "mount": "call('mount', b'/', b'/', b'', 0, 0)",
    "control a terminal": "os.ttyname(0)",
    "duplicate a descriptor": "os.dup(1)",
    "wait for long": "time.sleep(60)",
    "signal by a descriptor": "call('syscall', 424, 0, 9, 0, 0)",
    "io_uring": "call('syscall', 425, 1, 0)",
    "open a process": "call('syscall', 434, 1, 0)",
    "clone3": "call('syscall', 435, 0, 0)",
    "openat2": "call('syscall', 437, -100, b'/', 0, 0)",
    "take a descriptor of another": "call('syscall', 438, 0, 0, 0)",
}


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED)
def test_whatever_is_not_computing_is_refused(attempt: str, tmp_path: Path) -> None:
    """DOC-9: a hostile file that takes the parser over finds nothing to do with it."""
    path = tmp_path / "written"

    told = tried(attempt, path=path)

    assert told == "EPERM"
    assert not path.exists()


def test_a_thread_is_refused() -> None:
    """DOC-9: as a process is."""
    assert tried("threading.Thread(target=print).start()") == "RuntimeError"


@pytest.mark.parametrize(
    "attempt",
    [
        "connection.connect(('127.0.0.1', port))",
        "connection.sendto(b'x', ('127.0.0.1', port))",
        "connection.bind(('127.0.0.1', 0))",
        "connection.listen()",
    ],
    ids=["connect", "send", "bind", "listen"],
)
def test_a_socket_that_was_open_reaches_nobody(attempt: str) -> None:
    """DOC-9: even if one had been forgotten."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        told = tried(attempt, before="connection = socket.socket()", port=port)

    assert told == "EPERM"


def test_a_file_that_was_open_can_be_read_and_not_written(tmp_path: Path) -> None:
    """DOC-9: this is how a document comes in; nothing goes out that way."""
    path = tmp_path / "paper"
    path.write_bytes(b"Quarterly report")

    read = tried(
        "os.lseek(file, 10, 0); assert os.read(file, 99) == b'report';"
        "assert os.pread(file, 9, 0) == b'Quarterly'",
        before="file = os.open(path, os.O_RDONLY)",
        path=path,
    )
    written = tried("os.write(file, b'x')", before="file = os.open(path, os.O_RDWR)", path=path)

    assert (read, written) == ("done", "EFBIG")
    assert path.read_bytes() == b"Quarterly report"


def test_a_pipe_that_was_open_can_be_written_and_read() -> None:
    """DOC-9: this is how what was found goes out."""
    told = tried(
        "os.write(sink, b'found'); assert os.read(source, 99) == b'found'",
        before="source, sink = os.pipe()",
    )

    assert told == "done"


def test_computing_is_allowed() -> None:
    """DOC-9: memory, time and chance, which every parser takes for granted."""
    told = tried(
        "data = bytearray(64 * 1024 * 1024); del data; time.time(); time.monotonic();"
        "os.urandom(8); mmap.mmap(-1, 4096).close(); os.getpid(); sorted(range(100_000))"
    )

    assert told == "done"


def test_memory_has_its_limit() -> None:
    """DOC-9: beyond it a parser gets ``MemoryError``, and the machine keeps its own."""
    within = tried("data = bytearray(100 * 1024 * 1024)", memory_bytes=256 * MIB)
    beyond = tried("data = bytearray(300 * 1024 * 1024)", memory_bytes=256 * MIB)
    mapped = tried("mmap.mmap(-1, 300 * 1024 * 1024)", memory_bytes=256 * MIB)

    assert (within, beyond, mapped) == ("done", "MemoryError", "ENOMEM")


def test_time_has_its_limit() -> None:
    """DOC-9: of the processor; then the kernel ends the process, whatever it does."""
    started = time.monotonic()

    told = tried("while True: pass", seconds=1, may_die=True)

    assert told == "SIGXCPU"
    assert time.monotonic() - started < DEADLINE_SECONDS / 2


def test_a_process_that_ignores_that_signal_is_killed() -> None:
    """DOC-9: a second later."""
    ignore = "signal.signal(signal.SIGXCPU, signal.SIG_IGN)"

    told = tried("while True: pass", before=ignore, seconds=1, may_die=True)

    assert told == "SIGKILL"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="no other has a second kind of calls")
def test_system_calls_of_another_architecture_end_the_process() -> None:
    """DOC-9: their numbers mean other things, so that no list of ours would fit them."""
    told = tried(
        "entry()",
        before="""
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("53b80500000031db31c931d2cd805bc3"))  # open(0, 0, 0) by int 0x80
entry = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
""",
        may_die=True,
    )

    assert told in {"SIGSYS", "SIGSEGV"}  # the second where the kernel has no such calls at all


# Each of the two walls alone


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        ("open('/etc/passwd')", "EACCES"),
        ("open(path, 'w')", "EACCES"),
        ("os.listdir('/')", "EACCES"),
        ("os.mkdir(path)", "EACCES"),
        ("os.execv('/bin/true', ['true'])", "EACCES"),
        ("socket.socket().connect(('127.0.0.1', port))", "EACCES"),
        ("socket.socket().bind(('127.0.0.1', 0))", "EACCES"),
        ("os.kill(os.getppid(), 0)", "EPERM"),
    ],
    ids=["read", "write", "list", "make", "execute", "connect", "bind", "signal"],
)
def test_landlock_alone_refuses_too(attempt: str, told: str, tmp_path: Path) -> None:
    """DOC-9: were a system call forgotten in the one list, the other wall stands."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        found = tried(attempt, which="landlock", path=tmp_path / "written", port=port)

    if found == "done" and ("socket" in attempt or "kill" in attempt):
        cannot_test(f"this kernel's Landlock knows no such right: {attempt}")
    assert found == told


@pytest.mark.parametrize("attempt", ["open('/etc/passwd')", "socket.socket()", "os.fork()"])
def test_seccomp_alone_refuses_too(attempt: str) -> None:
    """DOC-9: as above, the other way round."""
    assert tried(attempt, which="seccomp") == "EPERM"


# The nursery


@pytest.fixture
async def processor() -> AsyncIterator[ExtractText]:
    made = ExtractText(DocumentsSettings(processing_seconds_max=5))
    yield made
    await made.close()


@pytest.fixture
def paper(tmp_path: Path) -> Source:
    path = tmp_path / "paper"
    path.write_bytes(pdf("Quarterly report"))
    return Source(path, Kind.PDF, "report.pdf")


async def no_report(_step: str, _done: float) -> None:
    """Nobody looks."""


def pid_of_nursery(processor: ExtractText) -> int:
    nursery = processor._nursery  # noqa: SLF001  nobody else knows it
    assert nursery is not None
    return nursery._process.pid  # noqa: SLF001  the same


def is_alive(pid: int) -> bool:
    """Whether it runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2][1] != "Z"
    except FileNotFoundError:
        return False


def wait_until_dead(pid: int) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while is_alive(pid):
        assert time.monotonic() < deadline, f"{pid} still runs"
        time.sleep(LOOK_SECONDS)


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def environment_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def descriptors_of(pid: int) -> dict[int, str]:
    """What each open one stands for."""
    found = {}
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the one by which we look
            found[int(each.name)] = str(each.readlink())
    return found


def test_a_process_that_says_so_dies_with_its_parent() -> None:
    """DOC-9: nobody is left who would burn on."""
    program = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", '''
import time
from lacewing.documents.processing.sandbox import die_with_parent
die_with_parent()
print("ready", flush=True)
time.sleep(600)
'''], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        was_alive = is_alive(child)
        parent.kill()

    wait_until_dead(child)
    assert was_alive


def test_the_nursery_ends_with_its_parent() -> None:
    """DOC-9, OPS-6: a worker that is killed leaves no process behind."""
    program = """
import time
from lacewing.documents.processing.text import _Nursery
nursery = _Nursery()
print(nursery._process.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        nursery = int(parent.stdout.readline())
        was_alive = is_alive(nursery)
        parent.kill()

    wait_until_dead(nursery)
    assert was_alive


async def test_the_nursery_knows_no_secret_of_ours(
    processor: ExtractText, paper: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-9, SEC-11: neither by its environment, nor by a descriptor of ours that is open."""
    monkeypatch.setenv("LACEWING_SECRET_KEY", "not-to-be-seen-by-any-document")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "neither-this")
    secret, other = os.pipe()
    os.set_inheritable(secret, True)

    await processor.process(paper, no_report)
    nursery = pid_of_nursery(processor)
    environment = environment_of(nursery)
    descriptors = descriptors_of(nursery).values()
    ours = descriptors_of(os.getpid())[secret]
    os.close(secret)
    os.close(other)

    names = {each.partition(b"=")[0] for each in environment if each}
    assert names <= {b"PATH", b"LANG", b"LC_ALL", b"LD_LIBRARY_PATH"}
    assert b"not-to-be-seen" not in b"".join(environment)
    assert ours not in descriptors
    assert sum(each.startswith("socket:") for each in descriptors) == 1


async def test_the_nursery_ends_when_it_is_closed(processor: ExtractText, paper: Source) -> None:
    """OPS-6: and is there again when it is needed again."""
    await processor.process(paper, no_report)
    nursery = pid_of_nursery(processor)

    await processor.close()
    is_left = is_alive(nursery)
    found = await processor.process(paper, no_report)

    assert not is_left
    assert found.pages == ["Quarterly report"]


async def test_a_nursery_that_was_killed_is_replaced(processor: ExtractText, paper: Source) -> None:
    """DOC-10: no document is to blame for it: the one at hand is tried again, and goes well."""
    await processor.process(paper, no_report)
    nursery = pid_of_nursery(processor)
    os.kill(nursery, signal.SIGKILL)
    wait_until_dead(nursery)

    with pytest.raises(ChildLost):
        await processor.process(paper, no_report)
    found = await processor.process(paper, no_report)

    assert found.pages == ["Quarterly report"]
    assert pid_of_nursery(processor) != nursery


@pytest.fixture
def long_paper(tmp_path: Path) -> Source:
    path = tmp_path / "long"
    path.write_bytes(pdf(*[f"Page {number} of the report " * 20 for number in range(4_000)]))
    return Source(path, Kind.PDF, "long.pdf")


async def _begun(
    processor: ExtractText, source: Source
) -> tuple["asyncio.Task[object]", list[int]]:
    """The task, and the processes that are at it."""
    begun = asyncio.Event()

    async def report(_step: str, _done: float) -> None:
        begun.set()

    task: asyncio.Task[object] = asyncio.create_task(processor.process(source, report))
    await asyncio.wait_for(begun.wait(), DEADLINE_SECONDS)
    return task, children_of(pid_of_nursery(processor))


async def test_a_task_that_is_cancelled_leaves_nothing_running(
    processor: ExtractText, long_paper: Source
) -> None:
    """OPS-6: a worker that stops need not wait for the document."""
    task, children = await _begun(processor, long_paper)

    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()
    assert len(children) == 1
    wait_until_dead(children[0])


async def test_a_child_that_is_killed_from_outside_is_no_fault_of_the_document(
    processor: ExtractText, long_paper: Source
) -> None:
    """DOC-9: when the machine's memory ran out, say; it is tried again, not FAILED."""
    task, children = await _begun(processor, long_paper)

    os.kill(children[0], signal.SIGKILL)

    with pytest.raises(ChildLost):
        await task


async def test_children_end_with_the_nursery(processor: ExtractText, long_paper: Source) -> None:
    """DOC-9: whoever kills it has killed them all."""
    task, children = await _begun(processor, long_paper)

    os.kill(pid_of_nursery(processor), signal.SIGKILL)

    with pytest.raises(ChildLost):
        await task
    wait_until_dead(children[0])


async def test_a_child_that_takes_too_long_is_ended(long_paper: Source) -> None:
    """DOC-9: FAILED as ``timed_out``, with the step; nobody burns on."""
    processor = ExtractText(DocumentsSettings(processing_seconds_max=1))
    try:
        task, children = await _begun(processor, long_paper)
        with pytest.raises(ProcessingFailed) as raised:
            await task
        wait_until_dead(children[0])
    finally:
        await processor.close()

    assert raised.value.failure is Failure.TIMED_OUT
    assert raised.value.step


# What a child tells


class Teller:
    """A child's two pipes, in the hands of the test."""

    def __init__(self, output: int, end: int) -> None:
        self._output = os.fdopen(output, "wb", buffering=0)
        self._end = os.fdopen(end, "wb", buffering=0)

    def frame(self, content: bytes, length: int | None = None) -> None:
        told = len(content) if length is None else length
        self._output.write(told.to_bytes(LENGTH_BYTES, "little") + content)

    def raw(self, content: bytes) -> None:
        self._output.write(content)

    def end(self, code: int | None) -> None:
        self._output.close()
        if code is not None:
            self._end.write(code.to_bytes(4, "little", signed=True))
        self._end.close()


@pytest.fixture
async def told() -> AsyncIterator[tuple[_Child, Teller]]:
    output, their_output = os.pipe()
    end, their_end = os.pipe()
    child = await _Child.of(output, end)
    teller = Teller(their_output, their_end)
    yield child, teller
    teller.end(None)
    child.close()


async def _heard(child: _Child, seconds: int = 5) -> BaseException | None:
    """What is made of what the child tells."""
    processor = ExtractText(DocumentsSettings(processing_seconds_max=seconds))
    try:
        await processor._listen(child, no_report)  # noqa: SLF001  no real child would tell this
    except (ProcessingFailed, ChildLost) as error:
        return error
    return None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not JSON",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b'{"progress": 5}',
        b'{"extraction": {"pages": "no list"}}',
        b'{"failure": ["no such failure", "", ""]}',
        b'{"pid": "1"}',
        b"[" * 100_000,
    ],
)
async def test_a_child_that_tells_nonsense_has_failed(
    told: tuple[_Child, Teller], content: bytes
) -> None:
    """DOC-9: what is said is believed to be nothing but JSON of the known shape."""
    child, teller = told
    if len(content) < 65_000:
        teller.frame(content)
    else:
        writing = asyncio.to_thread(teller.frame, content)
        asyncio.ensure_future(writing).add_done_callback(lambda _: None)

    failed = await _heard(child)

    assert isinstance(failed, ProcessingFailed)
    assert failed.failure is Failure.CRASHED
    assert "nonsense" in failed.message


@pytest.mark.parametrize("length", [FRAME_BYTES_MAX + 1, 2**32 - 1])
async def test_a_child_that_tells_too_much_has_failed(
    told: tuple[_Child, Teller], length: int
) -> None:
    """DOC-9: at once, before anything of it is in our memory."""
    child, teller = told
    teller.frame(b"", length)

    failed = await _heard(child)

    assert isinstance(failed, ProcessingFailed)
    assert failed.failure is Failure.TOO_LARGE


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (-signal.SIGSEGV, Failure.CRASHED),
        (-signal.SIGABRT, Failure.CRASHED),
        (-signal.SIGSYS, Failure.CRASHED),
        (-signal.SIGXCPU, Failure.TIMED_OUT),
        (1, Failure.CRASHED),
        (0, Failure.CRASHED),
    ],
)
async def test_a_child_that_ends_too_early_has_failed(
    told: tuple[_Child, Teller], code: int, failure: Failure
) -> None:
    """DOC-9: with the step at which it was; the same file would do it again."""
    child, teller = told
    teller.frame(msgspec.json.encode(Frame(progress=("pages", 0.5))))
    teller.end(code)

    failed = await _heard(child)

    assert isinstance(failed, ProcessingFailed)
    assert (failed.failure, failed.step) == (failure, "pages")
    assert failed.message


@pytest.mark.parametrize("code", [-signal.SIGKILL, None])
async def test_a_child_that_was_ended_from_outside_is_tried_again(
    told: tuple[_Child, Teller], code: int | None
) -> None:
    """DOC-9, DOC-10: nobody knows whether the document is to blame."""
    child, teller = told
    teller.end(code)

    assert isinstance(await _heard(child), ChildLost)


async def test_a_child_that_ends_in_the_middle_of_a_frame_has_failed(
    told: tuple[_Child, Teller],
) -> None:
    """DOC-9: half a result is none."""
    child, teller = told
    teller.frame(b'{"extraction": {"pages": [', 1_000)
    teller.end(-signal.SIGSEGV)

    failed = await _heard(child)

    assert isinstance(failed, ProcessingFailed)
    assert failed.failure is Failure.CRASHED


async def test_a_child_that_tells_nothing_is_not_waited_for_for_ever(
    told: tuple[_Child, Teller],
) -> None:
    """DOC-9: it sleeps, and uses no time of the processor."""
    child, teller = told
    teller.raw(b"\0")

    failed = await _heard(child, seconds=1)

    assert isinstance(failed, ProcessingFailed)
    assert failed.failure is Failure.TIMED_OUT
