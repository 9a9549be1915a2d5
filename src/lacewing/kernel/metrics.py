"""Measurements, in the names of Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

REQUEST_SECONDS = Histogram(
    "lacewing_http_request_duration_seconds",
    "How long requests took, by route template.",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STREAMS_ENDED = Counter(
    "lacewing_http_streams_ended",
    "Answers without an end of their own, which are no part of how long requests took.",
    ["route", "status"],
)
REQUESTS_IN_FLIGHT = Gauge(
    "lacewing_http_requests_in_flight",
    "Requests under way.",
    multiprocess_mode="livesum",
)
OUTBOX_WAITING = Gauge(
    "lacewing_outbox_waiting",
    "Events that are committed and not yet numbered.",
    multiprocess_mode="mostrecent",
)
EVENTS_BEHIND = Gauge(
    "lacewing_events_behind",
    "Numbered events that a consumer has not dealt with.",
    ["consumer"],
    multiprocess_mode="mostrecent",
)
JOBS_ENDED = Counter(
    "lacewing_jobs_ended",
    "Attempts at jobs, by how they ended: done, failed, lost or dead.",
    ["job", "outcome"],
)
JOBS_WAITING = Gauge(
    "lacewing_jobs_waiting",
    "Jobs that wait or run.",
    multiprocess_mode="mostrecent",
)
JOBS_DEAD = Gauge(
    "lacewing_jobs_dead",
    "Jobs that were given up and wait for a person.",
    multiprocess_mode="mostrecent",
)
LAST_BACKUP = Gauge(
    "lacewing_last_backup_timestamp_seconds",
    "When the last backup ended that `lacewing backup` made, in seconds since 1970; 0: never.",
    multiprocess_mode="mostrecent",
)
