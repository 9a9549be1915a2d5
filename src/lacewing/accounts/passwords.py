"""Passwords: Argon2id (RFC 9106), hashed in few threads so that the event loop stays free."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lacewing.kernel.errors import Unavailable

MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1
"""OWASP's second choice for Argon2id: about 20 ms here."""
THREADS: Final = 2
WAITING_MAX: Final = 100
"""Hashes that may wait their turn (two seconds' worth); more are asked to come again."""

Result = TypeVar("Result")


class TooManyLogins(Unavailable):
    code = "too-many-logins"
    title = "Too many logins are under way. Try again in a few seconds."


@cache
def _hash_of_nobody() -> str:
    return PasswordHasher(PASSES, MEMORY_KIB, LANES).hash("a password that nobody has")


class Passwords:
    """Hashes and verifies. An unknown user costs the same time as a known one."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobodys_hash = _hash_of_nobody()

    async def hash(self, password: str) -> str:
        return await self._in_thread(self._hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether ``password`` belongs to ``password_hash``; never, but as slowly, for ``None``."""
        is_right = await self._in_thread(
            self._verify, password, password_hash or self._nobodys_hash
        )
        return is_right and password_hash is not None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, call: Callable[..., Result], *arguments: str) -> Result:
        if self._waiting >= WAITING_MAX:
            raise TooManyLogins
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)
        finally:
            self._waiting -= 1
