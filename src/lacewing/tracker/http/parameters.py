"""Parameters that several routes of this domain take."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from lacewing.kernel.web.security import requires
from lacewing.kernel.work import Work
from lacewing.tracker.permissions import Permission
from lacewing.tracker.rules import ISSUE_KEY


def _id_or_key(value: str) -> Any:
    if ISSUE_KEY.fullmatch(value):
        return value
    try:
        return UUID(value)
    except ValueError:
        raise PydanticCustomError(
            "issue_reference", "must be the id of an issue or its key, as in WEB-42"
        ) from None


IssuePath = Annotated[
    str,
    Path(description="The issue's id, or its key.", examples=["WEB-42"]),
    AfterValidator(_id_or_key),
]
"""A ``service.IssueRef``; OpenAPI sees a string."""

ProjectViewer = Annotated[Work, requires(Permission.PROJECT_VIEW)]
ProjectCreator = Annotated[Work, requires(Permission.PROJECT_CREATE)]
ProjectEditor = Annotated[Work, requires(Permission.PROJECT_EDIT)]
IssueViewer = Annotated[Work, requires(Permission.ISSUE_VIEW)]
IssueWatcher = Annotated[Work, requires(Permission.ISSUE_WATCH)]
IssueCreator = Annotated[Work, requires(Permission.ISSUE_CREATE)]
IssueEditor = Annotated[Work, requires(Permission.ISSUE_EDIT)]
Commenter = Annotated[Work, requires(Permission.COMMENT_CREATE)]
CommentEditor = Annotated[Work, requires(Permission.COMMENT_EDIT)]
