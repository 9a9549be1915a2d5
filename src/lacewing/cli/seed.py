"""``lacewing seed``: believable data to look around in (OPS-3)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import typer
from pydantic import SecretStr

from lacewing.accounts.component import Accounts
from lacewing.accounts.errors import UserNotFound
from lacewing.accounts.schemas import NewUser
from lacewing.accounts.service import users
from lacewing.catalogue.importing.records import ImportedProduct, ImportFile
from lacewing.catalogue.importing.service import Import
from lacewing.catalogue.schemas import NewProduct
from lacewing.cli import seed_data as data
from lacewing.cli.context import opened_database, run, work_in
from lacewing.cli.output import EXIT_SETTINGS, fail, print_result
from lacewing.cli.seed_content import seed_content
from lacewing.kernel.actor import Actor
from lacewing.kernel.clock import utc_now
from lacewing.kernel.db import Session, transaction
from lacewing.kernel.preconditions import ANYTHING
from lacewing.kernel.work import Work
from lacewing.main import make_accounts
from lacewing.settings import LogLevel, Settings
from lacewing.tracker.rules import Priority, Status
from lacewing.tracker.schemas import NewIssue, NewProject
from lacewing.tracker.service import changes, comments, issues, projects

_THINGS = ("users", "projects", "issues", "comments", "products", "posts", "collections")
_PATH = (Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED)


def seed(*, as_json: bool = typer.Option(False, "--json", help="For scripts.")) -> None:
    """Fill the database with believable things; run again, it adds nothing twice."""
    counts = run(_seed, LogLevel.WARNING)
    text = (
        f"Seeded {', '.join(f'{count} {things}' for things, count in counts.items())}.\n"
        f"Log in as {', '.join(name for name, _, _ in data.PEOPLE)}; "
        f"everybody's password is {data.PASSWORD}"
    )
    print_result(counts, text, as_json=as_json)


async def _seed(settings: Settings) -> dict[str, int]:
    if settings.is_production:
        fail("Seed data has a password that all know: not in production.", code=EXIT_SETTINGS)
    counts = dict.fromkeys(_THINGS, 0)
    accounts = make_accounts(settings)
    try:
        async with opened_database(settings) as database:
            async with transaction(database) as session:
                actors = await _seed_people(session, accounts, counts)
            for project in data.PROJECTS:
                async with transaction(database) as session:
                    await _seed_project(session, actors, project, counts)
            async with transaction(database) as session:
                await seed_content(work_in(session), actors, counts)
                counts["products"] = await _seed_products(work_in(session))
    finally:
        accounts.passwords.close()
    return counts


async def _seed_people(
    session: Session, accounts: Accounts, counts: dict[str, int]
) -> dict[str, Actor]:
    work = work_in(session)
    actors = {}
    for username, full_name, role in data.PEOPLE:
        try:
            account = await users.get_account_by_name(work, username)
        except UserNotFound:
            wanted = NewUser(
                username=username,
                email=f"{username}@example.com",
                full_name=full_name,
                password=SecretStr(data.PASSWORD),
            )
            account = await users.create_user(work, accounts, wanted, role)
            counts["users"] += 1
        actors[username] = Actor(account.id, account.username, account.role, account.full_name)
    return actors


async def _seed_project(
    session: Session,
    actors: dict[str, Actor],
    project: tuple[str, str, str, str],
    counts: dict[str, int],
) -> None:
    key, name, description, creator = project
    work = work_in(session)
    if await projects.find_project_by_key(work, key) is not None:
        return
    work.found_actor = actors[creator]
    created = await projects.create_project(
        work, NewProject(key=key, name=name, description=description)
    )
    counts["projects"] += 1
    chance = Random(key)  # noqa: S311  the same data each time, no secret
    now = utc_now()
    for number in range(data.ISSUES_PER_PROJECT):
        age = timedelta(days=data.ISSUES_PER_PROJECT - number, minutes=chance.randrange(600))
        work.now = now - age
        work.found_actor = chance.choice(list(actors.values()))
        issue = await issues.create_issue(work, created.id, _new_issue(chance, now))
        counts["issues"] += 1
        work.found_actor = actors["ada"]
        await _seed_life(work, issue.id, actors, chance, counts)


def _new_issue(chance: Random, now: datetime) -> NewIssue:
    what, where = chance.choice(data.WHAT), chance.choice(data.WHERE)
    due = (now + timedelta(days=chance.randrange(-10, 40))).date()
    return NewIssue(
        title=f"{what} {where}",
        description=f"**{what}** {where}.\n\n1. Open it\n2. Try twice\n3. See what happens",
        priority=chance.choice(list(Priority)),
        assignee_id=chance.choice([None, *(name for name, _, _ in data.PEOPLE)]),
        due_date=chance.choice([None, due]),
        labels=chance.sample(data.LABELS, chance.randrange(3)),
    )


async def _seed_life(
    work: Work, issue: UUID, actors: dict[str, Actor], chance: Random, counts: dict[str, int]
) -> None:
    """Comments, and some steps towards the end."""
    for remark in chance.sample(data.REMARKS, chance.randrange(1, 4)):
        work.now += timedelta(minutes=chance.randrange(5, 300))
        work.found_actor = chance.choice(list(actors.values()))
        await comments.create_comment(work, issue, remark)
        counts["comments"] += 1
    work.found_actor = actors["ada"]
    for status in _PATH[: chance.randrange(len(_PATH) + 1)]:
        work.now += timedelta(minutes=chance.randrange(30, 600))
        await changes.change_issue(work, issue, {"status": status}, ANYTHING)


async def _seed_products(work: Work) -> int:
    """Products of the last months; how many are new."""
    found = list(_products(work.now))
    steps = Import(ImportFile("seed", len(found), iter(found)))
    for batch in steps.batches():
        await steps.bring_in(work, batch)
    return steps.report.products_added


def _products(now: datetime) -> Iterator[ImportedProduct]:
    chance = Random("products")  # noqa: S311  the same data each time, no secret
    for category, (names, cheapest) in data.PRODUCTS.items():
        for name in names:
            for finish in data.FINISHES:
                cents = cheapest * 100 + chance.randrange(cheapest * 300)
                rating = Decimal(chance.randrange(250, 501)) / 100
                created_at = now - timedelta(minutes=chance.randrange(250_000))
                product = NewProduct(
                    name=f"{name}, {finish}",
                    category=category,
                    price=Decimal(cents) / 100,
                    rating=chance.choice([None, rating, rating]),
                )
                external_id = f"seed#{category}/{name}/{finish}"
                yield ImportedProduct(external_id, product, created_at, created_at)
