"""``lacewing audit``: whether the audit log is as it was written."""

import sys

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from lacewing.cli.context import opened_database, run
from lacewing.cli.output import EXIT_FAILED, fail, print_result
from lacewing.kernel.audit.chain import Chain, Finding, Witness
from lacewing.kernel.db import transaction
from lacewing.main import make_accounts
from lacewing.settings import LogLevel, Settings, load_settings

FINDINGS_MAX = 1_000
"""More are counted, not listed."""

app = typer.Typer(help="The audit log.", no_args_is_help=True)


class Report(msgspec.Struct):
    """What a walk along the chain has found."""

    verified: int = 0
    findings: list[Finding] = []
    findings_left_out: int = 0


@app.command()
def verify(*, as_json: bool = typer.Option(False, "--json", help="For scripts.")) -> None:
    """Walk the chain of the audit log; exit code 1 when an entry was changed or is missing."""

    async def walk(settings: Settings) -> Report:
        if settings.general.secret_key is None and not settings.secret_file.exists():
            fail(f"There is no secret in {settings.keys_dir}: is this its data folder?")
        accounts = make_accounts(settings)
        accounts.passwords.close()
        chain = Chain(accounts.keys.secret, settings.audit_witness)
        report = Report()
        console = Console(stderr=True)
        async with opened_database(settings) as database:
            with Progress(console=console, disable=as_json or not console.is_terminal) as progress:
                task = progress.add_task("Verifying", total=None)
                async with transaction(database) as session:
                    async for count, findings in chain.verify(session):
                        report.verified += count
                        room = FINDINGS_MAX - len(report.findings)
                        report.findings += findings[:room]
                        report.findings_left_out += len(findings[room:])
                        progress.advance(task, count)
        return report

    report = run(walk, LogLevel.WARNING)
    print_result(report, _told(report), as_json=as_json)
    if report.findings:
        sys.exit(EXIT_FAILED)


@app.command()
def accept() -> None:
    """Take the chain as it stands from here on, after a backup was restored."""
    Witness(load_settings().audit_witness).forget()
    typer.echo("The chain goes on from where it stands now.")


def _told(report: Report) -> str:
    if not report.findings:
        return f"{report.verified} entries verified: none changed, none missing."
    lines = [f"{report.verified} entries verified; the log was tampered with:"]
    lines += [
        f"  {finding.fault}: entry {finding.entry_id or 'unknown'}"
        + ("" if finding.sequence is None else f", number {finding.sequence}")
        for finding in report.findings
    ]
    if report.findings_left_out:
        lines.append(f"  and {report.findings_left_out} more")
    return "\n".join(lines)
