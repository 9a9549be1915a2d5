"""``lacewing db``: migrations."""

import typer

from lacewing.cli.context import migrations_of, run
from lacewing.cli.output import print_result
from lacewing.settings import LogLevel, Settings

app = typer.Typer(help="The database's schema.", no_args_is_help=True)
_JSON = typer.Option(False, "--json", help="For scripts.")


@app.command()
def upgrade(revision: str = "head", *, as_json: bool = _JSON) -> None:
    """Bring the schema up to what this program wants."""

    async def migrate(settings: Settings) -> tuple[str | None, str | None]:
        migrations = migrations_of(settings)
        before = await migrations.current()
        await migrations.upgrade(revision)
        return before, await migrations.current()

    _tell(*run(migrate, LogLevel.WARNING), as_json=as_json)


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

    async def ask(settings: Settings) -> str | None:
        migrations = migrations_of(settings)
        await migrations.check()
        return await migrations.current()

    revision = run(ask, LogLevel.WARNING)
    text = f"The schema is at {revision}, as this program wants it."
    print_result({"revision": revision, "ok": True}, text, as_json=as_json)


def _tell(before: str | None, after: str | None, *, as_json: bool) -> None:
    text = f"The schema went from {before or 'nothing'} to {after or 'nothing'}."
    if before == after:
        text = f"The schema is at {after or 'nothing'} already."
    print_result({"before": before, "after": after}, text, as_json=as_json)
