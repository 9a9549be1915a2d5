"""Who may do what: one row for each operation, two where the body decides (PERM-1).

What stands here is written down from the specification, not read from the code.
"""

from dataclasses import dataclass
from typing import Any, Final

from tests.support.house import PASSWORD

ANONYMOUS: Final = "anonymous"
DEVELOPER: Final = "developer"
REPORTER: Final = "reporter"
"""A developer: the issue, the comment, the product, the post and the collection are theirs."""
ASSIGNEE: Final = "assignee"
FORMER_MANAGER: Final = "former manager"
"""Created the project, and is a developer now: being its creator gives nothing any more."""
CREATOR: Final = "creator"
"""A manager who created the project."""
MANAGER: Final = "manager"
ADMIN: Final = "admin"

ACTORS: Final = (
    ANONYMOUS, DEVELOPER, REPORTER, ASSIGNEE, FORMER_MANAGER, CREATOR, MANAGER, ADMIN
)  # fmt: skip

ANYBODY: Final = frozenset(ACTORS)
SIGNED_IN: Final = ANYBODY - {ANONYMOUS}
MANAGERS: Final = frozenset({CREATOR, MANAGER, ADMIN})
OWNERS: Final = frozenset({CREATOR, ADMIN})
EDITORS: Final = MANAGERS | {REPORTER, ASSIGNEE}
ASSIGNERS: Final = MANAGERS | {REPORTER}
AUTHOR: Final = frozenset({REPORTER})
ADMINS: Final = frozenset({ADMIN})
OWNER_OF_PAPERS: Final = AUTHOR | ADMINS
PRODUCT_EDITORS: Final = MANAGERS | AUTHOR

NEW_PASSWORD: Final = "Another-Horse-8"


@dataclass(frozen=True)
class Row:
    """An operation, who may carry it out, and what to send (``{…}`` is filled in)."""

    method: str
    path: str
    allowed: frozenset[str]
    json: dict[str, Any] | None = None
    form: dict[str, str] | None = None
    headers: dict[str, str] | None = None
    file: bool = False
    """Whether the form is a multipart one, with a file."""
    reaches: str | None = None
    """The problem that tells whoever may that there is nothing to do it to."""
    is_hidden: bool = False
    """Whether the thing is not even there for whoever may not: 404, not 403."""

    @property
    def operation(self) -> tuple[str, str]:
        return self.method, self.path

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.json or self.form or ''}".strip()


PRODUCT: Final = {"name": "Standing desk", "category": "furniture", "price": "9.99"}
NEW_USER: Final = {"email": "{unique}@example.com", "password": PASSWORD}

MATRIX: Final = (
    Row("POST", "/api/auth/register", ANYBODY, NEW_USER),
    Row("POST", "/api/auth/signup", ANYBODY, NEW_USER),
    Row("POST", "/api/auth/login", ANYBODY, {"username": "{target}", "password": PASSWORD}),
    Row(
        "POST",
        "/api/auth/token",
        ANYBODY,
        form={"grant_type": "password", "username": "{target}", "password": PASSWORD},
    ),
    Row("POST", "/api/auth/refresh", ANYBODY, {"refresh_token": "{refresh_token}"}),
    Row("POST", "/api/auth/logout", SIGNED_IN),
    Row("POST", "/api/auth/logout-all", SIGNED_IN),
    Row("GET", "/api/auth/me", SIGNED_IN),
    Row("PATCH", "/api/auth/me", SIGNED_IN, {"full_name": "New Name"}),
    Row(
        "POST",
        "/api/auth/password",
        SIGNED_IN,
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    ),
    Row("GET", "/api/auth/verify", SIGNED_IN),
    Row("GET", "/api/auth/sessions", SIGNED_IN),
    Row("DELETE", "/api/auth/sessions/{session_id}", AUTHOR, is_hidden=True),
    Row("GET", "/api/auth/personal-access-tokens", SIGNED_IN),
    Row(
        "POST",
        "/api/auth/personal-access-tokens",
        SIGNED_IN,
        {"name": "Nightly build", "scopes": ["read"]},
    ),
    Row("GET", "/api/auth/personal-access-tokens/{token_id}", AUTHOR, is_hidden=True),
    Row("DELETE", "/api/auth/personal-access-tokens/{token_id}", AUTHOR, is_hidden=True),
    Row("GET", "/api/auth/{provider}", ANYBODY, reaches="provider-not-found"),
    Row("GET", "/api/auth/{provider}/callback", ANYBODY, reaches="provider-not-found"),
    Row("GET", "/api/auth/identities", SIGNED_IN),
    Row("POST", "/api/auth/{provider}/link", SIGNED_IN, reaches="provider-not-found"),
    Row(
        "DELETE",
        "/api/auth/identities/{identity_id}",
        SIGNED_IN,
        reaches="identity-not-found",
    ),
    Row("GET", "/.well-known/jwks.json", ANYBODY),
    Row("GET", "/api/permissions", SIGNED_IN),
    Row("GET", "/api/users", SIGNED_IN),
    Row("GET", "/api/users/{user_id}", SIGNED_IN),
    Row("PATCH", "/api/users/{user_id}", ADMINS, {"role": "manager"}),
    Row("PATCH", "/api/users/{user_id}", ADMINS, {"is_active": False}),
    Row("POST", "/api/users/{user_id}/unlock", ADMINS),
    Row("GET", "/api/projects", SIGNED_IN),
    Row("POST", "/api/projects", MANAGERS, {"name": "Project {unique}"}),
    Row("GET", "/api/projects/{project_id}", SIGNED_IN),
    Row("PATCH", "/api/projects/{project_id}", OWNERS, {"description": "Changed."}),
    Row("PATCH", "/api/projects/{project_id}", OWNERS, {"is_archived": True}),
    Row("DELETE", "/api/projects/{project_id}", OWNERS),
    Row("GET", "/api/issues", SIGNED_IN),
    Row("GET", "/api/projects/{project_id}/issues", SIGNED_IN),
    Row("POST", "/api/projects/{project_id}/issues", SIGNED_IN, {"title": "Slow"}),
    Row(
        "POST",
        "/api/projects/{project_id}/issues",
        SIGNED_IN,
        {"title": "Slow", "assignee_id": "{target}"},
    ),
    Row("GET", "/api/issues/{issue}", SIGNED_IN),
    Row("PATCH", "/api/issues/{issue}", EDITORS, {"title": "Changed"}),
    Row("PATCH", "/api/issues/{issue}", EDITORS, {"status": "in_progress"}),
    Row("PATCH", "/api/issues/{issue}", ASSIGNERS, {"assignee_id": "{target}"}),
    Row("PATCH", "/api/issues/{issue}", ASSIGNERS, {"assignee_id": None}),
    Row("PATCH", "/api/issues/{issue}", ASSIGNERS, {"title": "New", "assignee_id": "{target}"}),
    Row("GET", "/api/issues/{issue}/history", SIGNED_IN),
    Row("GET", "/api/issues/{issue}/transitions", SIGNED_IN),
    Row("GET", "/api/issues/{issue}/watch", SIGNED_IN),
    Row("POST", "/api/issues/{issue}/watch", SIGNED_IN),
    Row("DELETE", "/api/issues/{issue}/watch", SIGNED_IN),
    Row("GET", "/api/issues/{issue}/comments", SIGNED_IN),
    Row("POST", "/api/issues/{issue}/comments", SIGNED_IN, {"content": "Seen too."}),
    Row("GET", "/api/comments/{comment_id}", SIGNED_IN),
    Row("PATCH", "/api/comments/{comment_id}", AUTHOR, {"content": "Changed."}),
    Row("POST", "/api/documents/upload", SIGNED_IN, form={}, file=True),
    Row("POST", "/api/documents/upload", SIGNED_IN, form={"issue_id": "{issue}"}, file=True),
    Row("GET", "/api/documents", SIGNED_IN),
    Row("GET", "/api/documents/{document_id}", SIGNED_IN),
    Row("DELETE", "/api/documents/{document_id}", OWNER_OF_PAPERS),
    Row("GET", "/api/documents/{document_id}/status", SIGNED_IN),
    Row("GET", "/api/documents/{document_id}/result", SIGNED_IN, reaches="result-not-ready"),
    Row("GET", "/api/documents/{document_id}/download", SIGNED_IN),
    Row("POST", "/api/documents/{document_id}/process", SIGNED_IN),
    Row("GET", "/api/posts", SIGNED_IN),
    Row("POST", "/api/posts", SIGNED_IN, {"title": "News", "body": "Good ones."}),
    Row("GET", "/api/posts/{post_id}", SIGNED_IN),
    Row("PUT", "/api/posts/{post_id}", AUTHOR | ADMINS, {"title": "Newer", "body": "Better."}),
    Row("PATCH", "/api/posts/{post_id}", AUTHOR | ADMINS, {"title": "Newer"}),
    Row("DELETE", "/api/posts/{post_id}", AUTHOR | ADMINS),
    Row("GET", "/api/collections", SIGNED_IN),
    Row("POST", "/api/collections", SIGNED_IN, {"name": "To read"}),
    Row("GET", "/api/collections/{collection_id}", AUTHOR, is_hidden=True),
    Row(
        "PUT",
        "/api/collections/{collection_id}",
        AUTHOR,
        {"name": "Read", "post_ids": []},
        is_hidden=True,
    ),
    Row("PATCH", "/api/collections/{collection_id}", AUTHOR, {"name": "Read"}, is_hidden=True),
    Row("DELETE", "/api/collections/{collection_id}", AUTHOR, is_hidden=True),
    Row(
        "POST",
        "/api/collections/{collection_id}/add_post",
        AUTHOR,
        {"post_id": "{post_id}"},
        is_hidden=True,
    ),
    Row(
        "POST",
        "/api/collections/{collection_id}/remove_post",
        AUTHOR,
        {"post_id": "{post_id}"},
        is_hidden=True,
    ),
    Row("GET", "/api/products", SIGNED_IN),
    Row("POST", "/api/products", SIGNED_IN, PRODUCT),
    Row("GET", "/api/products/{product_id}", SIGNED_IN),
    Row("PUT", "/api/products/{product_id}", PRODUCT_EDITORS, PRODUCT),
    Row("PATCH", "/api/products/{product_id}", PRODUCT_EDITORS, {"price": "1.00"}),
    Row("DELETE", "/api/products/{product_id}", PRODUCT_EDITORS),
    Row("GET", "/api/dashboard/summary", SIGNED_IN),
    Row("GET", "/api/dashboard/issues", SIGNED_IN),
    Row("GET", "/api/projects/{project_id}/webhooks", OWNERS),
    Row(
        "POST",
        "/api/projects/{project_id}/webhooks",
        OWNERS,
        {"url": "https://hooks.example.com/", "event_types": ["*"]},
    ),
    Row("GET", "/api/webhooks/{webhook_id}", OWNERS),
    Row("PATCH", "/api/webhooks/{webhook_id}", OWNERS, {"description": "Changed."}),
    Row("DELETE", "/api/webhooks/{webhook_id}", OWNERS),
    Row("POST", "/api/webhooks/{webhook_id}/rotate-secret", OWNERS),
    Row("POST", "/api/webhooks/{webhook_id}/test", OWNERS),
    Row("GET", "/api/webhooks/{webhook_id}/deliveries", OWNERS),
    Row(
        "POST",
        "/api/webhooks/deliveries/{delivery_id}/replay",
        OWNERS,
        reaches="webhook-delivery-pending",
    ),
    Row(
        "POST",
        "/api/webhooks/{webhook_id}/replay",
        OWNERS,
        {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
    ),
    Row("GET", "/api/audit", ADMINS),
    Row("GET", "/api/events/feed", ADMINS),
    Row("GET", "/api/notifications", SIGNED_IN),
    Row("POST", "/api/notifications/read-all", SIGNED_IN),
    # What would be allowed has no end.
    Row(
        "GET",
        "/api/notifications/stream",
        SIGNED_IN,
        headers={"Last-Event-ID": "no-number"},
        reaches="validation-failed",
    ),
    Row("POST", "/api/notifications/ticket", SIGNED_IN),
    Row("GET", "/api/notifications/preferences", SIGNED_IN),
    Row(
        "PATCH",
        "/api/notifications/preferences",
        SIGNED_IN,
        {"preferences": [{"reason": "watching", "is_wanted": True}]},
    ),
    Row(
        "POST",
        "/api/notifications/{notification_id}/read",
        SIGNED_IN,
        reaches="notification-not-found",
    ),
)
