from typing import ClassVar

from lacewing.kernel.errors import Conflict, Forbidden, Malformed, NotFound, Unauthenticated


class InvalidCredentials(Unauthenticated):
    """Wrong password, unknown, inactive or locked account: all look the same (AUTH-16)."""

    code = "invalid-credentials"
    title = "The name or the password is wrong."
    keeps_changes: ClassVar[bool] = True


class InvalidToken(Unauthenticated):
    code = "invalid-token"
    title = "The token is not good: forged, expired, or its session has ended."


class LinkingSessionEnded(InvalidToken):
    """Whoever began to link an identity is logged in no more; that it was tried is audited."""

    keeps_changes: ClassVar[bool] = True


class RefreshRefused(InvalidToken):
    """As any token that is not good; that it was tried is kept in the audit log."""

    keeps_changes: ClassVar[bool] = True


class RefreshTokenReused(Unauthenticated):
    """A used-up refresh token came again: the session is revoked, and that is kept."""

    code = "refresh-token-reused"
    title = "This refresh token was used before. The session has been ended for safety."
    keeps_changes: ClassVar[bool] = True


class WrongCurrentPassword(Unauthenticated):
    code = "wrong-current-password"
    title = "The current password is wrong."
    keeps_changes: ClassVar[bool] = True


class RegistrationClosed(Forbidden):
    code = "registration-closed"
    title = "Registration is switched off here. Ask an administrator for an account."
    keeps_changes: ClassVar[bool] = True


class UserNotFound(NotFound):
    code = "user-not-found"
    title = "There is no such user."


class UsernameTaken(Conflict):
    code = "username-taken"
    title = "This username is taken."


class EmailTaken(Conflict):
    code = "email-taken"
    title = "There is an account with this email already."


class LastAdmin(Conflict):
    code = "last-admin"
    title = "The last active administrator can't be demoted or deactivated."
    keeps_changes: ClassVar[bool] = True


class SessionNotFound(NotFound):
    code = "session-not-found"
    title = "You have no such session."


class TokenNotFound(NotFound):
    code = "token-not-found"
    title = "You have no such personal access token."


class TooManyTokens(Conflict):
    code = "too-many-tokens"
    title = "You have as many personal access tokens as one user may. Revoke one first."


class ProviderNotFound(NotFound):
    code = "provider-not-found"
    title = "There is no such identity provider here."


class LoginStateInvalid(Malformed):
    """Forged, expired, used, or of another browser."""

    code = "login-state-invalid"
    title = "This login was not begun by this browser, or too long ago. Start it again."
    keeps_changes: ClassVar[bool] = True


class ProviderLoginRefused(Unauthenticated):
    code = "provider-login-refused"
    title = "The identity provider did not let you in."
    keeps_changes: ClassVar[bool] = True


class EmailNotVerified(Forbidden):
    code = "email-not-verified"
    title = "The identity provider does not vouch for your email."
    keeps_changes: ClassVar[bool] = True


class AccountExists(Conflict):
    """Whoever controls the email elsewhere need not be who registered it here."""

    code = "account-exists"
    title = "There is an account with this email. Log in to it and link this identity there."
    keeps_changes: ClassVar[bool] = True


class IdentityTaken(Conflict):
    code = "identity-taken"
    title = "This identity is linked to another account."
    keeps_changes: ClassVar[bool] = True


class IdentityNotFound(NotFound):
    code = "identity-not-found"
    title = "You have no such linked identity."


class LastWayIn(Conflict):
    code = "last-way-in"
    title = "This identity is your only way in. Link another one first."
