"""Login through identity providers (AUTH-12), and the identities that an account is linked to.

These routes stand last among those below ``/api/auth``: ``{provider}`` is any name that is not
taken there.
"""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Query, Request, Response

from lacewing.accounts import errors
from lacewing.accounts.http.parameters import Anyone, LoggedIn, TheAccounts
from lacewing.accounts.oidc.provider import IdentityNotProven, ProviderUnavailable
from lacewing.accounts.rules import LOGIN_STATE_LIFETIME, PROVIDER_NAME, RESERVED_PROVIDERS
from lacewing.accounts.schemas import AuthorizationStart, CallbackQuery, IdentityView
from lacewing.accounts.service import identities, social
from lacewing.accounts.service.social import Begun, Callback
from lacewing.accounts.tokens import TokenPair
from lacewing.kernel.pagination import Page
from lacewing.kernel.schemas import PagedQuery
from lacewing.kernel.web.answers import PRIVATE, answer, answer_page, no_content, read_page
from lacewing.kernel.web.cookies import drop_cookie, list_cookies, read_cookie, set_cookie
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.paths import define_path_kind
from lacewing.kernel.web.route import make_router
from lacewing.kernel.web.runtime import runtime_of

STATE_COOKIE = "lacewing-login"
LOGINS_AT_ONCE_MAX = 5
"""Logins that one browser may have under way, each with a cookie of some 600 bytes."""

define_path_kind(
    "provider", f"(?!(?:{'|'.join(sorted(RESERVED_PROVIDERS))})/?$){PROVIDER_NAME.pattern}"
)
router = make_router("social login")


def _redirect_uri(request: Request, provider: str) -> str:
    base = runtime_of(request).public_url or str(request.base_url).rstrip("/")
    return f"{base}/api/auth/{quote(provider)}/callback"


def _remember(request: Request, response: Response, begun: Begun) -> Response:
    """Bind the login to this browser: whoever ends it must have begun it (RFC 6749, 10.12).

    Of many that were begun and never ended, none is kept: their cookies would fill the head of
    every request.
    """
    waiting = list_cookies(request, STATE_COOKIE)
    if len(waiting) >= LOGINS_AT_ONCE_MAX:
        for name in waiting:
            drop_cookie(request, response, name)
    set_cookie(
        request,
        response,
        f"{STATE_COOKIE}-{begun.handle}",
        begun.sealed_state,
        max_age_seconds=int(LOGIN_STATE_LIFETIME.total_seconds()),
        same_site="lax",
    )
    return response


@router.get(
    "/api/auth/identities",
    **documented("List the identities that your account is linked to", Page[IdentityView]),
)
async def list_identities(
    request: Request, work: LoggedIn, query: Annotated[PagedQuery, Query()]
) -> Response:
    found = await identities.list_identities(work, read_page(request, query))
    return answer_page(request, query, found)


@router.post(
    "/api/auth/{provider:provider}/link",
    **documented(
        "Begin to link an identity to your account",
        AuthorizationStart,
        errors=(errors.ProviderNotFound, ProviderUnavailable),
        secret=True,
        description="Send the browser to the address of the answer; it must keep the cookie that "
        "comes with it. What the callback answers is a new session of this account.",
    ),
)
async def begin_to_link(
    request: Request, work: LoggedIn, accounts: TheAccounts, provider: str
) -> Response:
    redirect_uri = _redirect_uri(request, provider)
    begun = await social.begin(work, accounts, provider, redirect_uri, links=True)
    return _remember(request, answer(AuthorizationStart(begun.authorization_url)), begun)


@router.delete(
    "/api/auth/identities/{identity_id}",
    **documented("Unlink an identity", None, 204, (errors.IdentityNotFound, errors.LastWayIn)),
)
async def unlink_identity(work: LoggedIn, identity_id: UUID) -> Response:
    await identities.unlink(work, identity_id)
    return no_content()


@router.get(
    "/api/auth/{provider:provider}",
    **documented(
        "Log in through an identity provider",
        None,
        302,
        (errors.ProviderNotFound, ProviderUnavailable),
        description="For browsers: leads to the provider, which leads back to the callback.",
    ),
)
async def begin_login(
    request: Request, work: Anyone, accounts: TheAccounts, provider: str
) -> Response:
    begun = await social.begin(work, accounts, provider, _redirect_uri(request, provider))
    headers = {"Location": begun.authorization_url, **PRIVATE}
    return _remember(request, Response(status_code=302, headers=headers), begun)


@router.get(
    "/api/auth/{provider:provider}/callback",
    **documented(
        "End a login through an identity provider",
        TokenPair,
        errors=(
            errors.ProviderNotFound,
            errors.LoginStateInvalid,
            errors.ProviderLoginRefused,
            errors.EmailNotVerified,
            errors.AccountExists,
            errors.IdentityTaken,
            errors.RegistrationClosed,
            IdentityNotProven,
            ProviderUnavailable,
        ),
        any_query=True,
        description="The provider leads the browser here. Answers as a login does.",
    ),
)
async def end_login(
    request: Request,
    work: Anyone,
    accounts: TheAccounts,
    provider: str,
    query: Annotated[CallbackQuery, Query()],
) -> Response:
    cookie = f"{STATE_COOKIE}-{social.handle_of(query.state)}"
    callback = Callback(query.state, query.code, query.iss, query.error)
    tokens = await social.finish(work, accounts, provider, callback, read_cookie(request, cookie))
    response = answer(tokens)
    drop_cookie(request, response, cookie)
    return response
