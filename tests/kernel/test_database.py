"""The session's semantics, which both databases share."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Executable, bindparam, delete, insert, select, update

from lacewing.kernel.db import Database, Session, UniqueViolation, transaction
from lacewing.kernel.db.expressions import any_of, contains_text
from lacewing.kernel.events.tables import outbox
from lacewing.kernel.ids import new_id
from tests.support.house import House

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
NAMES = select(outbox.c.name).where(outbox.c.actor_id == bindparam("actor")).order_by(outbox.c.id)
INSERT = insert(outbox)
RENAME = update(outbox).where(outbox.c.id == bindparam("which"))
LOCK = select(outbox.c.name).where(outbox.c.id == bindparam("which")).with_for_update()


@pytest.fixture
def actor() -> UUID:
    """Marks the rows of one test."""
    return new_id()


@pytest.fixture
async def database(shared_house: House, actor: UUID) -> AsyncIterator[Database]:
    yield shared_house.database
    async with transaction(shared_house.database) as session:
        await session.execute(delete(outbox).where(outbox.c.actor_id == actor))


async def _insert(session: Session, actor: UUID, name: str, row_id: UUID | None = None) -> None:
    row = {
        "id": row_id or new_id(), "name": name, "at": NOW, "actor_id": actor,
        "request_id": None, "data": {"name": name, "list": [1, None, "ü"]},
    }  # fmt: skip
    await session.execute(INSERT, row)


async def _names(database: Database, actor: UUID, statement: Executable = NAMES) -> list[str]:
    return await database.session().all(str, statement, {"actor": actor})


async def test_what_is_committed_is_seen_by_others_and_not_before(
    database: Database, actor: UUID
) -> None:
    """STYLE 8: a session sees its own changes, others only what is committed."""
    session = database.session()
    await _insert(session, actor, "one")

    own = await session.all(str, NAMES, {"actor": actor})
    before = await _names(database, actor)
    await session.commit()
    after = await _names(database, actor)

    assert (own, before, after) == (["one"], [], ["one"])


async def test_what_is_rolled_back_never_was(database: Database, actor: UUID) -> None:
    """STYLE 8: and rolling back twice, or after nothing, is no error."""
    session = database.session()
    await session.rollback()
    await _insert(session, actor, "one")

    await session.rollback()
    await session.rollback()
    await session.commit()

    assert await _names(database, actor) == []


async def test_a_transaction_that_fails_is_undone_whole(database: Database, actor: UUID) -> None:
    """STYLE 8: whatever is raised inside the block."""

    async def fail() -> None:
        async with transaction(database) as session:
            await _insert(session, actor, "one")
            await _insert(session, actor, "two")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    assert await _names(database, actor) == []


async def test_a_cancelled_transaction_is_undone_and_blocks_nobody(
    database: Database, actor: UUID
) -> None:
    """OPS-6: a client that goes away leaves no lock behind."""
    has_written = asyncio.Event()

    async def write_and_wait() -> None:
        async with transaction(database) as session:
            await _insert(session, actor, "lost")
            has_written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_wait())
    await has_written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with transaction(database) as session:
        await _insert(session, actor, "kept")

    assert await _names(database, actor) == ["kept"]


async def test_a_double_row_is_told_by_the_column_that_it_is_about(
    database: Database, actor: UUID
) -> None:
    """STYLE: a violated constraint comes in words that both databases share."""
    row_id = new_id()
    async with transaction(database) as session:
        await _insert(session, actor, "one", row_id)
    session = database.session()

    with pytest.raises(UniqueViolation) as caught:
        await _insert(session, actor, "two", row_id)
    await session.rollback()

    assert caught.value.is_about("outbox")
    assert not caught.value.is_about("sequence")
    assert await _names(database, actor) == ["one"]


async def test_a_change_tells_how_many_rows_it_touched(database: Database, actor: UUID) -> None:
    """STYLE: ``execute`` answers a count."""
    row_id = new_id()
    async with transaction(database) as session:
        await _insert(session, actor, "one", row_id)
        touched = await session.execute(RENAME, {"which": row_id, "name": "two"})
        missed = await session.execute(RENAME, {"which": new_id(), "name": "two"})

    assert (touched, missed) == (1, 0)
    assert await _names(database, actor) == ["two"]


async def test_values_come_back_as_they_were_given(database: Database, actor: UUID) -> None:
    """API-2: ids, moments to the microsecond, JSON."""
    row_id = new_id()
    async with transaction(database) as session:
        await _insert(session, actor, "one", row_id)

    statement = select(outbox.c.id, outbox.c.at, outbox.c.data, outbox.c.request_id).where(
        outbox.c.actor_id == bindparam("actor")
    )
    found = await database.session().one(lambda *row: row, statement, {"actor": actor})

    assert found == (row_id, NOW, {"name": "one", "list": [1, None, "ü"]}, None)
    assert found[1].utcoffset() == timedelta(0)


async def test_nothing_found_is_none_and_an_empty_list(database: Database, actor: UUID) -> None:
    """STYLE 15: ``one`` and ``scalar`` may find nothing."""
    session = database.session()

    assert await session.one(str, NAMES, {"actor": actor}) is None
    assert await session.scalar(NAMES, {"actor": actor}) is None
    assert await session.all(str, NAMES, {"actor": actor}) == []


async def test_many_rows_go_in_at_once_or_not_at_all(database: Database, actor: UUID) -> None:
    """STYLE: none, several, and one of them twice."""
    rows = [
        {"id": new_id(), "name": f"{number:03}", "at": NOW, "actor_id": actor, "data": {}}
        for number in range(300)
    ]
    async with transaction(database) as session:
        await session.execute_many(INSERT, [])
        await session.execute_many(INSERT, rows)
    session = database.session()
    with pytest.raises(UniqueViolation):
        await session.execute_many(INSERT, [{**rows[0], "id": new_id()}, rows[0]])
    await session.rollback()

    assert await _names(database, actor) == [f"{number:03}" for number in range(300)]


async def test_a_locked_row_is_changed_by_one_after_the_other(
    database: Database, actor: UUID
) -> None:
    """STYLE 8: no update is lost between reading and writing."""
    row_id = new_id()
    async with transaction(database) as session:
        await _insert(session, actor, "0", row_id)

    async def count_up() -> None:
        async with transaction(database) as session:
            seen = await session.scalar(LOCK, {"which": row_id})
            await asyncio.sleep(0)
            await session.execute(RENAME, {"which": row_id, "name": str(int(seen) + 1)})

    await asyncio.gather(*(count_up() for _ in range(30)))

    assert await _names(database, actor) == ["30"]


async def test_any_of_takes_none_one_and_many_values(database: Database, actor: UUID) -> None:
    """STYLE: one statement for any number of values, each meaning itself."""
    async with transaction(database) as session:
        for name in ("a", "b'", "c,d", "{e}"):
            await _insert(session, actor, name)
    statement = NAMES.where(any_of(outbox.c.name, "names"))

    found = {
        names: await database.session().all(str, statement, {"actor": actor, "names": names})
        for names in ((), ("a",), ("b'", "c,d", "{e}"), ("%", "a,b"))
    }

    assert found == {
        (): [],
        ("a",): ["a"],
        ("b'", "c,d", "{e}"): ["b'", "c,d", "{e}"],
        ("%", "a,b"): [],
    }


@pytest.mark.parametrize(
    ("part", "found"),
    [("%", ["50%"]), ("_", ["a_b"]), ("0%", ["50%"]), ("A", []), ("b\\", ["b\\c"]), ("", None)],
)
async def test_contained_text_means_itself(
    database: Database, actor: UUID, part: str, found: list[str] | None
) -> None:
    """SEC-6: no character of a pattern language means anything."""
    names = ["50%", "a_b", "b\\c"]
    async with transaction(database) as session:
        for name in names:
            await _insert(session, actor, name)
    statement = NAMES.where(contains_text(outbox.c.name, "part"))

    matching = await database.session().all(str, statement, {"actor": actor, "part": part})

    assert matching == (names if found is None else found)
