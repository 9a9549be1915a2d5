import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from lacewing.settings import Settings
from tests.accounts.social.acts import (
    Gallery,
    enter,
    kind_of,
    nobody_enters,
    open_gallery,
    variables,
)
from tests.accounts.social.bad_answers import BAD_ANSWERS, BAD_METADATA, answering
from tests.support.databases import DatabaseTemplate
from tests.support.house import House, open_house
from tests.support.rogue_provider import DISCOVERY, ELSEWHERE, TOKEN, RogueProvider
from tests.support.servers import free_port

NOT_PROVEN = (401, "identity-not-proven")
UNAVAILABLE = (503, "provider-unavailable")
BROKEN = ("500", "503 of HTML", "10 MB", "hangs up", "no HTTP", "endless headers")
"""No answer at all, where trying again later may help."""


@pytest.fixture(scope="module")
async def gallery(
    database_template: DatabaseTemplate, tmp_path_factory: pytest.TempPathFactory, keys_dir: Path
) -> AsyncIterator[Gallery]:
    async with (
        database_template.copied(tmp_path_factory.mktemp("gallery")) as url,
        open_gallery(BAD_ANSWERS | BAD_METADATA, url, keys_dir) as opened,
    ):
        yield opened


@pytest.mark.one_database
@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_an_answer_that_is_none_lets_nobody_in(gallery: Gallery, name: str) -> None:
    """AUTH-12: refused in time, whichever endpoint it comes from; a redirect is not followed."""
    async with nobody_enters(gallery.house):
        answer = await gallery.enter(name)

    expected = {UNAVAILABLE} if name.endswith(BROKEN) else {UNAVAILABLE, NOT_PROVEN}
    assert kind_of(answer) in expected
    assert gallery.rogues[name].times_asked(ELSEWHERE) == 0


@pytest.mark.one_database
@pytest.mark.parametrize("name", BAD_METADATA)
async def test_metadata_that_lie_send_nobody_anywhere(gallery: Gallery, name: str) -> None:
    """AUTH-12: the issuer is the one of the settings, and all endpoints speak HTTPS."""
    async with nobody_enters(gallery.house):
        answer = await gallery.begin(name, gallery.house.client())

    assert kind_of(answer) in {UNAVAILABLE, NOT_PROVEN}
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers


async def test_a_provider_that_is_down_is_unavailable(
    make_settings: Callable[..., Settings], acme: RogueProvider
) -> None:
    """AUTH-12: and so is the login, but nothing else; once it is up again, so is the login."""
    settings = variables({"acme": acme, "down": RogueProvider(f"http://127.0.0.1:{free_port()}")})
    async with open_house(make_settings(**settings)) as house:
        async with nobody_enters(house):
            down = await house.anonymous.get("/api/auth/down")
        up = await enter(house, acme)

    assert kind_of(down) == UNAVAILABLE
    assert up.status_code == 200


async def test_a_provider_that_recovers_is_asked_again(house: House, acme: RogueProvider) -> None:
    """AUTH-12: no failure is kept, neither of the metadata nor of the tokens."""
    failures = []
    for path in (DISCOVERY, TOKEN):
        answering(path, b"{}", "500 Internal Server Error")(acme)
        started = await house.anonymous.get("/api/auth/acme")
        failures.append(started if started.status_code != 302 else await enter(house, acme))
        acme.answers.clear()

    answer = await enter(house, acme)

    assert [kind_of(failure) for failure in failures] == [UNAVAILABLE, UNAVAILABLE]
    assert answer.status_code == 200


async def test_a_burst_at_a_broken_provider_is_refused_in_time(
    house: House, acme: RogueProvider
) -> None:
    """AUTH-12: none waits for the others' failures."""
    answering(DISCOVERY, b"{}", "500 Internal Server Error")(acme)

    async with nobody_enters(house):
        answers = await asyncio.gather(*(house.client().get("/api/auth/acme") for _ in range(20)))

    assert {kind_of(answer) for answer in answers} == {UNAVAILABLE}
