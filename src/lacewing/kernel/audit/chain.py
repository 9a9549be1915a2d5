"""The chain of the audit log: a changed, missing or smuggled entry is found and named (SEC-9).

Each link is an HMAC (RFC 2104) over the link before and the whole entry, keyed by a secret that is
not in the database. Entries are chained within a second of their commit, in one order for all: were
they chained as they are written, every login would wait for every other.

How far the chain went is also kept in a file beside the keys, the witness: whoever owns the
database cannot cut links off and have the rest signed anew, since the chain is not extended past a
head that the witness does not find in it.
"""

import hashlib
import hmac
import os
from collections.abc import AsyncGenerator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
import structlog

from lacewing.kernel.audit import store
from lacewing.kernel.audit.store import Chained, Link
from lacewing.kernel.db import Session
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.metrics import TASK_FAILURES

CHAIN_TASK: Final = "audit-chain"
CHAINED_AT_ONCE: Final = 500
VERIFIED_AT_ONCE: Final = 1_000
_CONTEXT: Final = b"lacewing audit chain"

_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder(order="sorted").encode


class ChainCut(Unavailable):
    """The chain lacks the link that it ended with before: it is extended no more."""

    code = "audit-chain-cut"
    title = "The audit log's chain was cut. Run `lacewing audit verify`."


TASK_FAILURES.labels(CHAIN_TASK, ChainCut.code)  # counted from 0: an alert waits for the first one


class Fault(StrEnum):
    CHANGED = "changed"
    MISSING = "missing"
    GAP = "gap in the chain"
    UNCHAINED = "not in the chain"
    CUT = "the chain went further once"


class Finding(msgspec.Struct, frozen=True):
    """Something that is wrong, and with which entry."""

    fault: Fault
    sequence: int | None
    entry_id: UUID | None


class Witness:
    """Remembers in a file, out of the database's reach, how far the chain went."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._head: Link | None = None
        self._is_written = False
        self._has_warned = False

    @property
    def head(self) -> Link | None:
        """The last link that was seen; ``None`` before the first, and once the file was removed."""
        if self._path.exists():
            if self._head is None:
                self._head = msgspec.json.decode(self._path.read_bytes(), type=Link)
                self._is_written = True
        elif self._is_written:
            self._head, self._is_written = None, False
        return self._head

    def remember(self, head: Link) -> None:
        """Write it whole or not at all; where nothing can be written, this process remembers."""
        self._head = head
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            draft.write_bytes(msgspec.json.encode(head))
            draft.replace(self._path)
            self._is_written = True
        except OSError as error:
            # Once: it is for ever so where the keys are a mounted secret.
            if not self._has_warned:
                _log.warning("audit_witness_unwritten", path=str(self._path), error=error.strerror)
            self._has_warned = True

    def forget(self) -> None:
        """Take the chain as it stands from here on, after a backup was restored."""
        self._path.unlink(missing_ok=True)


class Chain:
    """Binds entries to each other, and looks whether they still are."""

    def __init__(self, secret: bytes, witness: Path | None = None) -> None:
        self._key = hmac.new(secret, _CONTEXT, hashlib.sha256).digest()
        self._witness = None if witness is None else Witness(witness)

    async def extend(self, session: Session, _now: datetime) -> int:
        """Take in the entries that wait; how many those were, at most ``CHAINED_AT_ONCE``.

        Raises:
            ChainCut: the chain does not hold what it ended with before.
        """
        last = await store.find_last_link(session)
        await self._ask_witness(session, last)
        if not await store.is_any_waiting(session):
            return 0
        await store.wait_to_chain(session)
        waiting = await store.find_waiting(session, CHAINED_AT_ONCE)
        last = await store.find_last_link(session)
        sequence, link = (0, "") if last is None else (last.sequence, last.link)
        links = []
        for entry in waiting:
            sequence, link = sequence + 1, self._link(link, sequence + 1, entry)
            links.append(Link(sequence, entry.id, link))
        await store.insert_links(session, links)
        return len(links)

    async def verify(self, session: Session) -> AsyncGenerator[tuple[int, list[Finding]], None]:
        """Walk the whole chain; for each stretch how many links it has and what is wrong there."""
        sequence, link = 0, ""
        while stretch := await store.find_chained(session, sequence, VERIFIED_AT_ONCE):
            findings = []
            for each in stretch:
                if each.sequence != sequence + 1:
                    findings.append(Finding(Fault.GAP, sequence + 1, None))
                if each.entry is None:
                    findings.append(Finding(Fault.MISSING, each.sequence, each.entry_id))
                elif not self._fits(link, each):
                    findings.append(Finding(Fault.CHANGED, each.sequence, each.entry_id))
                sequence, link = each.sequence, each.link
            yield len(stretch), findings
        head = None if self._witness is None else self._witness.head
        if head is not None and await self._is_cut(session, head):
            yield 0, [Finding(Fault.CUT, head.sequence, head.entry_id)]
        async for stray in store.find_unchained(session, VERIFIED_AT_ONCE):
            yield 0, [Finding(Fault.UNCHAINED, None, entry_id) for entry_id in stray]

    async def _ask_witness(self, session: Session, last: Link | None) -> None:
        """Let the witness know a new head that is committed, if the one before is still there."""
        if self._witness is None or last == self._witness.head:
            return
        if await self._is_cut(session, self._witness.head):
            raise ChainCut
        if last is not None:
            self._witness.remember(last)

    async def _is_cut(self, session: Session, head: Link | None) -> bool:
        return head is not None and await store.find_link(session, head.sequence) != head

    def _fits(self, link_before: str, chained: Chained) -> bool:
        assert chained.entry is not None
        expected = self._link(link_before, chained.sequence, chained.entry)
        return hmac.compare_digest(expected, chained.link)

    def _link(self, link_before: str, sequence: int, entry: store.Entry) -> str:
        message = _encode([link_before, sequence, entry])
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()
