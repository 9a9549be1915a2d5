"""A running Lacewing in the test's own process, and the people in it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from lacewing.accounts.component import Accounts
from lacewing.accounts.passwords import Passwords
from lacewing.accounts.service import sessions
from lacewing.accounts.store import users
from lacewing.kernel.actor import Role
from lacewing.kernel.db import Database, transaction
from lacewing.kernel.ids import new_id
from lacewing.kernel.work import Origin, Work
from lacewing.main import create_app
from lacewing.settings import Settings

PASSWORD = "Correct-Horse-7"
BASE_URL = "http://lacewing.test"


class TestClock:
    """A clock that the test moves."""

    __test__ = False

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@cache
def password_hash() -> str:
    return Passwords()._hash(PASSWORD)  # noqa: SLF001  the same hash for all, made once


@dataclass
class Member:
    """A user with a session: ``api`` speaks as them."""

    id: UUID
    username: str
    email: str
    api: httpx.AsyncClient
    access_token: str
    refresh_token: str


class House:
    """The application, its database, and what tests need of both."""

    def __init__(self, app: FastAPI, settings: Settings, clock: TestClock) -> None:
        self.app = app
        self.settings = settings
        self.clock = clock
        self.anonymous = self.client()
        self._clients = [self.anonymous]

    @property
    def database(self) -> Database:
        database: Database = self.app.state.runtime.database
        return database

    @property
    def accounts(self) -> Accounts:
        accounts: Accounts = self.app.state.accounts
        return accounts

    def client(
        self, headers: dict[str, str] | None = None, ip: str = "127.0.0.1"
    ) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(ip, 12345))
        return httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers)

    async def member(
        self, username: str, role: Role = Role.DEVELOPER, *, is_active: bool = True
    ) -> Member:
        """A user of that role who is logged in; their password is ``PASSWORD``."""
        user_id = new_id()
        email = f"{username}@example.com"
        async with transaction(self.database) as session:
            await users.insert_user(
                session,
                user_id=user_id,
                username=username,
                email=email,
                full_name=None,
                password_hash=password_hash(),
                role=role,
                is_active=is_active,
                now=self.clock(),
            )
            work = Work(session, self.clock(), Origin(ip="127.0.0.1"))
            pair = await sessions.start_session(work, self.accounts.tokens, user_id)
        api = self.client({"Authorization": f"Bearer {pair.access_token}"})
        self._clients.append(api)
        return Member(user_id, username, email, api, pair.access_token, pair.refresh_token)

    async def rows(self, statement: Any, parameters: dict[str, Any] | None = None) -> list[Any]:
        """What stands in the database, past all layers."""
        return await self.database.session().all(lambda *row: row, statement, parameters or {})

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def open_house(
    settings: Settings, clock: TestClock | None = None
) -> AsyncGenerator[House, None]:
    """A house that lives as long as the block."""
    clock = clock or TestClock()
    app = create_app(settings, clock)
    async with app.router.lifespan_context(app):
        house = House(app, settings, clock)
        try:
            yield house
        finally:
            await house.close()
