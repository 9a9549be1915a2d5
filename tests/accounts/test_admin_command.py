import asyncio
import json
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.accounts.acts import FRESH, audited, fail_to_log_in, log_in, nothing_changes, status_with
from tests.support.commands import run_command
from tests.support.house import PASSWORD, House, Member

pytestmark = pytest.mark.system

ADA = ("--username", "ada", "--email", "ada@example.com", "--password-stdin")

Done = subprocess.CompletedProcess[str]
Command = Callable[..., Awaitable[Done]]


@pytest.fixture
def admin(database_url: str, keys_dir: Path, tmp_path: Path) -> Command:
    """``lacewing admin`` as a process of its own, on the database of the house."""
    environ = {
        "PATH": os.environ["PATH"],
        "LACEWING_ENVIRONMENT": "test",
        "LACEWING_DATA_DIR": str(keys_dir),
        "LACEWING_DATABASE_URL": database_url,
    }

    def run(arguments: tuple[str, ...], stdin: str) -> Done:
        return run_command(("admin", *arguments), environ, stdin, str(tmp_path))

    async def run_aside(*arguments: str, stdin: str = "") -> Done:
        # Aside, so that the house goes on: it may be in the middle of a transaction.
        return await asyncio.to_thread(run, arguments, stdin)

    return run_aside


async def test_the_first_admin_comes_from_the_command_line(house: House, admin: Command) -> None:
    """AUTH-18: they can log in and administer; the password is printed nowhere."""
    done = await admin("create", *ADA, "--json", stdin=f"{PASSWORD}\n")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["username"] == "ada"
    assert PASSWORD not in done.stdout + done.stderr
    headers = {"Authorization": f"Bearer {(await log_in(house, 'ada')).json()['access_token']}"}
    assert (await house.anonymous.get("/api/audit", headers=headers)).status_code == 200
    assert [each[:2] for each in await audited(house, "user.create")] == [
        ("user.create", "success")
    ]


@pytest.mark.parametrize(
    ("arguments", "stdin", "reason"),
    [
        (ADA, "weak", "must have at least 8 characters"),
        ((*ADA[:3], "no-email", ADA[4]), PASSWORD, "email"),
        (("--username", "MARIA", *ADA[2:]), PASSWORD, "taken"),
        ((*ADA[:3], "Maria@example.com", ADA[4]), PASSWORD, "already"),
    ],
)
async def test_an_admin_that_can_not_be_is_not_created(
    house: House, admin: Command, arguments: list[str], stdin: str, reason: str
) -> None:
    """AUTH-18, AUTH-14: it says why, without a traceback, and nothing changes."""
    await house.member("maria")

    async with nothing_changes(house):
        done = await admin("create", *arguments, stdin=stdin)

    assert done.returncode != 0
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stdout + done.stderr


async def test_a_password_is_set_and_a_lock_lifted(
    house: House, maria: Member, admin: Command
) -> None:
    """AUTH-16, AUTH-18: the new one is good at once, all sessions end, and it is audited."""
    await fail_to_log_in(house, "maria", 10)

    done = await admin(
        "set-password", "--username", "maria", "--password-stdin", stdin=f"{FRESH}\n"
    )

    assert done.returncode == 0, done.stderr
    assert FRESH not in done.stdout + done.stderr
    assert await status_with(house, maria.access_token) == 401
    assert (await log_in(house, "maria", FRESH)).status_code == 200
    assert (await log_in(house, "maria", PASSWORD)).status_code == 401
    assert await audited(house, "user.password_set") == [
        ("user.password_set", "success", None, f"user:{maria.id}")
    ]


async def test_a_locked_account_is_unlocked(house: House, maria: Member, admin: Command) -> None:
    """AUTH-16: by username or email; the password stays."""
    await fail_to_log_in(house, "maria", 10)
    assert (await log_in(house, "maria")).status_code == 401

    done = await admin("unlock", "--username", maria.email)

    assert done.returncode == 0, done.stderr
    assert (await log_in(house, "maria")).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("set-password", "--username", "nobody", "--password-stdin"), FRESH),
        (("set-password", "--username", "maria", "--password-stdin"), "weak"),
        (("unlock", "--username", "nobody"), ""),
    ],
)
async def test_a_wrong_command_changes_nothing(
    house: House, maria: Member, admin: Command, arguments: list[str], stdin: str
) -> None:
    """AUTH-18: it fails and says why."""
    async with nothing_changes(house):
        done = await admin(*arguments, stdin=stdin)

    assert done.returncode != 0
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert await status_with(house, maria.access_token) == 200
