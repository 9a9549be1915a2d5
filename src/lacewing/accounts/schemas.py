"""What goes over the wire."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from lacewing.accounts import rules
from lacewing.kernel.actor import Role, Scope
from lacewing.kernel.schemas import Input, Line, PagedQuery, SearchText, Text, without_nul

CREDENTIAL_LENGTH_MAX = 300
"""Longer than any username or email; what is longer is no credential."""


def _check_username(username: str) -> str:
    if fault := rules.username_fault(username):
        raise PydanticCustomError("username", fault)
    return username


def _check_email(email: str) -> str:
    try:
        return rules.normal_email(email)
    except ValueError as error:
        reason = "is no email address: {why}"
        raise PydanticCustomError("email", reason, {"why": str(error)}) from None


def _check_password(password: SecretStr) -> SecretStr:
    value = without_nul(password.get_secret_value())
    if faults := rules.password_faults(value):
        raise PydanticCustomError("password_rules", "{reasons}", {"reasons": "; ".join(faults)})
    return password


def _check_credential(password: SecretStr) -> SecretStr:
    without_nul(password.get_secret_value())
    return password


Username = Annotated[Line, AfterValidator(_check_username), Field(examples=["maria"])]
Email = Annotated[Line, AfterValidator(_check_email), Field(examples=["maria@example.com"])]
FullName = Annotated[Line, Field(max_length=rules.FULL_NAME_LENGTH_MAX, examples=["Maria Example"])]
NewPassword = Annotated[
    SecretStr, AfterValidator(_check_password), Field(examples=["Correct-Horse-7"])
]
GivenPassword = Annotated[
    SecretStr,
    AfterValidator(_check_credential),
    Field(max_length=CREDENTIAL_LENGTH_MAX, examples=["Correct-Horse-7"]),
]
"""A password that is compared, not set: old rules may have let it pass."""
GivenToken = Annotated[Text, Field(examples=["eyJhbGciOiJkaXIi…"])]
"""Of any length: one that is too long is no token, and refused as such (401)."""


class NewUser(Input):
    email: Email
    password: NewPassword
    username: Username | None = None
    full_name: FullName | None = None


class Credentials(Input):
    username: Annotated[Text, Field(max_length=CREDENTIAL_LENGTH_MAX)] | None = Field(
        None, examples=["maria"], description="The username, or the email."
    )
    email: Annotated[Text, Field(max_length=CREDENTIAL_LENGTH_MAX)] | None = None
    password: GivenPassword

    @model_validator(mode="after")
    def _one_name(self) -> "Credentials":
        if (self.username is None) == (self.email is None):
            raise PydanticCustomError("one_name", "send either username or email")
        return self


class PasswordGrant(Input):
    """The password grant of OAuth 2.0 (RFC 6749, section 4.3.2)."""

    grant_type: Annotated[str, Field(pattern="^password$", examples=["password"])] = "password"
    username: Annotated[Text, Field(max_length=CREDENTIAL_LENGTH_MAX, examples=["maria"])]
    password: GivenPassword
    scope: Annotated[Text, Field(max_length=1_000)] = ""
    client_id: Annotated[Text, Field(max_length=200)] | None = None
    client_secret: Annotated[Text, Field(max_length=200)] | None = None


class RefreshRequest(Input):
    refresh_token: GivenToken


class PasswordChange(Input):
    current_password: GivenPassword
    new_password: NewPassword


class ProfileChange(Input):
    """Only what is sent is changed; ``full_name`` may be set to null."""

    full_name: FullName | None = None
    email: Email = ""


class UserChange(Input):
    """Only what is sent is changed."""

    role: Role = Role.DEVELOPER
    is_active: bool = True


class UserSort(StrEnum):
    USERNAME = "username"
    USERNAME_DESC = "-username"
    CREATED = "created_at"
    CREATED_DESC = "-created_at"


class UserQuery(PagedQuery):
    search: SearchText | None = Field(
        None, description="Part of the username or the full name, without regard to case."
    )
    role: Role | None = None
    is_active: bool | None = None
    sort: UserSort = UserSort.USERNAME


class UserView(msgspec.Struct, frozen=True):
    """A user as colleagues see them."""

    id: UUID
    username: str
    full_name: str | None
    role: Role
    is_active: bool
    created_at: datetime


class AccountView(UserView, frozen=True):
    """A user as they see themselves, and as administrators see them."""

    email: str
    last_login: datetime | None


class Verification(msgspec.Struct, frozen=True):
    """Whose token it is, and until when it is good."""

    active: bool
    user_id: UUID
    username: str
    role: Role
    session_id: UUID | None
    """``None`` for a personal access token."""
    scopes: list[Scope] | None
    """Those of a personal access token; ``None`` for a session, which may all that its user may."""
    project_ids: list[UUID] | None
    expires_at: datetime


class SessionView(msgspec.Struct, frozen=True):
    """A session that is good now; ``device`` is what its ``User-Agent`` claims to be."""

    id: UUID
    device: str
    user_agent: str | None
    ip: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    is_current: bool


class NewPersonalAccessToken(Input):
    name: Annotated[Line, Field(max_length=rules.TOKEN_NAME_LENGTH_MAX, examples=["Nightly build"])]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))] = Field(
        description="`read`, or `write`, which holds `read` too."
    )
    project_ids: (
        Annotated[list[UUID], Field(min_length=1, max_length=rules.TOKEN_PROJECTS_MAX)] | None
    ) = Field(None, description="The only projects it is for; all without it.")
    expires_in_days: int = Field(rules.TOKEN_DAYS_DEFAULT, ge=1, le=rules.TOKEN_DAYS_MAX)


class PersonalAccessTokenView(msgspec.Struct, frozen=True):
    """A personal access token as its owner sees it; ``hint`` is how it ends."""

    id: UUID
    name: str
    hint: str
    scopes: list[Scope]
    project_ids: list[UUID] | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class NewPersonalAccessTokenView(PersonalAccessTokenView, frozen=True, kw_only=True):
    """The one answer that holds the token itself: it is kept as a hash, and never told again."""

    token: str


class CallbackQuery(BaseModel):
    """What a provider sends back (RFC 6749, section 4.1.2; RFC 9207), and whatever it adds."""

    state: Annotated[Text, Field(max_length=rules.CALLBACK_LENGTH_MAX)] = ""
    code: Annotated[Text, Field(max_length=rules.CALLBACK_LENGTH_MAX)] | None = None
    iss: Annotated[Text, Field(max_length=rules.CALLBACK_LENGTH_MAX)] | None = None
    error: Annotated[Text, Field(max_length=rules.CALLBACK_LENGTH_MAX)] | None = None


class AuthorizationStart(msgspec.Struct, frozen=True):
    """Where to send the browser."""

    authorization_url: str


class IdentityView(msgspec.Struct, frozen=True):
    """An identity elsewhere that opens this account."""

    id: UUID
    provider: str
    created_at: datetime
    last_used_at: datetime


class GrantedPermission(msgspec.Struct, frozen=True):
    name: str
    allowed: bool


class PermissionsView(msgspec.Struct, frozen=True):
    """What somebody may do; ``scopes`` and ``project_ids`` are those of a personal access token."""

    role: Role
    scopes: list[Scope] | None
    project_ids: list[UUID] | None
    permissions: list[GrantedPermission]
