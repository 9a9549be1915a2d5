"""When sessions and tokens were last used: noted in memory, written down by a job.

A write for every read would cost more than the read. What a crash loses is some seconds of these
times and nothing else.
"""

from datetime import datetime
from uuid import UUID

from lacewing.accounts.store import access_tokens, sessions
from lacewing.kernel.db import Session


class LastUses:
    """What one process has seen in use since the job last ran."""

    def __init__(self) -> None:
        self._sessions: dict[UUID, datetime] = {}
        self._tokens: dict[UUID, datetime] = {}

    def note_session(self, session_id: UUID, now: datetime) -> None:
        self._sessions[session_id] = now

    def note_token(self, token_id: UUID, now: datetime) -> None:
        self._tokens[token_id] = now

    async def write(self, session: Session, _now: datetime) -> int:
        """Write down what was noted; how many sessions and tokens that were."""
        used_sessions, self._sessions = self._sessions, {}
        used_tokens, self._tokens = self._tokens, {}
        await sessions.note_uses(session, used_sessions)
        await access_tokens.note_uses(session, used_tokens)
        return len(used_sessions) + len(used_tokens)
