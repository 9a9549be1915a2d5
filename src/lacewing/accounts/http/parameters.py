"""Parameters that several routes of this domain take."""

from typing import Annotated, cast

from fastapi import Depends, Request

from lacewing.accounts.component import Accounts
from lacewing.accounts.permissions import Permission
from lacewing.kernel.web.security import anyone, requires
from lacewing.kernel.work import Work


async def _accounts(request: Request) -> Accounts:
    return cast("Accounts", request.app.state.accounts)


TheAccounts = Annotated[Accounts, Depends(_accounts, scope="function")]
Anyone = Annotated[Work, Depends(anyone, scope="function")]
Myself = Annotated[Work, requires(Permission.PROFILE_VIEW)]
MyselfChanging = Annotated[Work, requires(Permission.PROFILE_EDIT)]
LoggedIn = Annotated[Work, requires(Permission.CREDENTIALS_MANAGE)]
UserViewer = Annotated[Work, requires(Permission.USER_VIEW)]
UserAdministrator = Annotated[Work, requires(Permission.USER_ADMINISTER)]
