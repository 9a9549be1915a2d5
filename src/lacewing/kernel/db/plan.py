"""What an upgrade would do, told without doing it."""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Final

import msgspec
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from lacewing.kernel.db.promise import Phase, oldest_program, phase_of
from lacewing.kernel.db.session import DialectName

_LOCKS: Final = (
    (r"CREATE (UNIQUE )?INDEX CONCURRENTLY", None),
    (r"CREATE (UNIQUE )?INDEX \S+ ON (?P<table>\w+)", "nobody writes to {} until it is built"),
    (r"ALTER TABLE (?P<table>\w+)", "nobody reads or writes {} meanwhile"),
    (r"DROP INDEX (?P<table>\w+)", "nobody reads or writes the table of {} meanwhile"),
    (r"DROP TABLE (?P<table>\w+)", "nobody reads or writes {} meanwhile"),
    (r"CREATE TRIGGER .*? ON (?P<table>\w+)", "nobody writes to {} meanwhile"),
    (r"DROP TRIGGER .*? ON (?P<table>\w+)", "nobody reads or writes {} meanwhile"),
    (r"(UPDATE|DELETE FROM) (?P<table>\w+)", "nobody changes the same rows of {}"),
)
"""What others must wait for, in PostgreSQL 15 (its documentation, 13.3.1)."""
_REFERS: Final = re.compile(r"REFERENCES (\w+)")
_SQLITE_LOCK: Final = "nobody writes until the upgrade has ended"


class Step(msgspec.Struct, frozen=True):
    """One migration that an upgrade would run."""

    revision: str
    summary: str
    phase: Phase | None
    oldest_program: str
    """The oldest program that runs on the schema afterwards."""
    statements: list[str] | None
    """``None`` where they depend on what stands in the database."""
    locks: list[str]


def plan_steps(
    scripts: ScriptDirectory, dialect: DialectName, current: str | None, target: str
) -> list[Step]:
    """The migrations from ``current`` to ``target``, in their order."""
    revisions = list(scripts.iterate_revisions(target, current or "base"))
    return [_step(scripts, script, dialect) for script in reversed(revisions)]


def _step(scripts: ScriptDirectory, script: Script, dialect: DialectName) -> Step:
    statements = _statements_of(script, dialect)
    return Step(
        revision=script.revision,
        summary=script.doc,
        phase=phase_of(script),
        oldest_program=oldest_program(scripts, script.revision),
        statements=statements,
        locks=list(_locks_of(statements, dialect)),
    )


def _statements_of(script: Script, dialect: DialectName) -> list[str] | None:
    """The SQL of an upgrade, as Alembic writes it where it has no connection."""
    output = StringIO()
    context = MigrationContext.configure(
        dialect_name=dialect,
        opts={"as_sql": True, "output_buffer": output, "literal_binds": True},
    )
    try:
        with Operations.context(context):
            script.module.upgrade()
    except (AttributeError, CommandError, NotImplementedError, TypeError):
        return None  # it reads what is there, and nothing is
    return [each for part in output.getvalue().split(";\n\n") if (each := part.strip())]


def _locks_of(statements: list[str] | None, dialect: DialectName) -> Iterator[str]:
    if dialect == "sqlite":
        yield _SQLITE_LOCK
        return
    made: set[str] = set()
    told: set[str] = set()
    for statement in statements or ():
        if found := re.match(r"CREATE TABLE (\w+)", statement):
            made.add(found[1])
            kept = {f"nobody writes to {other} meanwhile" for other in _REFERS.findall(statement)
                    if other not in made}  # fmt: skip
        else:
            kept = set(_lock_of(statement, made))
        yield from sorted(kept - told)
        told |= kept


def _lock_of(statement: str, made: set[str]) -> Iterator[str]:
    """Nobody waits for a table that is new."""
    for pattern, told in _LOCKS:
        if found := re.match(pattern, statement, re.DOTALL):
            if told is not None and found["table"] not in made:
                yield told.format(found["table"])
            return
