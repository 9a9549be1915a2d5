from typing import ClassVar

from lacewing.kernel.errors import Conflict, Forbidden, NotFound, Unauthenticated


class InvalidCredentials(Unauthenticated):
    """Wrong password, unknown, inactive or locked account: all look the same (AUTH-16)."""

    code = "invalid-credentials"
    title = "The name or the password is wrong."
    keeps_changes: ClassVar[bool] = True


class InvalidToken(Unauthenticated):
    code = "invalid-token"
    title = "The token is not good: forged, expired, or its session has ended."


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
