"""All settings, gathered from the environment and ``.env``; nothing else reads either."""

import hashlib
import os
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, ValidationError

from lacewing.accounts.keys import SECRET_FILE
from lacewing.accounts.rules import PROVIDER_NAME, RESERVED_PROVIDERS
from lacewing.accounts.settings import AccountsSettings, ProviderSettings
from lacewing.documents.settings import DocumentsSettings
from lacewing.kernel.backup.settings import BackupSettings
from lacewing.kernel.db.database import DatabaseSettings, sqlite_path
from lacewing.kernel.web.settings import WebSettings
from lacewing.webhooks.settings import WebhooksSettings

PREFIX: Final = "LACEWING_"
GOOGLE_DISCOVERY_URL: Final = "https://accounts.google.com/.well-known/openid-configuration"
_PROVIDER_VARIABLE: Final = re.compile(
    PREFIX + r"OIDC_([A-Z0-9_]+)_(CLIENT_ID|CLIENT_SECRET|DISCOVERY_URL)"
)
WITHOUT_PREFIX: Final = frozenset({"pii_encryption_key", "pii_hash_key"})
"""Settings that are read by their bare names too."""
FILE_SUFFIX: Final = "_FILE"
AWS_SECRETS: Final = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
SECRET_LENGTH_MIN: Final = 32
PLACEHOLDERS: Final = frozenset({"change-me", "changeme", "secret", "default", "insecure"})


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"
    TEST = "test"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class GeneralSettings(BaseModel, frozen=True):
    environment: Environment = Field(
        Environment.DEVELOPMENT, description="`development`, `production` or `test`."
    )
    data_dir: Path = Field(Path("var"), description="SQLite file, uploads, keys, lake.")
    keys_dir: Path | None = Field(
        None,
        description="Where the keys are, as one JSON Web Key a file; a mounted secret, say. "
        "Without it: `keys` in the data folder.",
    )
    debug: bool = Field(False, description="More detail in answers and logs; never in production.")
    log_level: LogLevel = Field(LogLevel.INFO, description="`debug`, `info`, `warning` or `error`.")
    secret_key: SecretStr | None = Field(
        None,
        description="At least 32 characters that key cursors and token ids, for several machines "
        "that share no data folder; without it a random one is kept in the data folder.",
    )
    redis_url: str | None = Field(
        None,
        pattern="^(redis|rediss|unix)://",
        description="`redis://…`: needed by more than one server process.",
    )
    broker_url: str | None = Field(
        None,
        pattern="^(amqps?|rediss?)://",
        description="Celery's broker, RabbitMQ (`amqp://…`) or Redis: carries jobs to workers on "
        "other machines. Without it workers ask the database.",
    )
    worker_concurrency: int = Field(
        2, ge=1, le=64, description="Jobs that one worker runs at a time."
    )
    worker_in_server: bool = Field(
        True,
        description="Whether `lacewing serve` runs jobs too, while no broker is set; otherwise "
        "only `lacewing worker` does.",
    )
    cookie_secure: bool | None = Field(
        None,
        description="Whether cookies are sent over HTTPS alone. Without it: where the request came "
        "by HTTPS, and always in production.",
    )
    otlp_endpoint: str | None = Field(
        None, pattern="^https?://", description="Where OpenTelemetry traces go, by OTLP over HTTP."
    )
    trace_ratio: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Which part of all traces is kept, from 0 to 1; chosen by the trace's id, so "
        "that all processes choose alike.",
    )


class Settings(BaseModel, frozen=True):
    """The groups, each handed to who needs it."""

    general: GeneralSettings
    database: DatabaseSettings
    web: WebSettings
    accounts: AccountsSettings
    documents: DocumentsSettings
    webhooks: WebhooksSettings
    backup: BackupSettings
    object_storage: Mapping[str, SecretStr] = {}
    """The ``AWS_…`` variables, by which object storages are reached."""
    providers: Mapping[str, ProviderSettings] = {}
    """Identity providers by name (AUTH-12)."""

    @property
    def keys_dir(self) -> Path:
        return self.general.keys_dir or self.general.data_dir / "keys"

    @property
    def secret_file(self) -> Path:
        """Where the secret is kept that no setting names."""
        return self.keys_dir / SECRET_FILE

    @property
    def audit_witness(self) -> Path:
        """Where it is kept how far the audit log's chain of this database went."""
        path = sqlite_path(self.database, self.general.data_dir)
        if path is None:
            parts = urlsplit(self.database.database_url or "")
            place = f"{parts.hostname}:{parts.port}{parts.path}"
        else:
            place = str(path.resolve())
        return self.keys_dir / f"audit-head-{hashlib.sha256(place.encode()).hexdigest()[:16]}"

    @property
    def secure_cookies(self) -> bool | None:
        """Whether cookies are sent over HTTPS alone; ``None``: as the request came."""
        return True if self.is_production else self.general.cookie_secure

    @property
    def is_production(self) -> bool:
        return self.general.environment is Environment.PRODUCTION


class InvalidSettings(Exception):  # ruff: ignore[error-suffix-on-exception-name]  it is the settings that are wrong
    """``reasons`` names every variable that is wrong, and why."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))


def groups() -> dict[str, type[BaseModel]]:
    """The settings' groups by name."""
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }


def variable_of(field: str) -> str:
    return PREFIX + field.upper()


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of ``environ`` (the process's own, over ``.env``, when left out).

    An empty variable counts as one that is not set. ``NAME_FILE`` names a file that holds the
    value of ``NAME``, as secrets of containers are handed over.

    Raises:
        InvalidSettings: with all reasons at once.
    """
    if environ is None:
        from_file = {name: value or "" for name, value in dotenv_values(".env").items()}
        environ = {**from_file, **os.environ}
    environ, reasons = _with_files(environ)
    found: dict[str, Any] = {}
    for name, group in groups().items():
        given = {
            field: value for field in group.model_fields if (value := _value_of(field, environ))
        }
        try:
            found[name] = group(**given)
        except ValidationError as error:
            reasons += [
                f"{variable_of(str(fault['loc'][0]))}: {fault['msg']}" for fault in error.errors()
            ]
    found["object_storage"] = {
        name: value for name, value in environ.items() if name.startswith("AWS_") and value
    }
    found["providers"], faults = _load_providers(environ)
    reasons += faults
    if "database" in found:
        reasons += _lone_keys(found["database"])
    if reasons:
        raise InvalidSettings(reasons)
    settings = Settings(**found)
    if settings.is_production and (faults := production_faults(settings)):
        raise InvalidSettings(faults)
    return settings


def _with_files(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The variables, with those that stand in files; and what is wrong with these files."""
    values, reasons = dict(environ), []
    for variable, path in environ.items():
        name = variable.removesuffix(FILE_SUFFIX)
        if not path or name == variable or not _may_stand_in_file(name):
            continue
        if environ.get(name):
            reasons.append(f"{variable}: {name} is set too; one of them must go")
            continue
        try:
            values[name] = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reasons.append(f"{variable}: {path} can't be read: {error}")
    return values, reasons


def _may_stand_in_file(name: str) -> bool:
    """Ours, and the keys of object storages; other ``…_FILE`` mean something else."""
    return name.startswith(PREFIX) or name.lower() in WITHOUT_PREFIX or name in AWS_SECRETS


def _load_providers(
    environ: Mapping[str, str],
) -> tuple[dict[str, ProviderSettings], list[str]]:
    """Identity providers: of each the same three variables, with its name in them."""
    given: dict[str, dict[str, str]] = {}
    for variable, value in environ.items():
        if value and (match := _PROVIDER_VARIABLE.fullmatch(variable)):
            given.setdefault(match[1], {})[match[2].lower()] = value
    providers: dict[str, ProviderSettings] = {}
    reasons: list[str] = []
    for part, values in sorted(given.items()):
        prefix, name = f"{PREFIX}OIDC_{part}_", part.lower().replace("_", "-")
        if name in RESERVED_PROVIDERS or not PROVIDER_NAME.fullmatch(name):
            reasons.append(f"{prefix}…: {name} can be no provider's name")
            continue
        defaults = {"discovery_url": GOOGLE_DISCOVERY_URL} if part == "GOOGLE" else {}
        try:
            providers[name] = ProviderSettings.model_validate(defaults | values)
        except ValidationError as error:
            reasons += [
                f"{prefix}{str(fault['loc'][0]).upper()}: {fault['msg']}"
                for fault in error.errors()
            ]
    return providers, reasons


def _value_of(field: str, environ: Mapping[str, str]) -> str | None:
    value = environ.get(variable_of(field))
    if not value and field in WITHOUT_PREFIX:
        value = environ.get(field.upper())
    return value


def _lone_keys(database: DatabaseSettings) -> list[str]:
    """Sealed emails could not be found without the hash's key, nor hashed ones sealed."""
    if bool(database.pii_encryption_key) is bool(database.pii_hash_key):
        return []
    lacking = "PII_HASH_KEY" if database.pii_encryption_key else "PII_ENCRYPTION_KEY"
    return [f"{PREFIX}{lacking}: must be set too; the two keys work together"]


def production_faults(settings: Settings) -> list[str]:
    """Why these settings would be unsafe in production; all reasons at once (SEC-11)."""
    general, web = settings.general, settings.web
    faults = []
    if general.debug:
        faults.append("LACEWING_DEBUG: debug mode must be off in production")
    if general.secret_key is not None:
        secret = general.secret_key.get_secret_value()
        is_placeholder = any(word in secret.lower() for word in PLACEHOLDERS)
        if len(secret) < SECRET_LENGTH_MIN or is_placeholder:
            faults.append(
                f"LACEWING_SECRET_KEY: must be random, of at least {SECRET_LENGTH_MIN} characters"
            )
    if any("*" in origin for origin in web.cors_origins):
        faults.append("LACEWING_CORS_ORIGINS: no wildcard in production; list the origins")
    if web.public_url is None or not web.public_url.startswith("https://"):
        faults.append("LACEWING_PUBLIC_URL: must be set and begin with https:// in production")
    if general.cookie_secure is False:
        faults.append("LACEWING_COOKIE_SECURE: must be on in production")
    return faults
