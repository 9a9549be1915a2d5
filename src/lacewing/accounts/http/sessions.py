"""``/api/auth/sessions``: where one is logged in, and ending one of them (AUTH-9)."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from lacewing.accounts import errors
from lacewing.accounts.http.parameters import LoggedIn
from lacewing.accounts.schemas import SessionView
from lacewing.accounts.service import sessions
from lacewing.kernel.pagination import Page
from lacewing.kernel.schemas import PagedQuery
from lacewing.kernel.web.answers import answer_page, no_content, read_page
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router

router = make_router("accounts")


@router.get(
    "/api/auth/sessions",
    **documented("List your sessions that are good now, newest first", Page[SessionView]),
)
async def list_sessions(
    request: Request, work: LoggedIn, query: Annotated[PagedQuery, Query()]
) -> Response:
    found = await sessions.list_own_sessions(work, read_page(request, query))
    return answer_page(request, query, found)


@router.delete(
    "/api/auth/sessions/{session_id}",
    **documented("End one of your sessions at once", None, 204, (errors.SessionNotFound,)),
)
async def end_session(work: LoggedIn, session_id: UUID) -> Response:
    await sessions.end_session_of_own(work, session_id)
    return no_content()
