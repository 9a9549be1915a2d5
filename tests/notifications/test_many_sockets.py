from pathlib import Path

import httpx
import pytest

from tests.support.listeners import (
    headers_of,
    hear,
    listening,
    opened_socket,
    write_post,
)
from tests.support.members import tokens_of_new_users
from tests.support.processes import environment_of, serving

pytestmark = pytest.mark.system

USERS = 50
SOCKETS_EACH = 20
POSTS = 100
QUARTER = POSTS // 4


async def test_a_thousand_sockets_hear_everything_in_order(
    database_url: str, tmp_path: Path
) -> None:
    """LIVE-2, LIVE-4: and a client that is away for half of it hears that afterwards, once."""
    environment = environment_of(database_url, tmp_path)
    *tokens, token = await tokens_of_new_users(
        environment, [f"listener-{number}" for number in range(USERS + 1)]
    )
    with (
        serving(environment) as server,
        listening(server.url, tokens, SOCKETS_EACH, POSTS) as listeners,
    ):
        async with httpx.AsyncClient(
            base_url=server.url, headers=headers_of(token), timeout=60
        ) as author:
            away = await _hear_with_a_pause(server.url, token, author)
        heard = await listeners.heard()

    assert len(heard) == USERS * SOCKETS_EACH
    first = heard[0].ids
    assert len(set(first)) == POSTS
    assert first == sorted(first)
    assert all(each.ids == first for each in heard)
    assert away == first


async def _hear_with_a_pause(url: str, token: str, author: httpx.AsyncClient) -> list[int]:
    """What a client hears of all the posts, that is not there for the middle half."""

    async def write(count: int) -> None:
        for _ in range(count):
            await write_post(author)

    async with opened_socket(url, token) as socket:
        await write(QUARTER)
        before = (await hear(socket, QUARTER)).ids
    await write(POSTS - 2 * QUARTER)
    async with opened_socket(url, token, before[-1]) as socket:
        await write(QUARTER)
        return before + (await hear(socket, POSTS - QUARTER)).ids
