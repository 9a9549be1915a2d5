from lacewing.kernel.errors import Conflict, Forbidden, NotFound, Unauthenticated
from lacewing.notifications.rules import SOCKETS_OF_USER_MAX


class NotificationNotFound(NotFound):
    code = "notification-not-found"
    title = "There is no such notification of yours."


class InvalidTicket(Unauthenticated):
    code = "invalid-ticket"
    title = "This ticket was used, has expired, or never was one."


class ForeignOrigin(Forbidden):
    code = "foreign-origin"
    title = "Pages of that origin may not open a socket here."


class TooManySockets(Conflict):
    code = "too-many-sockets"
    title = f"You have {SOCKETS_OF_USER_MAX} sockets and streams open: close one."
