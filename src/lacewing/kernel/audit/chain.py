"""The chain of the audit log: a changed, missing or smuggled entry is found and named (SEC-9).

Each link is an HMAC (RFC 2104) over the link before and the whole entry, keyed by a secret that is
not in the database. Entries are chained within a second of their commit, in one order for all: were
they chained as they are written, every login would wait for every other. What is cut off at the
very end together with its links can only be told by somebody who kept the last link elsewhere.
"""

import hashlib
import hmac
from collections.abc import AsyncGenerator
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from lacewing.kernel.audit import store
from lacewing.kernel.audit.store import Chained, Link
from lacewing.kernel.db import Session

CHAINED_AT_ONCE: Final = 500
VERIFIED_AT_ONCE: Final = 1_000
_CONTEXT: Final = b"lacewing audit chain"

_encode = msgspec.json.Encoder(order="sorted").encode


class Fault(StrEnum):
    CHANGED = "changed"
    MISSING = "missing"
    GAP = "gap in the chain"
    UNCHAINED = "not in the chain"


class Finding(msgspec.Struct, frozen=True):
    """Something that is wrong, and with which entry."""

    fault: Fault
    sequence: int | None
    entry_id: UUID | None


class Chain:
    """Binds entries to each other, and looks whether they still are."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.new(secret, _CONTEXT, hashlib.sha256).digest()

    async def extend(self, session: Session, _now: datetime) -> int:
        """Take in the entries that wait; how many those were, at most ``CHAINED_AT_ONCE``."""
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
        stray = await store.find_unchained(session, VERIFIED_AT_ONCE)
        yield 0, [Finding(Fault.UNCHAINED, None, entry_id) for entry_id in stray]

    def _fits(self, link_before: str, chained: Chained) -> bool:
        assert chained.entry is not None
        expected = self._link(link_before, chained.sequence, chained.entry)
        return hmac.compare_digest(expected, chained.link)

    def _link(self, link_before: str, sequence: int, entry: store.Entry) -> str:
        message = _encode([link_before, sequence, entry])
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()
