"""``lacewing db``: migrations."""

import typer

from lacewing.cli.context import migrations_of, run
from lacewing.cli.output import print_result
from lacewing.kernel.db.plan import Step
from lacewing.settings import LogLevel, Settings

app = typer.Typer(help="The database's schema.", no_args_is_help=True)
_JSON = typer.Option(False, "--json", help="For scripts.")


@app.command()
def upgrade(
    revision: str = "head",
    *,
    plan: bool = typer.Option(False, "--plan", help="Tell what would be done, and do nothing."),
    as_json: bool = _JSON,
) -> None:
    """Bring the schema up to what this program wants."""
    if plan:
        _tell_plan(revision, as_json=as_json)
        return

    async def migrate(settings: Settings) -> tuple[str | None, str | None, bool]:
        migrations = migrations_of(settings)
        before = await migrations.current()
        await migrations.upgrade(revision)
        after = await migrations.current()
        return before, after, after is None or migrations.knows(after)

    before, after, is_known = run(migrate, LogLevel.WARNING)
    if is_known:
        _tell(before, after, as_json=as_json)
    else:
        text = f"The schema is at {after}, of a newer program; this one runs on it."
        print_result({"before": before, "after": after}, text, as_json=as_json)


@app.command()
def downgrade(revision: str, *, as_json: bool = _JSON) -> None:
    """Take the schema down to REVISION (`base` for nothing); data of what goes is lost."""

    async def migrate(settings: Settings) -> tuple[str | None, str | None]:
        migrations = migrations_of(settings)
        before = await migrations.current()
        await migrations.downgrade(revision)
        return before, await migrations.current()

    _tell(*run(migrate, LogLevel.WARNING), as_json=as_json)


@app.command()
def check(*, as_json: bool = _JSON) -> None:
    """Say whether the schema fits this program; exit code 4 when it does not."""

    async def ask(settings: Settings) -> tuple[str, str]:
        migrations = migrations_of(settings)
        return await migrations.check(), migrations.head()

    revision, head = run(ask, LogLevel.WARNING)
    text = f"The schema is at {revision}, as this program wants it."
    if revision != head:
        text = f"The schema is at {revision}, newer than {head}; this program runs on it."
    print_result({"revision": revision, "ok": True}, text, as_json=as_json)


def _tell(before: str | None, after: str | None, *, as_json: bool) -> None:
    text = f"The schema went from {before or 'nothing'} to {after or 'nothing'}."
    if before == after:
        text = f"The schema is at {after or 'nothing'} already."
    print_result({"before": before, "after": after}, text, as_json=as_json)


def _tell_plan(revision: str, *, as_json: bool) -> None:
    async def ask(settings: Settings) -> list[Step]:
        return await migrations_of(settings).plan(revision)

    steps = run(ask, LogLevel.WARNING)
    text = "\n\n".join(map(_told, steps)) or "There is nothing to do."
    print_result({"steps": steps}, text, as_json=as_json)


def _told(step: Step) -> str:
    phase = "phase not told" if step.phase is None else step.phase.value
    lines = [
        f"{step.revision} ({phase}): {step.summary}",
        f"  runs afterwards: programs from {step.oldest_program} on",
        *(f"  while it runs: {lock}" for lock in step.locks),
    ]
    if step.statements is None:
        return "\n".join([*lines, "  its statements depend on what stands in the database"])
    return "\n".join([*lines, *(_indented(statement) for statement in step.statements)])


def _indented(statement: str) -> str:
    return "\n".join(f"    {line}" for line in f"{statement};".splitlines() if line.strip())
