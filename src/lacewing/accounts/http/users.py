"""``/api/users``: looking colleagues up, and administering them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from lacewing.accounts import errors
from lacewing.accounts.http.parameters import UserAdministrator, UserViewer
from lacewing.accounts.permissions import Permission
from lacewing.accounts.schemas import AccountView, UserChange, UserQuery, UserView
from lacewing.accounts.service import users
from lacewing.kernel.pagination import Page
from lacewing.kernel.web.answers import (
    IfMatch,
    answer,
    answer_changed,
    answer_page,
    answer_thing,
    read_page,
)
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.kernel.web.runtime import runtime_of
from lacewing.kernel.work import Work

router = make_router("users")


def _as_seen_by(request: Request, work: Work, account: AccountView) -> UserView:
    """Emails of others are for administrators alone (AUTH-13)."""
    granted = runtime_of(request).permissions.granted(work.actor)
    if Permission.EMAIL_VIEW in granted or work.actor.id == account.id:
        return account
    return UserView(
        id=account.id,
        username=account.username,
        full_name=account.full_name,
        role=account.role,
        is_active=account.is_active,
        created_at=account.created_at,
    )


@router.get("/api/users", **documented("Look users up", Page[UserView]))
async def list_users(
    request: Request, work: UserViewer, query: Annotated[UserQuery, Query()]
) -> Response:
    found = await users.list_accounts(work, query, read_page(request, query))
    return answer_page(request, query, found.mapped(lambda each: _as_seen_by(request, work, each)))


@router.get(
    "/api/users/{user_id}",
    **documented("Read a user", UserView, errors=(errors.UserNotFound,)),
)
async def read_user(request: Request, work: UserViewer, user_id: UUID) -> Response:
    account = await users.get_account(work, user_id)
    return answer_thing(request, _as_seen_by(request, work, account))


@router.patch(
    "/api/users/{user_id}",
    **documented(
        "Change a user's role or activity",
        AccountView,
        errors=(errors.UserNotFound, errors.LastAdmin),
    ),
)
async def change_user(
    work: UserAdministrator, user_id: UUID, body: UserChange, precondition: IfMatch
) -> Response:
    changes = body.model_dump(exclude_unset=True)
    return answer_changed(await users.change_user(work, user_id, changes, precondition))


@router.post(
    "/api/users/{user_id}/unlock",
    **documented("Let a locked user in again", AccountView, errors=(errors.UserNotFound,)),
)
async def unlock_user(work: UserAdministrator, user_id: UUID) -> Response:
    return answer(await users.unlock_user(work, user_id))
