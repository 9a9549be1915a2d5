"""Measurements, in the names of Prometheus; those of one domain stand in that domain.

Labels are few and from closed sets: templates, kinds, codes, never ids, addresses or names of
people. None is called ``job`` or ``instance``: so Prometheus calls what it asks, and renames
whatever of ours has such a name. ``multiprocess_mode`` says how the values of the processes of one
server become one.
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SUM_OF_ALIVE: Final = "livesum"
NEWEST: Final = "mostrecent"
"""For what every process reads from the same place."""
QUICK_BUCKETS: Final = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)
JOB_BUCKETS: Final = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300)

BUILD = Gauge(
    "lacewing_build_info",
    "Always 1: which version runs, on which Python.",
    ["version", "python"],
    multiprocess_mode="max",
)
PROCESSES = Gauge(
    "lacewing_processes", "Processes that serve or work.", multiprocess_mode=SUM_OF_ALIVE
)
EVENT_LOOP_LAG_SECONDS = Histogram(
    "lacewing_event_loop_lag_seconds",
    "How much later than asked the event loop came back: what every request waits beside its own.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
DISK_FREE_BYTES = Gauge(
    "lacewing_disk_free_bytes",
    "Room that is left where the data folder stands.",
    multiprocess_mode=NEWEST,
)
DISK_SIZE_BYTES = Gauge(
    "lacewing_disk_size_bytes",
    "All the room where the data folder stands.",
    multiprocess_mode=NEWEST,
)

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
    "Requests under way, live streams among them.",
    multiprocess_mode=SUM_OF_ALIVE,
)
RATE_LIMITED = Counter(
    "lacewing_rate_limited",
    "Tries that were refused for being too many, by the name of the limit.",
    ["limit"],
)

POOL_SIZE = Gauge(
    "lacewing_db_pool_size",
    "Connections to the database that there may be; with SQLite the one that writes.",
    multiprocess_mode=SUM_OF_ALIVE,
)
POOL_IN_USE = Gauge(
    "lacewing_db_pool_in_use",
    "Connections to the database that somebody holds.",
    multiprocess_mode=SUM_OF_ALIVE,
)
POOL_WAITING = Gauge(
    "lacewing_db_pool_waiting",
    "Sessions that wait for a connection to the database.",
    multiprocess_mode=SUM_OF_ALIVE,
)
POOL_WAIT_SECONDS = Histogram(
    "lacewing_db_pool_wait_seconds",
    "How long sessions waited for a connection to the database.",
    buckets=QUICK_BUCKETS,
)
STATEMENT_SECONDS = Histogram(
    "lacewing_db_statement_duration_seconds",
    "How long statements took, without the wait for a connection.",
    ["operation"],
    buckets=QUICK_BUCKETS,
)
DB_ERRORS = Counter(
    "lacewing_db_errors",
    "Statements and connections that failed for want of a database, by the driver's word for it.",
    ["kind"],
)
REDIS_ERRORS = Counter(
    "lacewing_redis_errors",
    "Times that Redis did not answer, by what it was asked for.",
    ["used_for"],
)
REDIS_LOST = Gauge(
    "lacewing_redis_lost",
    "Whether one goes on without Redis at present (1) or with it (0), by what it is for.",
    ["used_for"],
    multiprocess_mode="livemax",
)

OUTBOX_WAITING = Gauge(
    "lacewing_outbox_waiting",
    "Events that are committed and not yet numbered.",
    multiprocess_mode=NEWEST,
)
OUTBOX_OLDEST_SECONDS = Gauge(
    "lacewing_outbox_oldest_seconds",
    "How long the oldest of them has waited for its number.",
    multiprocess_mode=NEWEST,
)
EVENTS_NUMBERED = Counter("lacewing_events_numbered", "Events that this process has numbered.")
EVENTS_CONSUMED = Counter(
    "lacewing_events_consumed",
    "Events that this process has dealt with for a consumer.",
    ["consumer"],
)
EVENTS_BEHIND = Gauge(
    "lacewing_events_behind",
    "Numbered events that a consumer has not dealt with.",
    ["consumer"],
    multiprocess_mode=NEWEST,
)
EVENTS_BEHIND_SECONDS = Gauge(
    "lacewing_events_behind_seconds",
    "How old the oldest event is that a consumer has not dealt with.",
    ["consumer"],
    multiprocess_mode=NEWEST,
)

JOBS_WAITING = Gauge(
    "lacewing_jobs_waiting",
    "Jobs that are due, whether they wait or run: the work that workers have.",
    multiprocess_mode=NEWEST,
)
JOBS = Gauge(
    "lacewing_jobs",
    "Jobs by kind: waiting (due, begun by nobody), running, scheduled (due later).",
    ["kind", "state"],
    multiprocess_mode=NEWEST,
)
JOBS_OLDEST_SECONDS = Gauge(
    "lacewing_jobs_oldest_seconds",
    "For how long the oldest job of a kind that waits has been due.",
    ["kind"],
    multiprocess_mode=NEWEST,
)
JOBS_DEAD = Gauge(
    "lacewing_jobs_dead",
    "Jobs that were given up and wait for a person.",
    multiprocess_mode=NEWEST,
)
JOBS_ENDED = Counter(
    "lacewing_jobs_ended",
    "Attempts at jobs, by how they ended: done, failed, lost, put-back or dead.",
    ["kind", "outcome"],
)
JOB_SECONDS = Histogram(
    "lacewing_job_duration_seconds",
    "How long attempts at jobs took.",
    ["kind"],
    buckets=JOB_BUCKETS,
)
TASK_FAILURES = Counter(
    "lacewing_task_failures",
    "Housekeeping that failed, by the code of the refusal; `bug` where there was none.",
    ["task", "reason"],
)
TASK_DONE_AT = Gauge(
    "lacewing_task_last_success_timestamp_seconds",
    "When housekeeping was done last, as a Unix time.",
    ["task"],
    multiprocess_mode="max",
)
AUDIT_ENTRIES = Counter(
    "lacewing_audit_entries",
    "Entries written into the audit log: logins, lockouts, refusals and what people do.",
    ["action", "outcome"],
)
AUDIT_WAITING = Gauge(
    "lacewing_audit_unchained",
    "Entries of the audit log that are not bound into its chain yet, counted up to a bound.",
    multiprocess_mode=NEWEST,
)
LAST_BACKUP = Gauge(
    "lacewing_last_backup_timestamp_seconds",
    "When the last backup ended that `lacewing backup` made, in seconds since 1970; 0: never.",
    multiprocess_mode="mostrecent",
)
