"""``lacewing dashboard``: the counts that figures are read from."""

import typer

from lacewing.catalogue.jobs import mend_tallies as mend_product_tallies
from lacewing.cli.context import opened_database, run
from lacewing.cli.output import print_result
from lacewing.kernel.db import transaction
from lacewing.settings import LogLevel, Settings
from lacewing.tracker.jobs import mend_tallies

app = typer.Typer(help="The counts that figures are read from.", no_args_is_help=True)


@app.callback()
def dashboard() -> None:
    """The counts that figures are read from."""


@app.command()
def rebuild(*, as_json: bool = typer.Option(False, "--json", help="For scripts.")) -> None:
    """Count all issues and products anew and mend what differs, while the server runs."""

    async def mend(settings: Settings) -> int:
        async with opened_database(settings) as database:
            return await mend_tallies(lambda: transaction(database)) + await mend_product_tallies(
                lambda: transaction(database)
            )

    mended = run(mend, LogLevel.WARNING)
    print_result({"mended": mended}, f"{mended} counts were wrong, none is now.", as_json=as_json)
