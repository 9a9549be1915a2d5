"""The dashboards: what is shown, in which unit, from when on it is bad, and why it matters."""

from scripts.dashboard_parts import Page, Panel, bars, lines, number, quantile, rate

REQUESTS = "lacewing_http_request_duration_seconds"
ASKED = '!~"/health/.*|/metrics"'
TIMED = '!~"/health/.*|/metrics|/api/documents/upload|.*/(download|stream)"'
FAULT = '=~"5.."'
MINE = '{instance=~"$instance"}'

OVERVIEW = Page(
    "overview",
    "Overview",
    "Is it well? How much is asked, how much of it fails, how long it takes, and what is short.",
    {
        "Now": (
            number("Requests", "reqps", "How many a second, without probes.",
                   rate(f"{REQUESTS}_count", route=ASKED), decimals=1),
            number("Faults", "percentunit", "Share of answers that are our fault (5xx) in the last hour; 0.1 % are allowed.",
                   "lacewing:faults:ratio_rate1h", thresholds=(0.001, 0.01), decimals=2),
            number("Slow", "percentunit", "Share of requests that took longer than half a second in the last hour; 1 % may.",
                   "lacewing:slow:ratio_rate1h", thresholds=(0.01, 0.1), decimals=2),
            number("Allowance left", "percentunit", "Of the faults that three days may have, how many are left. Below 0: the promise is broken.",
                   "1 - lacewing:faults:ratio_rate3d / 0.001", decimals=0),
            number("Processes", "none", "Servers and workers that answer Prometheus.",
                   f"sum(lacewing_processes{MINE})"),
            number("Versions", "none", "More than one only during a rollout.",
                   "count(count by (version) (lacewing_build_info))", thresholds=(2,)),
        ),
        "Requests": (
            lines("Requests by status", "reqps", "4xx is clients' doing, 5xx ours.",
                  (rate(f"{REQUESTS}_count", "status", route=ASKED), "{{status}}"), stacked=True),
            lines("How long they take", "s", "Half, 95 and 99 of a hundred take no longer; without streams, uploads and downloads, which last as long as clients like.",
                  (quantile(0.5, REQUESTS, route=TIMED), "half"), (quantile(0.95, REQUESTS, route=TIMED), "95 %"),
                  (quantile(0.99, REQUESTS, route=TIMED), "99 %"), thresholds=(0.5, 2)),
            lines("Under way", "none", "Requests in flight, live streams among them. It grows when something below is slow.",
                  (f"sum by (instance) (lacewing_http_requests_in_flight{MINE})", "{{instance}}")),
            bars("Most asked", "reqps", "Ten operations, by how often they are asked.",
                 (f"topk(10, {rate(f'{REQUESTS}_count', 'method, route', route=ASKED)})", "{{method}} {{route}}"), width=8),
            bars("Slowest", "s", "Ten operations, by what 95 of a hundred do not exceed.",
                 (f"topk(10, {quantile(0.95, REQUESTS, 'route', route=TIMED)})", "{{route}}"), width=8, thresholds=(0.5, 2)),
            bars("Failing", "reqps", "Operations with faults of ours. Look for their `request_id` in the logs.",
                 (f"topk(10, {rate(f'{REQUESTS}_count', 'method, route', status=FAULT)})", "{{method}} {{route}}"),
                 width=8, thresholds=(0.001, 0.1)),
        ),
        "What is short": (
            lines("Event loop", "s", "How late it comes back (99 %): every request of that process waits for it. Add processes when it stays high.",
                  (quantile(0.99, "lacewing_event_loop_lag_seconds", "instance"), "{{instance}}"), thresholds=(0.1, 0.25)),
            lines("Processor", "percentunit", "Of one core; a process uses one at the most, a server with several as many.",
                  (rate("process_cpu_seconds_total", "instance", job='=~"lacewing-.*"'), "{{instance}}")),
            lines("Memory", "bytes", "Resident. It grows with connections and levels off.",
                  ('sum by (instance) (process_resident_memory_bytes{instance=~"$instance", job=~"lacewing-.*"})', "{{instance}}")),
            lines("Open files", "percentunit", "Of those that it may have; each connection is one.",
                  ('process_open_fds{instance=~"$instance", job=~"lacewing-.*"} / process_max_fds', "{{instance}}"), thresholds=(0.6, 0.8)),
            lines("Disk", "percentunit", "How full it is where the data folder stands.",
                  (f"1 - lacewing_disk_free_bytes{MINE} / lacewing_disk_size_bytes", "{{instance}}"), thresholds=(0.85, 0.95)),
            Panel("Alerts", "none", "What fires or is about to. Each has its page in docs/runbooks.md.", (), kind="alertlist"),
        ),
    },
)  # fmt: skip

DATABASE = Page(
    "database",
    "Database and Redis",
    "Who waits for the database, for how long, and what it refuses.",
    {
        "Connections": (
            lines("In use", "percentunit", "Of the connections that a process may have; with SQLite of the one that writes. At 100 % requests wait.",
                  ('lacewing:pool_used:ratio{instance=~"$instance"}', "{{instance}}"), thresholds=(0.8, 0.95)),
            lines("Waiting", "none", "Sessions that wait for a connection at this moment.",
                  (f"sum by (instance) (lacewing_db_pool_waiting{MINE})", "{{instance}}"), thresholds=(1, 20)),
            lines("How long they wait", "s", "For a connection; 95 and 99 of a hundred wait no longer. More than a few milliseconds: raise LACEWING_DATABASE_POOL_SIZE, or look for slow statements.",
                  (quantile(0.95, "lacewing_db_pool_wait_seconds"), "95 %"),
                  (quantile(0.99, "lacewing_db_pool_wait_seconds"), "99 %"), thresholds=(0.1, 1)),
        ),
        "Statements": (
            lines("Statements", "ops", "How many a second, by what they do.",
                  (rate("lacewing_db_statement_duration_seconds_count", "operation"), "{{operation}}"), stacked=True),
            lines("How long they take", "s", "99 of a hundred take no longer, without the wait for a connection. Which ones, traces tell.",
                  (quantile(0.99, "lacewing_db_statement_duration_seconds", "operation"), "{{operation}}"), thresholds=(0.1, 1)),
            lines("For each request", "none", "Statements for one request, on average. A jump means that something asks in a loop.",
                  (f"{rate('lacewing_db_statement_duration_seconds_count')} / {rate(f'{REQUESTS}_count', route=ASKED)}", "statements")),
        ),
        "Failures": (
            lines("The database fails", "ops", "By the driver's word for it. Requests are answered 503 meanwhile.",
                  (rate("lacewing_db_errors_total", "kind"), "{{kind}}"), thresholds=(0.01, 0.1)),
            lines("Redis fails", "ops", "By what it was asked for.",
                  (rate("lacewing_redis_errors_total", "used_for"), "{{used_for}}"), thresholds=(0.01, 1)),
            lines("Without Redis", "none", "1: rate limits are counted in each process, live messages come up to a second later.",
                  (f"max by (used_for, instance) (lacewing_redis_lost{MINE})", "{{used_for}} at {{instance}}"), thresholds=(1,)),
        ),
    },
)  # fmt: skip

JOBS = Page(
    "jobs",
    "Events, jobs and webhooks",
    "What happens after a request: the event log and its readers, jobs, documents, webhooks, housekeeping.",
    {
        "Now": (
            number("Dead jobs", "none", "Given up; they wait for a person: `lacewing jobs list`.", "max(lacewing_jobs_dead)", thresholds=(1, 10)),
            number("Due jobs", "none", "They wait or run.", "max(lacewing_jobs_waiting)", thresholds=(100, 10_000)),
            number("Oldest job", "s", "For how long the oldest one has been due.", "max(lacewing_jobs_oldest_seconds)", thresholds=(60, 600)),
            number("Oldest event", "s", "How long it has waited for its number.", "max(lacewing_outbox_oldest_seconds)", thresholds=(5, 60)),
            number("Farthest behind", "s", "How old the oldest event is that some consumer has not dealt with.", "max(lacewing_events_behind_seconds)", thresholds=(10, 120)),
            number("Webhooks delivered", "percentunit", "Of the tries in the last hour.",
                   'sum(rate(lacewing_webhook_tries_total{outcome="delivered"}[1h])) / sum(rate(lacewing_webhook_tries_total[1h]))', decimals=1),
        ),
        "Events": (
            lines("Told and dealt with", "ops", "The lines lie upon each other while all is well.",
                  (rate("lacewing_events_numbered_total"), "numbered"), (rate("lacewing_events_consumed_total", "consumer"), "{{consumer}}")),
            lines("Behind", "none", "Events that a consumer has not dealt with. One that only grows has failed: `events_failed` in the logs.",
                  ("max by (consumer) (lacewing_events_behind)", "{{consumer}}"), ("max(lacewing_outbox_waiting)", "without a number")),
            lines("How far behind", "s", "The age of the oldest event that was not dealt with.",
                  ("max by (consumer) (lacewing_events_behind_seconds)", "{{consumer}}"), ("max(lacewing_outbox_oldest_seconds)", "without a number"), thresholds=(10, 120)),
        ),
        "Jobs": (
            lines("Jobs by state", "none", "Scheduled ones wait for their time, or for that of their next attempt.",
                  ("max by (kind, state) (lacewing_jobs)", "{{kind}} {{state}}")),
            lines("Attempts", "ops", "By how they ended. `lost`: the worker was silent for so long that another took the job.",
                  (rate("lacewing_jobs_ended_total", "kind, outcome"), "{{kind}} {{outcome}}"), stacked=True),
            lines("How long they take", "s", "95 of a hundred attempts take no longer.",
                  (quantile(0.95, "lacewing_job_duration_seconds", "kind"), "{{kind}}"), thresholds=(60, 300)),
        ),
        "Documents": (
            lines("Taken in", "Bps", "Bytes of uploads a second, by what they are.",
                  (rate("lacewing_documents_uploaded_bytes_sum", "kind"), "{{kind}}")),
            lines("Uploads", "ops", "How many a second, by what they are.",
                  (rate("lacewing_documents_uploaded_bytes_count", "kind"), "{{kind}}")),
            lines("Processed", "ops", "By what came of it. Files that can't be read are their senders' doing.",
                  (rate("lacewing_documents_processed_total", "outcome"), "{{outcome}}"), stacked=True),
        ),
        "Webhooks": (
            lines("Tries", "ops", "`failed-again` is tried later, `failed` never.",
                  (rate("lacewing_webhook_tries_total", "outcome"), "{{outcome}}"), stacked=True),
            lines("How long receivers take", "s", "Half and 95 of a hundred answer sooner, or we give up waiting.",
                  (quantile(0.5, "lacewing_webhook_try_duration_seconds"), "half"), (quantile(0.95, "lacewing_webhook_try_duration_seconds"), "95 %"), thresholds=(5, 10)),
            lines("Switched off", "none", "Webhooks within the last hour, by the reason.",
                  ("sum by (reason) (increase(lacewing_webhooks_switched_off_total[1h]))", "{{reason}}"), thresholds=(1,)),
        ),
        "Housekeeping": (
            bars("Done last", "s", "How long ago. None should be much older than an hour.",
                 ("time() - max by (task) (lacewing_task_last_success_timestamp_seconds)", "{{task}}"), thresholds=(4_000, 7_800)),
            lines("Fails", "ops", "By the code of the refusal; `bug` stands in the logs with its traceback.",
                  (rate("lacewing_task_failures_total", "task, reason"), "{{task}} {{reason}}"), width=12, height=10, thresholds=(0.001,)),
        ),
    },
)  # fmt: skip

LIVE = Page(
    "live",
    "Live messages",
    "Sockets and streams: who listens, how late messages are, who is sent away.",
    {
        "Listeners": (
            lines("Open", "none", "Sockets and streams by process.",
                  (f"sum by (instance, kind) (lacewing_live_connections{MINE})", "{{kind}} at {{instance}}"), stacked=True, width=12),
            lines("Messages", "ops", "Put before those who listen, a second.", (rate("lacewing_live_messages_total", "instance"), "{{instance}}"), width=12),
        ),
        "How well": (
            lines("How late", "s", "From what happened to the message about it: half, 95 and 99 of a hundred. Above a second bells are not heard: look at Redis.",
                  (quantile(0.5, "lacewing_live_delay_seconds"), "half"), (quantile(0.95, "lacewing_live_delay_seconds"), "95 %"),
                  (quantile(0.99, "lacewing_live_delay_seconds"), "99 %"), thresholds=(1, 5)),
            lines("Sent away", "ops", "Connections that the server ended. `too-slow`: 256 messages waited; the client reads them when it comes again.",
                  (rate("lacewing_live_ended_total", "reason"), "{{reason}}"), stacked=True),
            lines("Not opened", "ops", "By the code of the refusal.", (rate("lacewing_live_refused_total", "reason"), "{{reason}}"), stacked=True),
        ),
    },
)  # fmt: skip

ENTRIES = "lacewing_audit_entries_total"
SECURITY = Page(
    "security",
    "Logins and security",
    "Who gets in, who does not, and whether the audit log is whole.",
    {
        "Now": (
            number("Failed logins", "none", "Within the last hour.",
                   f'sum(increase({ENTRIES}{{action="auth.login", outcome="failure"}}[1h]))', thresholds=(50, 500), decimals=0),
            number("Accounts locked", "none", "Within the last hour.", f'sum(increase({ENTRIES}{{action="auth.account_locked"}}[1h]))', thresholds=(1, 5), decimals=0),
            number("Tokens used twice", "none", "Within the last day: somebody may have stolen them.",
                   f'sum(increase({ENTRIES}{{action="auth.refresh_reuse"}}[1d]))', thresholds=(1, 1), decimals=0),
            number("Access denied", "none", "Within the last hour.", f'sum(increase({ENTRIES}{{action="access.denied"}}[1h]))', thresholds=(20, 200), decimals=0),
            number("Not chained", "none", "Entries of the audit log that are not bound to those before; a handful, for a second.", "max(lacewing_audit_unchained)", thresholds=(100, 500)),
            number("Certificate", "s", "How long it is still valid.", 'min(probe_ssl_earliest_cert_expiry{job="lacewing-site"} - time())'),
        ),
        "Logins": (
            lines("Logins", "ops", "With a password. Many failures beside few successes: somebody guesses.",
                  (rate(ENTRIES, "outcome", action='="auth.login"'), "{{outcome}}"), stacked=True),
            lines("Logins elsewhere", "ops", "With Google or another provider.", (rate(ENTRIES, "outcome", action='="auth.social_login"'), "{{outcome}}"), stacked=True),
            lines("Sessions and accounts", "ops", "Everything else around accounts.",
                  (rate(ENTRIES, "action", action='=~"auth[.].+", action!~"auth[.](login|social_login)"'), "{{action}}")),
        ),
        "Refusals": (
            lines("Too many tries", "ops", "By the limit that was reached. Bursts of one client are its own doing.", (rate("lacewing_rate_limited_total", "limit"), "{{limit}}"), stacked=True),
            lines("Not allowed", "ops", "Tries that were refused for lack of rights, and those without or with a bad token.",
                  (rate(ENTRIES, action='="access.denied"'), "denied"), (rate(f"{REQUESTS}_count", status='="401"'), "401")),
            lines("What people do", "ops", "Everything that the audit log notes, but logins.", (rate(ENTRIES, "action", action='!~"auth[.].+|access[.]denied"'), "{{action}}")),
        ),
    },
)  # fmt: skip

PAGES = (OVERVIEW, DATABASE, JOBS, LIVE, SECURITY)
