from uuid import UUID

from lacewing.accounts.public import find_active_ids
from lacewing.kernel.db import Session
from lacewing.kernel.markdown import off_loop
from lacewing.tracker.rules import mentioned_names


async def find_mentioned(session: Session, text: str, before: str = "") -> list[UUID]:
    """The active people who stand in ``text`` as ``@username``, and did not ``before``."""
    known = {name.casefold() for name in await off_loop(mentioned_names, before)}
    found = await off_loop(mentioned_names, text)
    names = [name for name in found if name.casefold() not in known]
    return await find_active_ids(session, names) if names else []
