"""People with sessions in a Lacewing that runs, or will, as processes of its own."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lacewing.accounts.service import sessions
from lacewing.accounts.store import users
from lacewing.kernel.actor import Role
from lacewing.kernel.db import open_database, transaction
from lacewing.kernel.ids import new_id
from lacewing.kernel.work import Origin, Work
from lacewing.main import make_accounts
from lacewing.settings import load_settings
from tests.support.house import password_hash


async def tokens_of_new_users(
    environment: Mapping[str, str], names: Sequence[str], sessions_each: int = 1
) -> list[str]:
    """The access tokens of developers who are made past all hashing, one for each session."""
    settings = load_settings(environment)
    accounts = make_accounts(settings)
    database = await open_database(settings.database, Path(environment["LACEWING_DATA_DIR"]))
    now = datetime.now(UTC)
    tokens = []
    async with transaction(database) as session:
        for name in names:
            user_id = new_id()
            await users.insert_user(
                session,
                user_id=user_id,
                username=name,
                email=f"{name}@example.com",
                full_name=None,
                password_hash=password_hash(),
                role=Role.DEVELOPER,
                is_active=True,
                now=now,
            )
            work = Work(session, now, Origin())
            for _ in range(sessions_each):
                pair = await sessions.start_session(work, accounts.tokens, user_id)
                tokens.append(pair.access_token)
    await database.close()
    accounts.passwords.close()
    return tokens
