"""The process that every document's own process is forked from: it has imported all they need.

Run as ``python -I -m lacewing.documents.processing.nursery FD``, where ``FD`` is its end of a pair
of sockets. Each message asks for one child and brings three descriptors: the file, where the child
writes, and where the nursery tells how the child ended. It ends when the other end does.
"""

import codecs
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final

import msgspec

from lacewing.documents.processing import child
from lacewing.documents.processing.frames import Order

DESCRIPTORS: Final = 3
MESSAGE_BYTES_MAX: Final = 4_096
_CODECS: Final = (
    "ascii", "latin-1", "utf-8", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "cp1252", "cp1251",
    "cp437", "mac-roman", "unicode_escape", "raw_unicode_escape", "charmap", "gbk", "big5",
    "shift_jis", "euc_kr", "idna", "hex",
)  # fmt: skip
"""What documents are written in; a child could not open the modules any more."""


def main() -> None:
    """Serve until the socket ends."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        # Meant for the worker, which lets its documents be finished and then closes the socket.
        signal.signal(stop, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        for name in _CODECS:
            codecs.lookup(name)
        child.warm_up()
        gc.freeze()  # the children share these pages
        _serve(orders)


def _serve(orders: socket.socket) -> None:
    ends: dict[int, int] = {}
    with _told_of_ends() as woken:
        while True:
            ready, _, _ = select.select([orders.fileno(), woken], [], [])
            if woken in ready:
                os.read(woken, 4_096)
                _tell_ends(ends)
            if orders.fileno() in ready and not _take(orders, ends, woken):
                return


@contextmanager
def _told_of_ends() -> Generator[int, None, None]:
    """A descriptor that can be read when a child has ended."""
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    yield woken


def _take(orders: socket.socket, ends: dict[int, int], woken: int) -> bool:
    message, descriptors, _, _ = socket.recv_fds(orders, MESSAGE_BYTES_MAX, DESCRIPTORS)
    if not message or len(descriptors) != DESCRIPTORS:
        return False
    file, output, end = descriptors
    pid = os.fork()
    if pid == 0:
        orders.close()
        os.close(woken)
        for other in (*ends.values(), end):
            os.close(other)
        child.run(msgspec.json.decode(message, type=Order), file, output)
    os.close(file)
    os.close(output)
    ends[pid] = end
    return True


def _tell_ends(ends: dict[int, int]) -> None:
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            end = ends.pop(pid)
            with suppress(BrokenPipeError):
                os.write(end, os.waitstatus_to_exitcode(status).to_bytes(4, "little", signed=True))
            os.close(end)


if __name__ == "__main__":
    main()
