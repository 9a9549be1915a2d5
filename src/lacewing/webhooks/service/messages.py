"""What is sent: thin, with ids and links to what may be read there by whoever may read it."""

from datetime import datetime
from typing import Any, Final

import msgspec

from lacewing.webhooks.store.deliveries import Message

_LINKS: Final = {
    "project_id": ("project", "/api/projects/"),
    "issue_id": ("issue", "/api/issues/"),
    "comment_id": ("comment", "/api/comments/"),
    "document_id": ("document", "/api/documents/"),
}


class _Payload(msgspec.Struct):
    type: str
    timestamp: datetime
    data: dict[str, Any]


def body_of(message: Message, public_url: str | None) -> bytes:
    """The body of the request, the same for each try."""
    data = message.data
    links = {
        name: f"{public_url or ''}{path}{data[member]}"
        for member, (name, path) in _LINKS.items()
        if data.get(member) is not None
    }
    payload = _Payload(message.event_type, message.occurred_at, {**data, "links": links})
    return msgspec.json.encode(payload)
