"""Jobs: what may happen later or fail alone, as rows of the transaction that wants them done."""

from lacewing.kernel.jobs.kind import JobEnded, JobKind, Lease, LeaseLost
from lacewing.kernel.jobs.queue import enqueue, enqueue_all

__all__ = ["JobEnded", "JobKind", "Lease", "LeaseLost", "enqueue", "enqueue_all"]
