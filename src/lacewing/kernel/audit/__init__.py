"""The audit log: append-only, written in the transaction of what it tells of (SEC-9)."""

from lacewing.kernel.audit.record import Outcome, expect, record

__all__ = ["Outcome", "expect", "record"]
