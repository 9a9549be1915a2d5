"""What is true of webhooks without a database: their URLs, states, schedule and limits."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

WEBHOOKS_MAX: Final = 20
"""Webhooks of one project: each event is sent to all of them."""
URL_LENGTH_MAX: Final = 2_000
DESCRIPTION_LENGTH_MAX: Final = 500
EVENT_TYPES_MAX: Final = 50
EVENT_TYPE_LENGTH_MAX: Final = 100
EXCERPT_LENGTH_MAX: Final = 1_000
"""What is kept of a response, to see what a receiver says: characters."""
TRIES_KEPT: Final = 30
"""Tries told of a delivery, of which replays make more: those of three rounds."""
SENT_TO_HOST_MAX: Final = 4
"""At a time, by one worker."""
REPLAYED_AT_ONCE_MAX: Final = 1_000
DELIVERIES_KEPT: Final = timedelta(days=30)
OLD_SECRET_SIGNS: Final = timedelta(hours=24)
"""How long a replaced secret signs beside the new one."""
FAILING_MAX: Final = timedelta(days=3)
"""A webhook whose every try failed for longer is switched off, when a delivery is given up."""

PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Between the tries, after the first one at once: the schedule of the specification."""
ATTEMPTS_MAX: Final = len(PAUSES) + 1

ALL_EVENTS: Final = "*"
TEST_EVENT: Final = "webhook.test"
"""A message that is no event's; it is tried once."""
CLEARED_AT_ONCE_MAX: Final = 1_000
"""Deliveries of a webhook that is off or gone, given up or deleted in one transaction."""
CLEAR: Final = "webhooks.clear"
"""The kind of job that does so with the rest of them."""
DELIVER: Final = "webhooks.deliver"
"""The kind of job that carries one delivery."""


class Status(StrEnum):
    """Of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class OffReason(StrEnum):
    """Why Lacewing has switched a webhook off."""

    GONE = "gone"
    """The receiver has answered 410."""
    FAILING = "failing"
    """Nothing came through for days."""


class Target(msgspec.Struct, frozen=True):
    """Where a URL leads, taken apart once, so that what is checked is what is called."""

    scheme: str
    host: str
    """In lower case; an IPv6 address without its brackets."""
    port: int
    path: str
    """With the query, as it is sent."""
    address: IPv4Address | IPv6Address | None
    """The host, where that is an address and no name."""

    @property
    def authority(self) -> str:
        """What the ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


_PORTS: Final = {"https": 443, "http": 80}
_SECONDS_DIGITS_MAX: Final = 6
"""A day in seconds has five."""
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")
"""Those of RFC 3986, section 2, but for ``#``."""
_AUTHORITY: Final = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(:[0-9]*)?")
"""A host and perhaps a port, and nothing that a parser could take for either or pass over."""
_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*")


def parse_url(url: str) -> Target:
    """Where ``url`` leads.

    Raises:
        ValueError: it is none that a webhook may have, and why.
    """
    if "#" in url:
        raise ValueError("must have no fragment (#…)")
    if not _CHARACTERS.fullmatch(url):
        raise ValueError("must be written in the characters of RFC 3986, names as punycode")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is no URL") from None
    if parts.scheme not in _PORTS or "://" not in url:
        raise ValueError("must begin with https://")
    if "@" in parts.netloc:
        raise ValueError("must have no user or password in it")
    if not _AUTHORITY.fullmatch(parts.netloc):
        raise ValueError("must name a host that can be called")
    host = parts.hostname or ""
    address = _as_address(host, is_bracketed=parts.netloc.startswith("["))
    if (address is None and not _NAME.fullmatch(host)) or port == 0:
        raise ValueError("must name a host that can be called")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path, address)


def _as_address(host: str, *, is_bracketed: bool) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return address if is_bracketed is (address.version == 6) and "%" not in host else None  # ruff: ignore[magic-value-comparison]  of IP


def read_retry_after(header: str | None, now: datetime) -> timedelta:
    """How long a receiver asks to be left alone (RFC 9110, section 10.2.3); a day at the most."""
    longest = PAUSES[-1]
    if header is None:
        return timedelta()
    if header.isascii() and header.isdigit():
        return (
            longest
            if len(header) > _SECONDS_DIGITS_MAX
            else min(longest, timedelta(seconds=int(header)))
        )
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return timedelta()
    wanted = moment.replace(tzinfo=moment.tzinfo or UTC) - now
    return max(timedelta(), min(longest, wanted))


def lane_of(project_id: UUID, url: str, *, is_retry: bool) -> str:
    """Where the job of a delivery waits: what may hang, at most a part of all slots waits for.

    Raises:
        ValueError: ``url`` is none.
    """
    lane = f"project:{project_id} host:{parse_url(url).host}"
    return f"{lane} retry" if is_retry else lane


def lane_limits(slots: int) -> dict[str, int]:
    """How many of ``slots`` may send to one host, for one project, or what has failed before."""
    return {
        "host": SENT_TO_HOST_MAX,
        # Two hosts that hang still leave something to the project's other ones.
        "project": max(slots // 4, 2 * SENT_TO_HOST_MAX + 1),
        # What fails again and again leaves the other half to what is new.
        "retry": max(slots // 2, 1),
    }


def is_wanted(event_type: str, event_types: list[str]) -> bool:
    """Whether a webhook for ``event_types`` is told of such an event."""
    return event_types == [ALL_EVENTS] or event_type in event_types
