"""Events: what happened, in the past tense, written to the outbox in the change's transaction."""

from lacewing.kernel.events.event import Event, RecordedEvent, names_with
from lacewing.kernel.events.outbox import emit

__all__ = ["Event", "RecordedEvent", "emit", "names_with"]
