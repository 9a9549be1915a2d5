"""``/api/auth/personal-access-tokens``: tokens for scripts."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from lacewing.accounts import errors
from lacewing.accounts.http.parameters import LoggedIn
from lacewing.accounts.schemas import (
    NewPersonalAccessToken,
    NewPersonalAccessTokenView,
    PersonalAccessTokenView,
)
from lacewing.accounts.service import access_tokens
from lacewing.kernel.pagination import Page
from lacewing.kernel.schemas import PagedQuery
from lacewing.kernel.web.answers import (
    IfMatch,
    answer,
    answer_page,
    answer_thing,
    no_content,
    read_page,
)
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router

router = make_router("accounts")

_PATH = "/api/auth/personal-access-tokens"


@router.get(
    _PATH,
    **documented(
        "List your personal access tokens that are good now, newest first",
        Page[PersonalAccessTokenView],
    ),
)
async def list_tokens(
    request: Request, work: LoggedIn, query: Annotated[PagedQuery, Query()]
) -> Response:
    found = await access_tokens.list_tokens(work, read_page(request, query))
    return answer_page(request, query, found)


@router.post(
    _PATH,
    **documented(
        "Make a personal access token for scripts",
        NewPersonalAccessTokenView,
        201,
        (errors.TooManyTokens,),
        secret=True,
        description="Send it as `Authorization: Bearer lw_…`. It may never do more than you, nor "
        "what its scopes do not name, nor anything about passwords, sessions and tokens. This "
        "answer is the only place where it stands.",
    ),
)
async def create_token(work: LoggedIn, body: NewPersonalAccessToken) -> Response:
    token = await access_tokens.create_token(work, body)
    return answer(token, 201, {"Location": f"{_PATH}/{token.id}"})


@router.get(
    _PATH + "/{token_id}",
    **documented(
        "Read a personal access token of yours",
        PersonalAccessTokenView,
        errors=(errors.TokenNotFound,),
    ),
)
async def read_token(request: Request, work: LoggedIn, token_id: UUID) -> Response:
    return answer_thing(request, await access_tokens.get_token(work, token_id))


@router.delete(
    _PATH + "/{token_id}",
    **documented("Revoke a personal access token at once", None, 204, (errors.TokenNotFound,)),
)
async def revoke_token(work: LoggedIn, token_id: UUID, precondition: IfMatch) -> Response:
    await access_tokens.revoke_token(work, token_id, precondition)
    return no_content()
