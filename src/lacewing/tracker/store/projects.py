from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    func,
    insert,
    select,
    update,
)

from lacewing.accounts.public import Person, person_columns, users_as
from lacewing.kernel.db import Session
from lacewing.kernel.db.expressions import also_any_of, any_of, contains_text
from lacewing.kernel.db.locks import lock_for_transaction
from lacewing.kernel.db.paging import Order, keyset_page
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.tracker.rules import name_key
from lacewing.tracker.schemas import ProjectRef, ProjectSort, ProjectView
from lacewing.tracker.tables import projects

CREATION_LOCK: Final = 4_710_101
"""The advisory lock of whoever creates a project (any number of its own would do)."""


class ProjectFilter(msgspec.Struct, frozen=True):
    search: str | None
    is_archived: bool | None
    reach: frozenset[UUID] | None
    """The projects that are there for the asker; ``None`` for all."""


class TakenNumber(msgspec.Struct, frozen=True):
    """The next issue number of a project, held until the transaction ends."""

    number: int
    project: ProjectRef


_creator = users_as("creator")
_COLUMNS: Final = (
    projects.c.id,
    projects.c.key,
    projects.c.name,
    projects.c.description,
    *person_columns(_creator),
    projects.c.created_at,
    projects.c.updated_at,
    projects.c.is_archived,
)
_BY_ID: Final = projects.c.id == bindparam("project_id")

_INSERT = insert(projects)
_ALL = select(*_COLUMNS).join_from(projects, _creator, _creator.c.id == projects.c.created_by)
_ONE = _ALL.where(_BY_ID)
_ONE_LOCKED = _ONE.with_for_update(of=projects)
# The weakest lock that archiving waits for.
_HELD = select(projects.c.is_archived).where(_BY_ID).with_for_update(read=True, key_share=True)
_BY_KEY = _ALL.where(projects.c.key == bindparam("project_key"))
_TAKEN_KEYS = select(projects.c.key).where(any_of(projects.c.key, "keys"))
_UPDATE = update(projects).where(_BY_ID)
_TAKE_NUMBER = (
    update(projects)
    .where(_BY_ID, projects.c.is_archived.is_(False))
    .values(last_issue_number=projects.c.last_issue_number + 1)
    .returning(projects.c.last_issue_number, projects.c.id, projects.c.key, projects.c.name)
)
_TAKE_NUMBERS = (
    update(projects)
    .where(_BY_ID)
    .values(last_issue_number=projects.c.last_issue_number + bindparam("how_many"))
    .returning(projects.c.last_issue_number)
)

_ORDERS: Final = {
    ProjectSort.NAME: Order(projects.c.name_key),
    ProjectSort.NAME_DESC: Order(projects.c.name_key, descending=True),
    ProjectSort.KEY: Order(projects.c.key),
    ProjectSort.KEY_DESC: Order(projects.c.key, descending=True),
    ProjectSort.CREATED: Order(projects.c.created_at, projects.c.id),
    ProjectSort.CREATED_DESC: Order(projects.c.created_at, projects.c.id, descending=True),
    ProjectSort.UPDATED: Order(projects.c.updated_at, projects.c.id),
    ProjectSort.UPDATED_DESC: Order(projects.c.updated_at, projects.c.id, descending=True),
}


def _project(
    project_id: UUID,
    key: str,
    name: str,
    description: str,
    creator_id: UUID,
    creator_username: str,
    creator_full_name: str | None,
    created_at: datetime,
    updated_at: datetime,
    is_archived: bool,  # ruff: ignore[boolean-type-hint-positional-argument]  a column
) -> ProjectView:
    return ProjectView(
        project_id,
        key,
        name,
        description,
        Person(creator_id, creator_username, creator_full_name),
        created_at,
        updated_at,
        is_archived,
    )


def _taken(number: int, project_id: UUID, key: str, name: str) -> TakenNumber:
    return TakenNumber(number, ProjectRef(project_id, key, name))


async def insert_project(
    session: Session,
    *,
    project_id: UUID,
    key: str,
    name: str,
    description: str,
    created_by: UUID,
    now: datetime,
) -> None:
    """Add a project.

    Raises:
        UniqueViolation: the key or the ``name_key`` is taken.
    """
    row = {
        "id": project_id,
        "key": key,
        "name": name,
        "name_key": name_key(name),
        "description": description,
        "created_by": created_by,
        "created_at": now,
        "updated_at": now,
        "is_archived": False,
    }
    await session.execute(_INSERT, row)


async def find_project(session: Session, project_id: UUID) -> ProjectView | None:
    return await session.one(_project, _ONE, {"project_id": project_id})


async def find_project_by_key(session: Session, key: str) -> ProjectView | None:
    return await session.one(_project, _BY_KEY, {"project_key": key})


async def lock_project(session: Session, project_id: UUID) -> ProjectView | None:
    """The project, which nobody else changes until the transaction ends."""
    return await session.one(_project, _ONE_LOCKED, {"project_id": project_id})


async def hold_project(session: Session, project_id: UUID) -> bool:
    """Whether it is archived, which nobody changes until the transaction ends."""
    in_archive: bool = await session.scalar(_HELD, {"project_id": project_id})
    return in_archive


async def wait_to_create(session: Session) -> None:
    """Return when nobody else creates a project; nobody does until the transaction ends."""
    await lock_for_transaction(session, CREATION_LOCK)


async def taken_keys(session: Session, keys: list[str]) -> set[str]:
    """Those of ``keys`` that a project has."""
    return set(await session.all(str, _TAKEN_KEYS, {"keys": keys}))


async def update_project(session: Session, project_id: UUID, **changes: Any) -> None:
    """Set these columns.

    Raises:
        UniqueViolation: the ``name_key`` is taken.
    """
    if "name" in changes:
        changes["name_key"] = name_key(changes["name"])
    await session.execute(_UPDATE, {**changes, "project_id": project_id})


async def take_number(session: Session, project_id: UUID) -> TakenNumber | None:
    """The next number; ``None`` when there is no such project or it is archived."""
    return await session.one(_taken, _TAKE_NUMBER, {"project_id": project_id})


async def take_numbers(session: Session, project_id: UUID, how_many: int) -> int:
    """Take several numbers at once; the last of them."""
    values = {"project_id": project_id, "how_many": how_many}
    last: int = await session.scalar(_TAKE_NUMBERS, values)
    return last


@cache
def _list_statement(filters: frozenset[str]) -> Select[Any]:
    conditions: dict[str, ColumnElement[bool]] = {
        "search": contains_text(projects.c.name_key, "search")
        | contains_text(func.lower(projects.c.key), "search"),
        "is_archived": projects.c.is_archived == bindparam("is_archived"),
        "reach": also_any_of(projects.c.id, "reach"),
    }
    return _ALL.where(*(conditions[name] for name in sorted(filters)))


async def list_projects(
    session: Session, wanted: ProjectFilter, sort: ProjectSort, page: PageRequest
) -> Slice[ProjectView]:
    values: dict[str, Any] = {}
    if wanted.search is not None:
        values["search"] = name_key(wanted.search)
    if wanted.is_archived is not None:
        values["is_archived"] = wanted.is_archived
    if wanted.reach is not None:
        values["reach"] = sorted(wanted.reach)
    statement = _list_statement(frozenset(values))
    return await keyset_page(session, _project, statement, _ORDERS[sort], page, values)
