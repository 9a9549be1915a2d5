"""What is true of accounts without a database."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from email_validator import EmailNotValidError, validate_email

USERNAME_LENGTH_MAX: Final = 50
EMAIL_LENGTH_MAX: Final = 254
FULL_NAME_LENGTH_MAX: Final = 200
PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 128

ACCESS_TOKEN_LIFETIME: Final = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME: Final = timedelta(days=7)
REUSE_TOLERANCE: Final = timedelta(seconds=10)
"""Two tabs and lost answers send a used token again; so long they get the same successor."""

FAILURES_MAX: Final = 10
FAILURE_WINDOW: Final = timedelta(minutes=15)
FIRST_LOCK: Final = timedelta(minutes=15)
LONGEST_LOCK: Final = timedelta(hours=24)
LOCK_DOUBLINGS_MAX: Final = 10
DEVICE_LIFETIME: Final = timedelta(days=180)
"""How long a device stays known after a login from it."""
DEVICES_MAX: Final = 20
"""Devices of one user that are known, the newest: scripts keep no cookie and look new always."""

TOKENS_MAX: Final = 100
"""Personal access tokens of one user that are good at the same time."""
TOKEN_DAYS_DEFAULT: Final = 90
TOKEN_DAYS_MAX: Final = 366
TOKEN_NAME_LENGTH_MAX: Final = 100
TOKEN_PROJECTS_MAX: Final = 100

LOGIN_STATE_LIFETIME: Final = timedelta(minutes=10)
"""How long somebody may take to log in at an identity provider."""
CALLBACK_LENGTH_MAX: Final = 4_096
"""Codes and states of real providers are far shorter."""
RESERVED_PROVIDERS: Final = frozenset(
    {
        "identities",
        "login",
        "logout",
        "logout-all",
        "me",
        "password",
        "personal-access-tokens",
        "refresh",
        "register",
        "sessions",
        "signup",
        "token",
        "verify",
    }
)
"""What stands below ``/api/auth`` already, and can be no provider's name."""
PROVIDER_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")

_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-", "Python"),
)
_SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
"""Marks in a ``User-Agent``, the telling ones first: browsers claim to be each other."""

RESERVED_USERNAMES: Final = frozenset({"me", "none", "null", "system"})
"""Words that mean something else where a username may stand (``assignee=me``)."""

_USERNAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_UUID_LIKE: Final = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


class JwtAlgorithm(StrEnum):
    """Signature algorithms of RFC 7518 that access tokens may have."""

    ES256 = "ES256"
    RS256 = "RS256"


def folded(name: str) -> str:
    """The form in which two spellings of a username or email are the same."""
    return unicodedata.normalize("NFKC", name).casefold()


def username_fault(username: str) -> str | None:
    """Why ``username`` can't be one, or ``None``."""
    if len(username) > USERNAME_LENGTH_MAX:
        return f"must have at most {USERNAME_LENGTH_MAX} characters"
    if not _USERNAME.fullmatch(username):
        return "must be letters, digits, '.', '_' and '-', and begin with a letter or digit"
    if folded(username) in RESERVED_USERNAMES or _UUID_LIKE.fullmatch(username):
        return "is reserved"
    return None


def username_from_email(email: str) -> str:
    """A username that resembles the local part of ``email``; it may be taken."""
    local = re.sub(r"[^A-Za-z0-9._-]+", "-", email.partition("@")[0]).lstrip("._-")
    name = local[: USERNAME_LENGTH_MAX - 10] or "user"
    return f"{name}-1" if username_fault(name) else name


def normal_email(email: str) -> str:
    """``email`` in its normal form.

    Raises:
        ValueError: it is none, in words for the user.
    """
    if len(email) > EMAIL_LENGTH_MAX:
        # Before it is parsed, which takes half a second for a megabyte.
        raise ValueError(f"must have at most {EMAIL_LENGTH_MAX} characters")
    try:
        found = validate_email(email, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    if len(found.normalized) > EMAIL_LENGTH_MAX:
        raise ValueError(f"must have at most {EMAIL_LENGTH_MAX} characters")
    return found.normalized


def password_faults(password: str) -> list[str]:
    """Which rules of AUTH-14 ``password`` breaks, in words; none when it is good."""
    faults = []
    if len(password) < PASSWORD_LENGTH_MIN:
        faults.append(f"must have at least {PASSWORD_LENGTH_MIN} characters")
    if len(password) > PASSWORD_LENGTH_MAX:
        faults.append(f"must have at most {PASSWORD_LENGTH_MAX} characters")
    if not any(character.isupper() for character in password):
        faults.append("must contain an upper case letter")
    if not any(character.islower() for character in password):
        faults.append("must contain a lower case letter")
    if not any(character.isdigit() for character in password):
        faults.append("must contain a digit")
    if not any(not character.isalnum() for character in password):
        faults.append("must contain a special character")
    return faults


def failures_in_window(failures: Sequence[float], now: datetime) -> list[float]:
    """Those of ``failures`` (seconds since 1970) that count at ``now``.

    The window moves: one that stood still would let nearly twice as many tries through.
    """
    since = (now - FAILURE_WINDOW).timestamp()
    return [each for each in failures if each >= since]


def lock_time(locks_before: int) -> timedelta:
    """How long an account is locked: each time twice as long as before, up to a day."""
    doublings = min(locks_before, LOCK_DOUBLINGS_MAX)
    return min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


def device_name(user_agent: str | None) -> str:
    """What somebody would call the device, as far as its own word goes: ``Firefox on Linux``."""
    told = user_agent or ""
    browser = next((name for mark, name in _BROWSERS if mark in told), None)
    system = next((name for mark, name in _SYSTEMS if mark in told), None)
    if browser is None or system is None:
        return browser or system or "unknown device"
    return f"{browser} on {system}"


def visible_name(name: str | None) -> str | None:
    """A full name that somebody else vouches for, as far as it can be one here."""
    trimmed = (name or "").strip()
    if not trimmed or not trimmed.isprintable() or len(trimmed) > FULL_NAME_LENGTH_MAX:
        return None
    return trimmed


def hash_of_secret(secret: str) -> str:
    """What the database keeps of a random secret that somebody must show: SHA-256, in hexadecimal.

    Not for passwords: of 256 random bits none is guessed, so look-ups need not be slow.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
