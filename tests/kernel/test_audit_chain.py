"""The chain of the audit log: what was done to it behind Lacewing's back is found and named."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ColumnElement, Connection, Executable, delete, insert, select, text, update
from structlog.testing import capture_logs

from lacewing.kernel import audit
from lacewing.kernel.audit.chain import (
    CHAINED_AT_ONCE,
    Chain,
    ChainCut,
    Fault,
    Finding,
    Witness,
)
from lacewing.kernel.audit.tables import audit_chain, audit_log, audit_pending
from lacewing.kernel.db import Database, open_database, transaction
from lacewing.kernel.db.database import DatabaseSettings
from lacewing.kernel.db.offline import use_connection
from lacewing.kernel.ids import new_id
from lacewing.kernel.work import Origin, Work
from tests.accounts.acts import audited
from tests.support.house import House, Member

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ENTRIES = 5
CHANGES: dict[str, dict[str, Any]] = {
    "user_id": {"user_id": new_id()},
    "ip": {"ip": "192.0.2.9"},
    "action": {"action": "auth.logout"},
    "outcome": {"outcome": "denied"},
    "resource": {"resource": None},
    "details": {"details": {"b": 2, "a": "e"}},
}


@dataclass
class Log:
    """A database that no worker looks after, so that the test alone extends the chain."""

    settings: DatabaseSettings
    database: Database

    async def rows(self, statement: Executable) -> list[Any]:
        return await self.database.session().all(lambda *row: row, statement)


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[Log]:
    settings = DatabaseSettings(database_url=database_url, database_pool_size=12)
    database = await open_database(settings, Path("unused"))
    yield Log(settings, database)
    await database.close()


@pytest.fixture
def chain() -> Chain:
    return Chain(b"a secret of this installation")


@pytest.fixture
async def entries(log: Log, chain: Chain) -> list[UUID]:
    """Some entries that stand in the chain, oldest first."""
    await write_entries(log, ENTRIES)
    await extend(log, chain)
    return [row[0] for row in await log.rows(select(audit_log.c.id).order_by(audit_log.c.id))]


async def write_entries(log: Log, count: int) -> None:
    async with transaction(log.database) as session:
        for at in range(count):
            now = NOW + timedelta(seconds=at)
            work = Work(session, now, Origin(ip="192.0.2.1", request_id=f"request-{at}"))
            await audit.record(work, "auth.login", f"user:{at}", details={"b": at, "a": "é"})


async def extend(log: Log, chain: Chain) -> int:
    async with transaction(log.database) as session:
        return await chain.extend(session, NOW)


async def verify(log: Log, chain: Chain) -> list[Finding]:
    async with transaction(log.database) as session:
        return [finding async for _, findings in chain.verify(session) for finding in findings]


async def tamper(log: Log, *statements: Executable) -> None:
    """Do so straight in the database, as an intruder would who owns it."""

    def do(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER ALL"))
        else:
            for verb in ("update", "delete", "replace"):
                connection.execute(text(f"DROP TRIGGER audit_log_no_{verb}"))
            connection.execute(text("DROP TRIGGER audit_log_noted"))
        for statement in statements:
            connection.execute(statement)

    await use_connection(log.settings, Path("unused"), do)


def the(entry_id: UUID) -> ColumnElement[bool]:
    return audit_log.c.id == entry_id


async def test_an_untouched_log_verifies(log: Log, chain: Chain, entries: list[UUID]) -> None:
    """SEC-9: entries that came meanwhile and wait for the chain are nothing wrong."""
    await write_entries(log, 2)

    waiting = await verify(log, chain)
    taken_in = await extend(log, chain)

    assert (waiting, taken_in) == ([], 2)
    assert await verify(log, chain) == []
    assert len(entries) == ENTRIES


@pytest.mark.parametrize("column", CHANGES)
async def test_a_changed_entry_is_named(
    log: Log, chain: Chain, entries: list[UUID], column: str
) -> None:
    """SEC-9: whatever was changed in it."""
    await tamper(log, update(audit_log).where(the(entries[2])).values(**CHANGES[column]))

    assert await verify(log, chain) == [Finding(Fault.CHANGED, 3, entries[2])]


async def test_a_moved_moment_is_named(log: Log, chain: Chain, entries: list[UUID]) -> None:
    """SEC-9: by a microsecond."""
    later = NOW + timedelta(seconds=2, microseconds=1)
    await tamper(log, update(audit_log).where(the(entries[2])).values(at=later))

    assert await verify(log, chain) == [Finding(Fault.CHANGED, 3, entries[2])]


async def test_a_missing_entry_is_named(log: Log, chain: Chain, entries: list[UUID]) -> None:
    """SEC-9: and those after it still verify."""
    await tamper(log, delete(audit_log).where(the(entries[1])))

    assert await verify(log, chain) == [Finding(Fault.MISSING, 2, entries[1])]


async def test_an_entry_that_is_missing_with_its_link_is_noticed(
    log: Log, chain: Chain, entries: list[UUID]
) -> None:
    """SEC-9: the number that lacks is told, and the next link does not fit."""
    await tamper(
        log,
        delete(audit_log).where(the(entries[1])),
        delete(audit_chain).where(audit_chain.c.entry_id == entries[1]),
    )

    assert await verify(log, chain) == [
        Finding(Fault.GAP, 2, None),
        Finding(Fault.CHANGED, 3, entries[2]),
    ]


async def test_two_entries_that_changed_places_are_named(
    log: Log, chain: Chain, entries: list[UUID]
) -> None:
    """SEC-9: the order is bound too."""
    at = audit_chain.c.sequence
    await tamper(
        log,
        update(audit_chain).where(at == 2).values(sequence=99),
        update(audit_chain).where(at == 3).values(sequence=2),
        update(audit_chain).where(at == 99).values(sequence=3),
    )

    found = {finding.entry_id for finding in await verify(log, chain)}

    assert found >= {entries[1], entries[2]}


async def test_a_smuggled_entry_is_named(log: Log, chain: Chain, entries: list[UUID]) -> None:
    """SEC-9: one that was put in past the trigger that notes new ones."""
    smuggled = new_id()
    row = {"id": smuggled, "at": NOW, "action": "x", "outcome": "success", "details": {}}
    await tamper(log, insert(audit_log).values(**row))

    assert await verify(log, chain) == [Finding(Fault.UNCHAINED, None, smuggled)]
    assert smuggled not in entries


async def test_who_lacks_the_secret_can_not_mend_the_chain(
    log: Log, chain: Chain, entries: list[UUID]
) -> None:
    """SEC-9: links made by another secret do not fit, so that owning the database is not enough."""
    forger = Chain(bytes(32))
    await tamper(log, delete(audit_chain), insert(audit_pending).from_select(
        ["entry_id"], select(audit_log.c.id)
    ))  # fmt: skip
    await extend(log, forger)

    found = await verify(log, chain)

    assert [finding.entry_id for finding in found] == entries
    assert await verify(log, forger) == []


async def test_the_chain_is_not_signed_anew_where_it_was_cut(log: Log, tmp_path: Path) -> None:
    """SEC-9: an intruder can't have a changed history chained; the witness is no table."""
    chain = Chain(b"a secret", tmp_path / "witness")
    await write_entries(log, ENTRIES)
    await extend(log, chain)
    await extend(log, chain)  # sees the head that is committed by now
    rows = await log.rows(select(audit_log.c.id).order_by(audit_log.c.id))
    await tamper(
        log,
        delete(audit_chain).where(audit_chain.c.sequence > 2),
        update(audit_log).where(the(rows[3][0])).values(ip="192.0.2.9"),
        insert(audit_pending).from_select(
            ["entry_id"], select(audit_log.c.id).where(audit_log.c.id >= rows[2][0])
        ),
    )

    with pytest.raises(ChainCut):
        await extend(log, Chain(b"a secret", tmp_path / "witness"))
    found = await verify(log, Chain(b"a secret", tmp_path / "witness"))

    assert found == [Finding(Fault.CUT, ENTRIES, rows[-1][0])]


async def test_where_the_head_can_not_be_written_it_is_said_once_and_remembered(
    log: Log, tmp_path: Path
) -> None:
    """SEC-9: keys of a mounted secret, say; a cut is found while the process lives."""
    chain = Chain(b"a secret", tmp_path / "absent" / "witness")

    with capture_logs() as lines:
        for _ in range(3):
            await write_entries(log, 1)
            await extend(log, chain)
        await extend(log, chain)

    assert [line["event"] for line in lines] == ["audit_witness_unwritten"]
    await tamper(log, delete(audit_chain).where(audit_chain.c.sequence == 3))
    with pytest.raises(ChainCut):
        await extend(log, chain)


async def test_a_restored_backup_is_accepted_by_who_owns_the_machine(
    log: Log, tmp_path: Path
) -> None:
    """SEC-9: then the chain goes on from where it stands."""
    chain = Chain(b"a secret", tmp_path / "witness")
    await write_entries(log, ENTRIES)
    await extend(log, chain)
    await extend(log, chain)
    await tamper(log, delete(audit_chain).where(audit_chain.c.sequence > 2))

    Witness(tmp_path / "witness").forget()

    assert await extend(log, chain) == 0
    assert (await verify(log, chain))[0].fault is Fault.UNCHAINED


async def test_many_entries_at_once_stand_once_in_one_chain(log: Log, chain: Chain) -> None:
    """SEC-9: written and chained by many at a time, more than one batch takes."""
    await asyncio.gather(*(write_entries(log, CHAINED_AT_ONCE // 8) for _ in range(10)))

    counts = await asyncio.gather(*(extend(log, chain) for _ in range(4)))

    assert sum(counts) == 10 * (CHAINED_AT_ONCE // 8)
    assert max(counts) == CHAINED_AT_ONCE
    assert await verify(log, chain) == []
    assert await log.rows(select(audit_pending)) == []


async def test_a_refusal_for_lacking_rights_is_audited(
    house: House, maria: Member, mona: Member
) -> None:
    """SEC-9: by role, and by whose the thing is; and nothing else was changed by it."""
    project = (await mona.api.post("/api/projects", json={"name": "Web"})).json()
    path = f"/api/projects/{project['id']}"

    await maria.api.post("/api/projects", json={"name": "Mine"})
    await maria.api.patch(path, json={"name": "Mine"})

    assert await audited(house, "access.denied") == [
        ("access.denied", "denied", maria.id, "POST /api/projects"),
        ("access.denied", "denied", maria.id, f"PATCH {path}"),
    ]
    assert (await maria.api.get(path)).json()["name"] == "Web"
