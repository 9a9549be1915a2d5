"""Locks this process in: no files, no network, no other programs, bounded time and memory.

For Linux; what the kernel has of Landlock (landlock(7)) and seccomp (seccomp(2)) is used, and what
it has not is told. Everything that is needed later must be imported and open before.
"""

import ctypes
import os
import platform
import resource
import struct
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_SIGKILL: Final = 9

_LANDLOCK_CREATE_RULESET: Final = 444
_LANDLOCK_RESTRICT_SELF: Final = 446
_LANDLOCK_VERSION: Final = 1
_FS_RIGHTS_OF_ABI: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights over files each version knows; all are taken away."""
_ABI_WITH_NETWORK: Final = 4
_ABI_WITH_SCOPES: Final = 6
_NETWORK_RIGHTS: Final = 0b11
_SCOPES: Final = 0b11

_SECCOMP_SET_MODE_FILTER: Final = 1
_RETURN_ALLOW: Final = 0x7FFF0000
_RETURN_EPERM: Final = 0x00050000 | 1
_RETURN_KILL: Final = 0x80000000
_LOAD_WORD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_NUMBER_AT: Final = 0
_ARCHITECTURE_AT: Final = 4

_SYSCALLS: Final = {
    # read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask
    # rt_sigreturn pread64 sched_yield mremap madvise getpid exit gettimeofday futex
    # clock_gettime exit_group gettid sigaltstack restart_syscall getrandom
    "x86_64": (
        0xC000003E,
        317,
        (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 24, 25, 28, 39, 60, 96, 202, 228, 231,
         186, 131, 219, 318),
    ),
    "aarch64": (
        0xC00000B7,
        277,
        (63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139, 67, 124, 216, 233, 172, 93, 169,
         98, 113, 94, 178, 132, 128, 278),
    ),
}  # fmt: skip
"""By machine: its audit architecture, the number of ``seccomp`` and those that stay allowed."""

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Let the kernel end this process when the one that made it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def lock_in(seconds: int, memory_bytes: int) -> list[str]:
    """Give up all but computing and the descriptors that are open; what could not be given up.

    ``seconds`` of processor time, then the kernel ends this process; ``memory_bytes`` of address
    space, then a ``MemoryError``.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    missing = []
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        missing.append("no_new_privs")
    if not _landlock():
        missing.append("landlock")
    if not _seccomp():
        missing.append("seccomp")
    return missing


def _landlock() -> bool:
    """Take away all rights over files, TCP and processes outside."""
    version = _libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    if version < 1:
        return False
    rights = (1 << _FS_RIGHTS_OF_ABI.get(version, max(_FS_RIGHTS_OF_ABI.values()))) - 1
    network = _NETWORK_RIGHTS if version >= _ABI_WITH_NETWORK else 0
    scopes = _SCOPES if version >= _ABI_WITH_SCOPES else 0
    fields = [rights]
    if version >= _ABI_WITH_NETWORK:
        fields.append(network)
    if version >= _ABI_WITH_SCOPES:
        fields.append(scopes)
    attributes = struct.pack(f"<{len(fields)}Q", *fields)
    ruleset = _libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        return bool(_libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _seccomp() -> bool:
    """Allow the system calls of computing; any other one fails with ``EPERM``."""
    known = _SYSCALLS.get(platform.machine())
    if known is None:
        return False
    architecture, seccomp, allowed = known
    steps = [
        _step(_LOAD_WORD, _ARCHITECTURE_AT),
        _step(_JUMP_IF_EQUAL, architecture, if_true=1),
        _step(_RETURN, _RETURN_KILL),
        _step(_LOAD_WORD, _NUMBER_AT),
    ]
    for place, number in enumerate(allowed):
        steps.append(_step(_JUMP_IF_EQUAL, number, if_true=len(allowed) - place))
    steps += [_step(_RETURN, _RETURN_EPERM), _step(_RETURN, _RETURN_ALLOW)]
    program = _Program(len(steps), b"".join(steps))
    return bool(_libc.syscall(seccomp, _SECCOMP_SET_MODE_FILTER, 0, ctypes.byref(program)) == 0)


def _step(code: int, value: int, *, if_true: int = 0) -> bytes:
    """One instruction of the filter (struct sock_filter of linux/filter.h)."""
    return struct.pack("<HBBI", code, if_true, 0, value)
