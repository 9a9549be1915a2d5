"""``/api/auth``: registration, login, tokens, one's own account."""

from typing import Annotated

from fastapi import Form, Request, Response

from lacewing.accounts import errors
from lacewing.accounts.component import Accounts
from lacewing.accounts.http.parameters import Anyone, LoggedIn, Myself, MyselfChanging, TheAccounts
from lacewing.accounts.rules import DEVICE_LIFETIME
from lacewing.accounts.schemas import (
    AccountView,
    Credentials,
    NewUser,
    PasswordChange,
    PasswordGrant,
    ProfileChange,
    RefreshRequest,
    Verification,
)
from lacewing.accounts.service import login, sessions, users, verification
from lacewing.accounts.service.sessions import Entered
from lacewing.accounts.tokens import TokenPair
from lacewing.kernel.errors import LimitExceeded
from lacewing.kernel.web.answers import (
    IfMatch,
    answer,
    answer_changed,
    answer_created,
    answer_thing,
    no_content,
)
from lacewing.kernel.web.cookies import read_cookie, set_cookie
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.kernel.web.runtime import runtime_of
from lacewing.kernel.web.security import read_bearer
from lacewing.kernel.work import Work

router = make_router("accounts")

DEVICE_COOKIE = "lacewing-device"
"""Tells that somebody has logged in from this device before; it lets nobody in by itself."""

_REGISTER_ERRORS = (errors.RegistrationClosed, errors.UsernameTaken, errors.EmailTaken)


@router.post(
    "/api/auth/register",
    **documented("Register a new user", AccountView, 201, _REGISTER_ERRORS),
)
async def register(work: Anyone, accounts: TheAccounts, body: NewUser) -> Response:
    account = await users.register(work, accounts, body)
    return answer_created(account, f"/api/users/{account.id}")


@router.post(
    "/api/auth/signup",
    **documented(
        "Register a new user (another name of register)", AccountView, 201, _REGISTER_ERRORS
    ),
)
async def sign_up(work: Anyone, accounts: TheAccounts, body: NewUser) -> Response:
    account = await users.register(work, accounts, body)
    return answer_created(account, f"/api/users/{account.id}")


@router.post(
    "/api/auth/login",
    **documented(
        "Log in with username or email", TokenPair, errors=(errors.InvalidCredentials,), secret=True
    ),
)
async def log_in(
    request: Request, work: Anyone, accounts: TheAccounts, body: Credentials
) -> Response:
    name = body.username or body.email or ""
    return await _log_in(request, work, accounts, name, body.password.get_secret_value())


@router.post(
    "/api/auth/token",
    **documented(
        "Log in by the OAuth 2.0 password grant",
        TokenPair,
        errors=(errors.InvalidCredentials,),
        secret=True,
    ),
)
async def grant_token(
    request: Request, work: Anyone, accounts: TheAccounts, form: Annotated[PasswordGrant, Form()]
) -> Response:
    password = form.password.get_secret_value()
    return await _log_in(request, work, accounts, form.username, password)


async def _log_in(
    request: Request, work: Work, accounts: Accounts, name: str, password: str
) -> Response:
    device_token = read_cookie(request, DEVICE_COOKIE)
    if per_minute := accounts.settings.login_limit_per_minute:
        limiter = runtime_of(request).rate_limiter
        key = await login.find_limit_key(work, name, device_token)
        verdict = await limiter.hit("login-account", per_minute, key)
        if not verdict.is_allowed:
            raise LimitExceeded(verdict.reset_seconds, "Too many logins for this account.")
    entered = await login.log_in(work, accounts, name, password, device_token)
    return _answer_entered(request, entered)


def _answer_entered(request: Request, entered: Entered) -> Response:
    """The tokens, and a cookie for a device that was not known before."""
    response = answer(entered.tokens)
    if entered.device_token is not None:
        set_cookie(
            request,
            response,
            DEVICE_COOKIE,
            entered.device_token,
            max_age_seconds=int(DEVICE_LIFETIME.total_seconds()),
            same_site="strict",
        )
    return response


@router.post(
    "/api/auth/refresh",
    **documented(
        "Use up a refresh token for a new pair",
        TokenPair,
        errors=(errors.InvalidToken, errors.RefreshTokenReused),
        secret=True,
    ),
)
async def refresh(work: Anyone, accounts: TheAccounts, body: RefreshRequest) -> Response:
    return answer(await sessions.refresh(work, accounts.tokens, body.refresh_token))


@router.post("/api/auth/logout", **documented("End this session", None, 204))
async def log_out(work: LoggedIn) -> Response:
    await sessions.end_own_session(work)
    return no_content()


@router.post("/api/auth/logout-all", **documented("End all sessions, on all devices", None, 204))
async def log_out_everywhere(work: LoggedIn) -> Response:
    await users.log_out_everywhere(work)
    return no_content()


@router.get("/api/auth/me", **documented("Read your own profile", AccountView))
async def read_own_profile(request: Request, work: Myself) -> Response:
    return answer_thing(request, await users.get_account(work, work.actor.id))


@router.patch(
    "/api/auth/me",
    **documented("Change your own name or email", AccountView, errors=(errors.EmailTaken,)),
)
async def change_own_profile(
    work: MyselfChanging, body: ProfileChange, precondition: IfMatch
) -> Response:
    changes = body.model_dump(exclude_unset=True)
    return answer_changed(await users.change_profile(work, changes, precondition))


@router.post(
    "/api/auth/password",
    **documented(
        "Change your own password",
        TokenPair,
        errors=(errors.WrongCurrentPassword,),
        secret=True,
        description="All other sessions end; the answer is a fresh pair for this one.",
    ),
)
async def change_own_password(
    request: Request, work: LoggedIn, accounts: TheAccounts, body: PasswordChange
) -> Response:
    entered = await users.change_password(
        work,
        accounts,
        body.current_password.get_secret_value(),
        body.new_password.get_secret_value(),
        read_cookie(request, DEVICE_COOKIE),
    )
    return _answer_entered(request, entered)


@router.get(
    "/api/auth/verify",
    **documented("Ask whether this access token is good, and whose it is", Verification),
)
async def verify_token(request: Request, work: Myself, accounts: TheAccounts) -> Response:
    return answer(await verification.verify(work, accounts, read_bearer(request)))
