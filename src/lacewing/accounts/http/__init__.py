"""Routes of the accounts."""

from lacewing.accounts.http import auth, users

ROUTERS = (auth.router, users.router)
