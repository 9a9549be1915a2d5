"""``lacewing admin``: what only who owns the machine may do to accounts."""

import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
from pydantic import ValidationError

from lacewing.accounts.component import Accounts
from lacewing.accounts.schemas import NewUser, PasswordChange
from lacewing.accounts.service import users
from lacewing.cli.context import opened_database, opened_work, run
from lacewing.cli.output import fail, print_result
from lacewing.kernel.actor import Role
from lacewing.kernel.work import Work
from lacewing.main import make_accounts
from lacewing.settings import LogLevel, Settings

Result = TypeVar("Result")

app = typer.Typer(help="Administrators and locked accounts.", no_args_is_help=True)
_JSON = typer.Option(False, "--json", help="For scripts.")
_FROM_STDIN = typer.Option(False, "--password-stdin", help="Read the password from standard input.")


@app.command()
def create(
    username: str = typer.Option(..., help="The new administrator's username."),
    email: str = typer.Option(..., help="Their email."),
    *,
    password_stdin: bool = _FROM_STDIN,
    as_json: bool = _JSON,
) -> None:
    """Create an administrator (AUTH-18)."""
    password = _read_password(from_stdin=password_stdin)
    try:
        wanted = NewUser.model_validate(
            {"username": username, "email": email, "password": password}
        )
    except ValidationError as error:
        fail("The administrator was not created:", *_reasons(error))

    async def create_admin(work: Work, accounts: Accounts) -> str:
        account = await users.create_user(work, accounts, wanted, Role.ADMIN)
        return str(account.id)

    user_id = _as_work(create_admin)
    text = f"Created the administrator {username}."
    print_result({"id": user_id, "username": username}, text, as_json=as_json)


@app.command("set-password")
def set_password(
    username: str = typer.Option(..., help="Whose password to set."),
    *,
    password_stdin: bool = _FROM_STDIN,
) -> None:
    """Set somebody's password; all their sessions and tokens end, and a lock is lifted."""
    password = _read_password(from_stdin=password_stdin)
    try:
        PasswordChange.model_validate({"current_password": "-", "new_password": password})
    except ValidationError as error:
        fail("The password was not set:", *_reasons(error))

    async def set_it(work: Work, accounts: Accounts) -> None:
        account = await users.get_account_by_name(work, username)
        await users.set_password(work, accounts, account.id, password)

    _as_work(set_it)
    typer.echo(f"Set the password of {username}.")


@app.command()
def unlock(username: str = typer.Option(..., help="Whom to let in again.")) -> None:
    """Unlock an account after too many failed logins."""

    async def unlock_it(work: Work, _accounts: Accounts) -> None:
        account = await users.get_account_by_name(work, username)
        await users.unlock_user(work, account.id)

    _as_work(unlock_it)
    typer.echo(f"Unlocked {username}.")


def _as_work(use: Callable[[Work, Accounts], Awaitable[Result]]) -> Result:
    async def use_it(settings: Settings) -> Result:
        accounts = make_accounts(settings)
        try:
            async with opened_database(settings) as database, opened_work(database) as work:
                return await use(work, accounts)
        finally:
            accounts.passwords.close()

    return run(use_it, LogLevel.WARNING)


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _reasons(error: ValidationError) -> list[str]:
    return [f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()]
