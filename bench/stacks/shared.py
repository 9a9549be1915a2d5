"""What all rivals do alike: read the token, render Markdown, make a cursor."""

import base64
import os
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import nh3
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from markdown_it import MarkdownIt

DATABASE_URL = os.environ.get("LACEWING_DATABASE_URL", "")
POOL_SIZE = 10
NO_DUE_DATE = date(9999, 12, 30)
_key_file = Path(os.environ.get("LACEWING_DATA_DIR", "")) / "keys" / "access-es256.pem"
_key = ECKey.import_key(_key_file.read_bytes()) if _key_file.is_file() else None
_claims = jwt.JWTClaimsRegistry(
    exp={"essential": True}, iss={"essential": True, "value": "lacewing"}
)
_markdown = MarkdownIt("commonmark", {"html": False})


def user_of(header: str | None) -> UUID | None:
    """The user of a good bearer token."""
    if header is None or not header.startswith("Bearer ") or _key is None:
        return None
    try:
        token = jwt.decode(header.removeprefix("Bearer "), _key, algorithms=["ES256"])
        _claims.validate(token.claims)
    except JoseError:
        return None
    return UUID(token.claims["sub"])


def html_of(text: str) -> str:
    return nh3.clean(_markdown.render(text))


def cursor_of(created_at: datetime, issue_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{created_at.isoformat()}|{issue_id}".encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    moment, _, issue_id = base64.urlsafe_b64decode(cursor).decode().partition("|")
    return datetime.fromisoformat(moment), UUID(issue_id)


def now() -> datetime:
    return datetime.now(UTC)
