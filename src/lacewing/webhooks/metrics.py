"""Measurements of what is sent to other systems; never by address: there is no end of them."""

from prometheus_client import Counter, Histogram

from lacewing.webhooks.rules import OffReason

TRIES = Counter(
    "lacewing_webhook_tries",
    "Tries to deliver, by how they ended: delivered, failed-again (tried later) or failed.",
    ["outcome"],
)
TRY_SECONDS = Histogram(
    "lacewing_webhook_try_duration_seconds",
    "How long receivers took to answer, or we to give up waiting.",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
SWITCHED_OFF = Counter(
    "lacewing_webhooks_switched_off",
    "Webhooks that were switched off, by the reason.",
    ["reason"],
)
DELIVERED = "delivered"
FAILED_AGAIN = "failed-again"
FAILED = "failed"

for outcome in (DELIVERED, FAILED_AGAIN, FAILED):
    TRIES.labels(outcome)
for reason in OffReason:
    SWITCHED_OFF.labels(reason.value)
