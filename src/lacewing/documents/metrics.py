"""Measurements of documents; how long processing takes is that of its job."""

from prometheus_client import Counter, Histogram

from lacewing.documents.rules import Failure, Kind

MIB = 1024 * 1024

UPLOADED_BYTES = Histogram(
    "lacewing_documents_uploaded_bytes",
    "Sizes of the files that were taken in, by what they are.",
    ["kind"],
    buckets=(MIB // 16, MIB // 4, MIB, 4 * MIB, 16 * MIB, 64 * MIB),
)
PROCESSED = Counter(
    "lacewing_documents_processed",
    "Documents whose processing has ended: `completed`, or why it failed.",
    ["outcome"],
)
COMPLETED = "completed"

for kind in Kind:
    UPLOADED_BYTES.labels(kind.name.lower())
for outcome in (COMPLETED, *Failure):
    PROCESSED.labels(str(outcome))
