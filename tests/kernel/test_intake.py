"""What waits over all connections, by count alone; uploads at once show it with real ones."""

import random

import pytest
from starlette.types import Message, Receive, Scope, Send

from lacewing.kernel.web.intake import Intake

LIMIT = 1_000


class Line:
    """A connection that knows whether it is held."""

    def __init__(self) -> None:
        self.waiting_bytes = 0
        self.is_held = False

    def hold(self) -> None:
        self.is_held = True

    def go_on(self) -> None:
        self.is_held = False


@pytest.fixture
def intake() -> Intake:
    return Intake(LIMIT)


@pytest.fixture
def lines() -> list[Line]:
    return [Line() for _ in range(4)]


def held(lines: list[Line]) -> list[bool]:
    return [line.is_held for line in lines]


async def test_up_to_the_limit_nobody_is_held(intake: Intake, lines: list[Line]) -> None:
    """DOC-12: what waits is counted over all of them; the limit itself is no fault."""
    for line in lines:
        intake.add(line, LIMIT // 4, lines)

    assert not intake.is_full
    assert not any(held(lines))
    assert [line.waiting_bytes for line in lines] == [LIMIT // 4] * 4


async def test_over_the_limit_all_are_held(intake: Intake, lines: list[Line]) -> None:
    """DOC-12: the one that sent too much and those that sent nothing."""
    intake.add(lines[0], LIMIT, lines)

    intake.add(lines[1], 1, lines)

    assert intake.is_full
    assert all(held(lines))


async def test_what_still_comes_of_those_that_are_held_is_counted(
    intake: Intake, lines: list[Line]
) -> None:
    """DOC-12: a few bytes are on the way already."""
    intake.add(lines[0], LIMIT + 1, lines)

    intake.add(lines[1], LIMIT, lines)
    intake.take(lines[0], LIMIT + 1)

    assert all(held(lines))


async def test_at_half_of_it_all_go_on(intake: Intake, lines: list[Line]) -> None:
    """DOC-12: not as soon as one byte fits, or each byte would stop and start all of them."""
    intake.add(lines[0], LIMIT + 1, lines)

    intake.take(lines[0], LIMIT // 2)
    above_half = held(lines[1:])
    intake.take(lines[0], 1)
    at_half = held(lines[1:])

    assert above_half == [True] * 3
    assert at_half == [False] * 3


async def test_one_whose_bytes_still_wait_goes_on_when_they_are_read(
    intake: Intake, lines: list[Line]
) -> None:
    """DOC-12: until then there is no use in more of them."""
    intake.add(lines[0], LIMIT // 2, lines)
    intake.add(lines[1], LIMIT, lines)

    intake.take(lines[1], LIMIT)

    assert held(lines) == [True, False, False, False]


async def test_after_all_went_on_the_limit_counts_anew(intake: Intake, lines: list[Line]) -> None:
    """DOC-12: as often as it is reached."""
    for _ in range(3):
        intake.add(lines[0], LIMIT + 1, lines)
        assert all(held(lines))
        intake.take(lines[0], LIMIT + 1)
        assert not any(held(lines))


async def test_one_that_comes_while_it_is_full_is_held_and_goes_on_with_the_others(
    intake: Intake, lines: list[Line]
) -> None:
    """DOC-12: a thousand new ones bring nothing in, and none is forgotten."""
    intake.add(lines[0], LIMIT + 1, lines)
    late = Line()
    intake.hold(late)
    was_held = late.is_held

    intake.take(lines[0], LIMIT + 1)

    assert was_held
    assert not late.is_held


async def test_one_that_ends_gives_its_bytes_back(intake: Intake, lines: list[Line]) -> None:
    """DOC-12: others go on, though nobody ever reads what it sent."""
    intake.add(lines[0], LIMIT + 1, lines)

    intake.forget(lines[0])

    assert not intake.is_full
    assert lines[0].waiting_bytes == 0
    assert not any(held(lines[1:]))


async def test_one_that_ended_is_not_told_to_go_on_later(intake: Intake, lines: list[Line]) -> None:
    """DOC-12: it is not kept in mind, nor in memory."""
    intake.add(lines[0], LIMIT + 1, lines)

    intake.forget(lines[1])
    intake.take(lines[0], LIMIT + 1)

    assert held(lines) == [False, True, False, False]


async def test_nobody_can_take_more_than_waits(intake: Intake, lines: list[Line]) -> None:
    """DOC-12: what is given back twice makes no room that is not there."""
    intake.add(lines[0], LIMIT, lines)
    intake.add(lines[1], 10, lines)

    intake.take(lines[1], LIMIT * 2)
    intake.forget(lines[1])
    intake.forget(lines[1])
    full_at_the_limit = intake.is_full
    intake.add(lines[1], 1, lines)

    assert not full_at_the_limit
    assert intake.is_full
    assert lines[0].waiting_bytes == LIMIT


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens_the_count_is_right(seed: int) -> None:
    """DOC-12: it is full exactly when more waits than may, and never below nothing."""
    chance = random.Random(seed)
    intake = Intake(LIMIT)
    lines = [Line() for _ in range(10)]

    for _ in range(2_000):
        line = chance.choice(lines)
        act = chance.choice(("add", "add", "take", "forget"))
        if act == "add":
            intake.add(line, chance.randrange(LIMIT // 3), lines)
        elif act == "take":
            intake.take(line, chance.randrange(LIMIT))
        else:
            intake.forget(line)
        assert intake.is_full == (sum(each.waiting_bytes for each in lines) > LIMIT)
        assert min(each.waiting_bytes for each in lines) >= 0


async def _nothing(_message: Message) -> None:
    """Takes what is answered."""


async def _ask(intake: Intake, line: Line, *bodies: bytes, fails: bool = False) -> list[int]:
    """What waits before and after each body that the application reads."""
    waiting: list[int] = []
    messages = iter(bodies)

    async def receive() -> Message:
        return {"type": "http.request", "body": next(messages), "more_body": True}

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        waiting.append(line.waiting_bytes)
        for _ in bodies:
            await receive()
            waiting.append(line.waiting_bytes)
        if fails:
            raise LookupError

    await intake.taking(line, app)({"type": "http"}, receive, _nothing)
    return waiting


async def test_what_the_application_reads_is_taken(intake: Intake, lines: list[Line]) -> None:
    """DOC-12: as it is read, body by body."""
    intake.add(lines[0], 30, lines)

    waiting = await _ask(intake, lines[0], b"x" * 10, b"", b"x" * 15)

    assert waiting == [30, 20, 20, 5]


@pytest.mark.parametrize("fails", [False, True])
async def test_a_request_that_ends_gives_back_what_it_did_not_read(
    intake: Intake, lines: list[Line], *, fails: bool
) -> None:
    """DOC-12: refused at once, or ended by a fault, it holds nobody up."""
    intake.add(lines[0], LIMIT + 1, lines)

    try:
        await _ask(intake, lines[0], b"x" * 10, fails=fails)
    except LookupError:
        assert fails

    assert lines[0].waiting_bytes == 0
    assert not any(held(lines))
