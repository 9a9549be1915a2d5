"""The promise of a schema: the oldest program that runs on it (expand, move, contract).

A program cannot know the migrations that come after it. So each upgrade writes into the database
which program, named by the revision that it wants, is the oldest that may still run there. Each
migration says what it does: ``expand`` adds what older programs pass over, ``move`` copies data
beside it, and ``contract`` takes away what only older programs used, and names the oldest program
that does not.
"""

from enum import StrEnum
from typing import Final

from alembic.script import Script, ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, Table, Text, delete, insert, inspect, select

_promise: Final = Table(
    "schema_promise", MetaData(), Column("oldest_program", Text, primary_key=True)
)
"""No part of the declared tables: it is about the schema, not in it, and no backup holds it."""


class Phase(StrEnum):
    EXPAND = "expand"
    MOVE = "move"
    CONTRACT = "contract"


class PhaseUndeclared(Exception):  # ruff: ignore[error-suffix-on-exception-name]  it reads as what it says
    """A migration contracts and does not say which programs that leaves."""


def phase_of(script: Script) -> Phase | None:
    """What the migration does; ``None`` for those from before migrations told it."""
    declared: str | None = getattr(script.module, "phase", None)
    return None if declared is None else Phase(declared)


def oldest_program(scripts: ScriptDirectory, revision: str) -> str:
    """The oldest program that runs on the schema at ``revision``.

    Raises:
        PhaseUndeclared: the author of a migration has left it out.
    """
    script = scripts.get_revision(revision)
    declared: str | None = getattr(script.module, "oldest_program", None)
    if declared is not None:
        return declared
    match phase_of(script):
        case Phase.EXPAND | Phase.MOVE:
            assert isinstance(script.down_revision, str)
            return oldest_program(scripts, script.down_revision)
        case Phase.CONTRACT:
            raise PhaseUndeclared(f"{revision} contracts: it must name its oldest_program.")
        case None:
            return revision


def keep_promise(connection: Connection, scripts: ScriptDirectory, revision: str | None) -> None:
    """Write into the database which programs may run on it, now that it is at ``revision``."""
    if revision is None or not inspect(connection).has_table(_promise.name):
        return
    connection.execute(delete(_promise))
    connection.execute(insert(_promise).values(oldest_program=oldest_program(scripts, revision)))


def find_promise(connection: Connection) -> str | None:
    """The oldest program that may run here; ``None`` where the schema promises nothing."""
    if not inspect(connection).has_table(_promise.name):
        return None
    return connection.scalar(select(_promise.c.oldest_program))
