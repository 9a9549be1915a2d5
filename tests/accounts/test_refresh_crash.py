import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from lacewing.accounts.tables import refresh_tokens, sessions
from tests.accounts.acts import refresh, status_with
from tests.support.dying import refresh_and_die
from tests.support.forking import forking
from tests.support.house import House, Member

pytestmark = pytest.mark.system

KILLS = 100


async def _live_tokens(house: House) -> int:
    statement = select(func.count()).where(refresh_tokens.c.consumed_at.is_(None))
    return int((await house.rows(statement))[0][0])


async def test_a_kill_between_any_two_steps_of_a_refresh_harms_nobody(
    house: House, maria: Member, database_url: str, keys_dir: Path
) -> None:
    """AUTH-4: never two live tokens, and whoever asks again with the same token gets in."""
    environ = {
        "LACEWING_ENVIRONMENT": "test",
        "LACEWING_DATA_DIR": str(keys_dir),
        "LACEWING_DATABASE_URL": database_url,
    }
    context = forking()
    token, killed, step = maria.refresh_token, 0, 0
    while killed < KILLS:
        arguments: Any = (environ, token, house.clock(), step)
        process = context.Process(target=refresh_and_die, args=arguments)
        process.start()
        await asyncio.to_thread(process.join)
        was_killed = process.exitcode == -signal.SIGKILL
        assert was_killed or (process.exitcode == 0 and step > 3), process.exitcode
        killed += was_killed
        step = step + 1 if was_killed else 0

        live = await _live_tokens(house)
        answer = await refresh(house, token)

        assert live == 1
        assert answer.status_code == 200, f"step {step}: {answer.text}"
        token = answer.json()["refresh_token"]
        assert await status_with(house, answer.json()["access_token"]) == 200
        assert await _live_tokens(house) == 1
    assert await house.rows(select(sessions.c.ended_at)) == [(None,)]
