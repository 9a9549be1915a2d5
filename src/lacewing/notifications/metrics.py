"""Measurements of live messages."""

from prometheus_client import Counter, Gauge, Histogram

OPEN = Gauge(
    "lacewing_live_connections",
    "Sockets and streams that are open.",
    ["kind"],
    multiprocess_mode="livesum",
)
SENT = Counter("lacewing_live_messages", "Messages that were put before those who listen.")
ENDED = Counter(
    "lacewing_live_ended",
    "Connections that the server ended, by the reason: too-slow, session-ended, going-away or "
    "unavailable.",
    ["reason"],
)
REFUSED = Counter(
    "lacewing_live_refused", "Sockets that were not opened, by the code of the refusal.", ["reason"]
)
DELAY_SECONDS = Histogram(
    "lacewing_live_delay_seconds",
    "From what happened to the message about it, once for each process that has listeners.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)
SOCKET = "socket"
STREAM = "stream"

for kind in (SOCKET, STREAM):
    OPEN.labels(kind).set(0)
