"""All commands in one place."""

import sys

import typer

from lacewing import __version__
from lacewing.cli import (
    admin,
    audit,
    backup,
    dashboard,
    db,
    doctor,
    exchange,
    importing,
    jobs,
    keys,
    pii,
    seed,
    serve,
    storage,
    worker,
)
from lacewing.cli.output import EXIT_SETTINGS, EXIT_UNAVAILABLE, fail, print_result
from lacewing.kernel.errors import Refusal, Unavailable
from lacewing.settings import InvalidSettings

app = typer.Typer(
    name="lacewing",
    help="The engineering tracker that a team runs for itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(db.app, name="db")
app.add_typer(admin.app, name="admin")
app.add_typer(audit.app, name="audit")
app.add_typer(backup.app, name="backup")
app.add_typer(dashboard.app, name="dashboard")
app.add_typer(jobs.app, name="jobs")
app.add_typer(keys.app, name="keys")
app.add_typer(pii.app, name="pii")
app.add_typer(storage.app, name="storage")
app.add_typer(importing.app, name="import")
app.command("serve")(serve.serve)
app.command("worker")(worker.run_worker)
app.command("seed")(seed.seed)
app.command("export")(exchange.export)
app.command("restore")(backup.restore)
app.command("doctor")(doctor.doctor)


@app.command()
def version(*, as_json: bool = typer.Option(False, "--json", help="For scripts.")) -> None:
    """Print the version."""
    print_result({"version": __version__}, f"lacewing {__version__}", as_json=as_json)


def main() -> None:
    """Run the command; what it refuses is one clear line, never a stack trace."""
    try:
        app()
    except InvalidSettings as error:
        fail("The settings are not valid:", *error.reasons, code=EXIT_SETTINGS)
    except Unavailable as error:
        fail(error.detail, code=EXIT_UNAVAILABLE)
    except Refusal as error:
        fail(error.detail)
    except OSError as error:
        if error.filename is None:
            raise
        fail(f"{error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit(130)
