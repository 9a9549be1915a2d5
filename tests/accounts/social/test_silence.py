"""Providers that keep one waiting. Each test takes the 5 seconds that they are given."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from tests.accounts.social.acts import Gallery, kind_of, nobody_enters, open_gallery
from tests.accounts.social.bad_answers import ENDPOINTS, dripping, silent
from tests.accounts.social.flaws import Flaw, all_of, with_userinfo
from tests.support.databases import DatabaseTemplate
from tests.support.house import Member

UNAVAILABLE = (503, "provider-unavailable")
WAYS: dict[str, Callable[[str], Flaw]] = {
    "silent": silent,
    "dripping": dripping,
    "dripping from the start": lambda path: dripping(path, from_the_start=True),
}
SLOW = {
    f"{endpoint}: {name}": all_of(with_userinfo(), make(path))
    for endpoint, path in ENDPOINTS.items()
    for name, make in WAYS.items()
}
GOOD = "good"
WAITING_SECONDS = 1.5
"""Until all are waiting."""
PROMPT_SECONDS = 2.0


@pytest.fixture
async def gallery(
    database_template: DatabaseTemplate, tmp_path: Path, keys_dir: Path
) -> AsyncIterator[Gallery]:
    flaws = SLOW | {GOOD: lambda _: None}
    async with (
        database_template.copied(tmp_path) as url,
        open_gallery(flaws, url, keys_dir) as opened,
    ):
        yield opened


async def _ended_in_time(gallery: Gallery, name: str) -> tuple[int, str]:
    async with nobody_enters(gallery.house):
        return kind_of(await gallery.enter(name))


async def _beginning_to_link(gallery: Gallery, member: Member) -> httpx.Response:
    slug = gallery.slugs["discovery: silent"]
    return await member.api.post(f"/api/auth/{slug}/link")


async def test_a_slow_provider_keeps_its_own_users_waiting_and_nobody_else(
    gallery: Gallery,
) -> None:
    """AUTH-12: twelve kinds of it at once, and no connection to the database is held meanwhile."""
    house = gallery.house
    maria = await house.member("maria")
    waiting = {name: asyncio.create_task(_ended_in_time(gallery, name)) for name in SLOW}
    linking = [asyncio.create_task(_beginning_to_link(gallery, maria)) for _ in range(8)]

    await asyncio.sleep(WAITING_SECONDS)
    started = time.monotonic()
    profile = await maria.api.get("/api/auth/me")
    read_seconds = time.monotonic() - started
    refused = {name: await task for name, task in waiting.items()}
    not_linked = {kind_of(await task) for task in linking}

    assert refused == dict.fromkeys(SLOW, UNAVAILABLE)
    assert not_linked == {UNAVAILABLE}
    assert profile.status_code == 200
    assert read_seconds < PROMPT_SECONDS


async def test_while_a_provider_is_silent_another_one_and_passwords_let_people_in(
    gallery: Gallery,
) -> None:
    """AUTH-12: writing goes on too."""
    house = gallery.house
    waiting = [asyncio.create_task(gallery.enter("token: silent")) for _ in range(20)]

    await asyncio.sleep(WAITING_SECONDS)
    started = time.monotonic()
    through_another = await gallery.enter(GOOD)
    registered = await house.anonymous.post(
        "/api/auth/register", json={"email": "nina@example.com", "password": "Correct-Horse-7"}
    )
    took = time.monotonic() - started
    refused = {kind_of(answer) for answer in await asyncio.gather(*waiting)}

    assert (through_another.status_code, registered.status_code) == (200, 201)
    assert took < PROMPT_SECONDS
    assert refused == {UNAVAILABLE}
