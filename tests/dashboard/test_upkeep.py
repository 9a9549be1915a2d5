"""The tallies are right in every state: noted, folded, wrong by hand, and mended."""

import asyncio

from sqlalchemy import delete, select, update

from lacewing.accounts.tables import users
from lacewing.kernel.db import open_database, transaction
from lacewing.kernel.db.migrations import Migrations
from lacewing.tracker.jobs import examine_tallies, mend_tallies
from lacewing.tracker.tables import issue_tallies, issue_tally_journal, issues
from tests.dashboard.still import Still

MARKS = select(issues.c.id, issues.c.closed_at, issues.c.resolve_seconds).order_by(issues.c.id)


async def examined(still: Still) -> tuple[int, int]:
    health = await examine_tallies(still.database.session())
    return health.wrong, health.waiting


async def mended(still: Still) -> int:
    return await mend_tallies(lambda: transaction(still.database))


async def test_what_is_noted_counts_as_what_is_folded(still: Still) -> None:
    """DASH-2: the numbers follow at once; folding changes none of them, and empties the journal."""
    life = await still.begin()
    await life.go_on(120)
    noted = await still.told()
    tallied_before = await still.rows(select(issue_tallies.c.count))

    folded_first = await still.fold()
    await life.go_on(40)
    mixed = await still.told()
    expected = await still.recounted()
    while await still.fold():
        pass

    assert tallied_before == []
    assert noted["total"] > 15
    assert folded_first > 100
    assert mixed == await still.told() == expected
    assert await still.rows(select(issue_tally_journal.c.id)) == []
    assert await examined(still) == (0, 0)


async def test_what_comes_past_all_layers_is_counted_too(still: Still) -> None:
    """DASH-2: a deleted user, whose issues are then nobody's; issues that are deleted by hand."""
    life = await still.begin()
    await life.go_on(150)
    await still.fold()
    before = await still.told()

    await still.execute(
        delete(issues).where(issues.c.id == life.issues[0].id),
        delete(users).where(users.c.username == "maria"),
    )

    after = await still.told()
    assert after == await still.recounted()
    assert after["total"] == before["total"] - 1
    assert len(after["by_assignee"]) < len(before["by_assignee"])
    assert (await examined(still))[0] == 0


async def test_wrong_tallies_are_found_and_mended(still: Still) -> None:
    """DASH-2: what the journal holds stays there; mending again adds nothing."""
    life = await still.begin()
    await life.go_on(80)
    await still.fold()
    await life.go_on(10)
    right = await still.told()
    of = issue_tallies.c
    await still.execute(
        update(issue_tallies).where(of.dimension == "status").values(count=of.count + 5),
        delete(issue_tallies).where(of.dimension == "resolved"),
    )
    wrong, waiting = await examined(still)

    assert wrong > 10
    assert await mended(still) > 10

    assert await examined(still) == (0, waiting)
    assert await still.told() == right == await still.recounted()
    await still.fold()
    assert await still.told() == right
    assert await mended(still) == 0


async def test_many_may_fold_and_mend_at_once(still: Still) -> None:
    """DASH-2: each note is folded once, each difference added once, whatever else goes on."""
    life = await still.begin()
    await life.go_on(60)
    await still.execute(delete(issue_tallies))

    await asyncio.gather(
        life.go_on(30), *(still.fold() for _ in range(4)), *(mended(still) for _ in range(3))
    )

    while await still.fold():
        pass
    assert await examined(still) == (0, 0)
    assert await still.told() == await still.recounted()


async def test_a_migrated_database_has_the_figures_of_its_history(still: Still) -> None:
    """DASH-2, OPS-2: what was resolved and closed before is known by when it moved there."""
    life = await still.begin()
    await life.go_on(200)
    marks, right = await still.rows(MARKS), await still.told()
    await still.database.close()
    migrations = Migrations(still.settings.database, still.settings.general.data_dir)

    await migrations.downgrade("0005_documents")
    await migrations.upgrade()

    still.database = await open_database(still.settings.database, still.settings.general.data_dir)
    assert await still.rows(MARKS) == marks
    assert await still.told() == right
    assert sum(closed_at is not None for _, closed_at, _ in marks) > 1
