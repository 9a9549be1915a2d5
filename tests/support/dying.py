"""A refresh in a process of its own that is killed before its n-th step."""

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from lacewing.accounts.service.sessions import refresh
from lacewing.kernel.db import open_database
from lacewing.kernel.work import Origin, Work
from lacewing.main import make_accounts
from lacewing.settings import load_settings

STEPS = frozenset({"one", "all", "scalar", "execute", "execute_many", "commit"})


class Dying:
    """A session whose process is killed before the step of that number; a commit is one too."""

    def __init__(self, session: Any, steps_left: int) -> None:
        self._session = session
        self._steps_left = steps_left

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._session, name)
        return self._counted(found) if name in STEPS else found

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def count(*arguments: Any) -> Any:
            self.step()
            return await call(*arguments)

        return count

    def step(self) -> None:
        if self._steps_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._steps_left -= 1


def refresh_and_die(environ: dict[str, str], token: str, now: datetime, step: int) -> None:
    """Carry the refresh out, up to that step; after the last one, when it would be answered."""
    asyncio.run(_refresh_and_die(environ, token, now, step))


async def _refresh_and_die(environ: dict[str, str], token: str, now: datetime, step: int) -> None:
    settings = load_settings(environ)
    accounts = make_accounts(settings, lambda: now)
    database = await open_database(settings.database, Path("unused"))
    session = Dying(database.session(), step)
    work = Work(session, now, Origin(ip="127.0.0.1"))
    await refresh(work, accounts.tokens, token)
    await session.commit()
    session.step()
    # Fewer steps than that: told by a good end of the process.
    accounts.passwords.close()
    await database.close()
