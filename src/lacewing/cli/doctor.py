"""``lacewing doctor``: what is configured, what answers, what is wrong and how to mend it."""

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
import typer

from lacewing import __version__
from lacewing.accounts.public import find_first_admin
from lacewing.accounts.service.personal_data import check_openable, find_status
from lacewing.catalogue.jobs import count_wrong_sums
from lacewing.cli.context import migrations_of, run
from lacewing.cli.output import EXIT_FAILED, EXIT_SETTINGS, print_result
from lacewing.documents.files.opening import open_storage
from lacewing.documents.service.sweeping import find_missing
from lacewing.kernel.backup.store import find_last_end
from lacewing.kernel.clock import utc_now
from lacewing.kernel.db import Database, open_database
from lacewing.kernel.db.encryption import PersonalDataLocked
from lacewing.kernel.db.migrations import SchemaTooNew
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.jobs import store as jobs_store
from lacewing.kernel.web.readiness import readiness_checks
from lacewing.settings import InvalidSettings, LogLevel, Settings, production_faults
from lacewing.tracker.jobs import examine_tallies

FREE_BYTES_MIN: Final = 500 * 1024 * 1024
UNFOLDED_MAX: Final = 10_000
"""Changes that wait to be folded into the tallies; beyond, figures are slow, though right."""
_MEND_BACKUPS: Final = (
    "lacewing backup FILE; or set LACEWING_BACKUP_MAX_AGE_HOURS to 0 if others make them."
)
PYTHON_MIN: Final = (3, 11)


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Finding(msgspec.Struct, frozen=True):
    subject: str
    state: State
    detail: str
    mend: str | None = None


def doctor(*, as_json: bool = typer.Option(False, "--json", help="For scripts.")) -> None:
    """Look at everything that Lacewing needs; exit code 1 when something is wrong."""
    try:
        findings = run(_examine, LogLevel.ERROR)
        code = EXIT_FAILED
    except InvalidSettings as error:
        findings = [
            Finding("settings", State.FAILED, reason, "Correct the variable.")
            for reason in error.reasons
        ]
        code = EXIT_SETTINGS
    print_result(findings, "\n".join(map(_told, findings)), as_json=as_json)
    if any(finding.state is State.FAILED for finding in findings):
        sys.exit(code)


def _told(finding: Finding) -> str:
    mark = {State.OK: "ok  ", State.WARNING: "warn", State.FAILED: "FAIL"}[finding.state]
    line = f"{mark}  {finding.subject}: {finding.detail}"
    return line if finding.mend is None else f"{line}\n      -> {finding.mend}"


async def _examine(settings: Settings) -> list[Finding]:
    findings = [_program(), _settings(settings), *_data_folder(settings.general.data_dir)]
    findings += _keys(settings.keys_dir)
    findings += [finding async for finding in _servers(settings)]
    return findings


def _program() -> Finding:
    versions = (
        f"Lacewing {__version__}, Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}"
    )
    if sys.version_info < PYTHON_MIN:
        return Finding("program", State.FAILED, versions, "Install Python 3.11 or newer.")
    return Finding("program", State.OK, versions)


def _settings(settings: Settings) -> Finding:
    environment = settings.general.environment
    if faults := production_faults(settings):
        detail = f"environment {environment}; for production: {'; '.join(faults)}"
        return Finding("settings", State.WARNING, detail)
    return Finding("settings", State.OK, f"environment {environment}")


def _data_folder(folder: Path) -> list[Finding]:
    subject = f"data folder {folder}"
    if not folder.exists():
        return [Finding(subject, State.WARNING, "is not there yet", "`lacewing serve` makes it.")]
    if not os.access(folder, os.W_OK):
        return [Finding(subject, State.FAILED, "can't be written", f"chown or chmod {folder}.")]
    return [_free_space(subject, folder)]


def _keys(folder: Path) -> list[Finding]:
    if not folder.exists():
        return []
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return [Finding("keys", State.FAILED, "others may read them", f"chmod -R go= {folder}")]
    unreadable = [each.name for each in folder.iterdir() if not os.access(each, os.R_OK)]
    if unreadable:
        detail = f"{', '.join(unreadable)} can't be read"
        return [Finding("keys", State.FAILED, detail, f"chown -R {os.geteuid()} {folder}")]
    return [Finding("keys", State.OK, "readable by their owner alone")]


def _free_space(subject: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    detail = f"{free // 1024**2} MiB free"
    if free < FREE_BYTES_MIN:
        return Finding(subject, State.WARNING, detail, "Make room on its disk.")
    return Finding(subject, State.OK, detail)


async def _servers(settings: Settings) -> AsyncIterator[Finding]:
    try:
        database = await open_database(settings.database, settings.general.data_dir)
    except Unavailable as error:
        yield Finding(
            "database", State.FAILED, error.detail, "Start it, or correct LACEWING_DATABASE_URL."
        )
        return
    try:
        for name, check in readiness_checks(database, settings.general.redis_url).items():
            try:
                await check()
            except Unavailable as error:
                yield Finding(name, State.FAILED, error.detail, f"Start {name}.")
            else:
                yield Finding(name, State.OK, _kind(name, database))
        yield await _schema(settings)
        yield await _administrator(settings, database)
        yield await _personal_data(settings, database)
        yield await _jobs(settings, database)
        yield await _files(settings, database)
        yield await _tallies(settings, database)
        yield await _backups(settings, database)
    finally:
        await database.close()


def _kind(name: str, database: Database) -> str:
    return f"{database.dialect} answers" if name == "database" else "answers"


async def _schema(settings: Settings) -> Finding:
    migrations = migrations_of(settings)
    if await migrations.current() is None:
        return Finding("schema", State.WARNING, "the database is empty", "lacewing db upgrade")
    try:
        revision = await migrations.check()
    except SchemaTooNew as error:
        return Finding("schema", State.FAILED, error.detail, "Run the program that it is of.")
    except Unavailable as error:
        return Finding("schema", State.FAILED, error.detail, "lacewing db upgrade")
    if revision != migrations.head():
        detail = f"at {revision}, newer than this program, which runs on it"
        return Finding("schema", State.WARNING, detail, "Upgrade this program when all is well.")
    return Finding("schema", State.OK, f"at {revision}")


async def _administrator(settings: Settings, database: Database) -> Finding:
    try:
        await migrations_of(settings).check()
    except Unavailable:
        return Finding("administrator", State.WARNING, "not looked for without a schema")
    if await find_first_admin(database.session()) is None:
        mend = "lacewing admin create --username U --email E"
        return Finding("administrator", State.WARNING, "there is none", mend)
    return Finding("administrator", State.OK, "there is one")


async def _jobs(settings: Settings, database: Database) -> Finding:
    try:
        await migrations_of(settings).check()
    except Unavailable:
        return Finding("jobs", State.WARNING, "not looked for without a schema")
    waiting = await jobs_store.count_jobs(database.session())
    if dead := await jobs_store.count_dead(database.session()):
        detail = f"{dead} were given up, {waiting} wait or run"
        return Finding("jobs", State.WARNING, detail, "lacewing jobs list; lacewing jobs retry")
    return Finding("jobs", State.OK, f"{waiting} wait or run")


async def _files(settings: Settings, database: Database) -> Finding:
    url, data_dir = settings.documents.storage_url, settings.general.data_dir
    try:
        await migrations_of(settings).check()
    except Unavailable:
        return Finding("files", State.WARNING, "not looked for without a schema")
    try:
        storage = open_storage(url, data_dir, settings.object_storage)
        missing = await find_missing(database, storage)
        await storage.close()
    except Unavailable as error:
        return Finding("files", State.FAILED, error.detail, "lacewing storage check")
    if missing:
        detail = f"{len(missing)} are missing or cut off in {storage.url}: {missing[0]}…"
        mend = "Restore them from a backup, or run lacewing storage move --from OLD --to NEW."
        return Finding("files", State.FAILED, detail, mend)
    return Finding("files", State.OK, f"all in {storage.url}")


async def _tallies(settings: Settings, database: Database) -> Finding:
    try:
        await migrations_of(settings).check()
        health = await examine_tallies(database.session())
        wrong = health.wrong + await count_wrong_sums(database.session())
    except Unavailable as error:
        return Finding("figures", State.WARNING, f"not looked at: {error.detail}")
    if wrong:
        detail = f"{wrong} counts differ from the issues and products"
        return Finding("figures", State.FAILED, detail, "lacewing dashboard rebuild")
    detail = f"equal the issues and products, {health.waiting} changes wait to be folded in"
    if health.waiting > UNFOLDED_MAX:
        return Finding("figures", State.WARNING, detail, "Run lacewing serve or lacewing worker.")
    return Finding("figures", State.OK, detail)


async def _backups(settings: Settings, database: Database) -> Finding:
    try:
        await migrations_of(settings).check_same()
    except Unavailable:
        return Finding("backups", State.WARNING, "not looked for without this program's schema")
    last = await find_last_end(database.session())
    longest = timedelta(hours=settings.backup.backup_max_age_hours)
    if last is None:
        state = State.WARNING if longest else State.OK
        return Finding("backups", state, "none was made by `lacewing backup`", _MEND_BACKUPS)
    age = utc_now() - last
    detail = f"the last one ended {age // timedelta(hours=1)} hours ago"
    if longest and age > longest:
        return Finding("backups", State.WARNING, detail, _MEND_BACKUPS)
    return Finding("backups", State.OK, detail)


async def _personal_data(settings: Settings, database: Database) -> Finding:
    try:
        await migrations_of(settings).check()
        await check_openable(database.session())
        status = await find_status(database)
    except Unavailable as error:
        mend = "Set LACEWING_PII_ENCRYPTION_KEY to all keys that were used."
        state = State.FAILED if isinstance(error, PersonalDataLocked) else State.WARNING
        return Finding("personal data", state, error.detail, mend)
    if not settings.database.cipher.is_on:
        return Finding("personal data", State.OK, "stands in the clear, as no key is set")
    if status.in_the_clear:
        detail = f"of {status.in_the_clear} users it stands in the clear"
        return Finding("personal data", State.WARNING, detail, "lacewing pii encrypt")
    if status.under_earlier_keys:
        detail = f"of {status.under_earlier_keys} users it stands under earlier keys"
        return Finding("personal data", State.WARNING, detail, "lacewing pii rotate")
    return Finding("personal data", State.OK, "sealed")
