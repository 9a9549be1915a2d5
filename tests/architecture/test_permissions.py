from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import httpx

from tests.architecture.matrix import ACTORS, ANONYMOUS, FORMER_MANAGER, MATRIX, Row
from tests.architecture.scene import Scene, make_people, make_scene
from tests.support.house import House, Member

OF_PEOPLE = ("/api/auth", "/api/users")
SCENES_OF_SOME_PEOPLE = 20
"""Each makes a personal access token more; one may have 50."""


def _is_allowed(actor: str, row: Row, answer: httpx.Response) -> bool:
    """Whether the operation went ahead; a refusal must be the one for lacking rights."""
    if answer.is_success or (row.reaches is not None and answer.json()["type"] == row.reaches):
        return True
    refusal = HTTPStatus.NOT_FOUND if row.is_hidden else HTTPStatus.FORBIDDEN
    if actor == ANONYMOUS:
        refusal = HTTPStatus.UNAUTHORIZED
    assert answer.status_code == refusal, f"{actor}: {answer.status_code} {answer.text}"
    return False


class Scenes:
    """Scenes for one actor after another; what nobody has changed serves the next one too."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._unused: dict[bool, Scene] = {}
        self._people: Mapping[str, Member] | None = None
        self._left = 0
        """How many more scenes these people can play."""

    async def scene_for(self, actor: str) -> Scene:
        """The former manager needs a project of their own."""
        kind = actor == FORMER_MANAGER
        if kind not in self._unused:
            # One who was a manager once is no manager again.
            people = await (make_people(self._house) if kind else self._people_again())
            self._unused[kind] = await make_scene(self._house, actor, people)
        return self._unused[kind]

    async def _people_again(self) -> Mapping[str, Member]:
        """Whose rights and sessions nobody has touched."""
        if self._people is None or not self._left:
            self._people, self._left = await make_people(self._house), SCENES_OF_SOME_PEOPLE
        self._left -= 1
        return self._people

    def use_up(self, actor: str, row: Row) -> None:
        del self._unused[actor == FORMER_MANAGER]
        if row.path.startswith(OF_PEOPLE):
            self._people = None

    async def states_for(self, actors: Sequence[str]) -> list[Any]:
        """Of the scenes of these actors, all of which are there afterwards."""
        scenes = {id(scene): scene for scene in [await self.scene_for(each) for each in actors]}
        return [await scene.state() for scene in scenes.values()]


async def _ask(scenes: Scenes, row: Row, actors: Sequence[str]) -> set[str]:
    """Who of them gets through."""
    through: set[str] = set()
    for actor in actors:
        scene = await scenes.scene_for(actor)
        if _is_allowed(actor, row, await scene.ask(actor, row)):
            through.add(actor)
            if row.method != "GET":
                scenes.use_up(actor, row)
    return through


async def _actors_that_may(scenes: Scenes, row: Row) -> set[str]:
    """Who gets through; those who do not must leave all as it was."""
    refused = [actor for actor in ACTORS if actor not in row.allowed]
    before = await scenes.states_for(refused)
    through = await _ask(scenes, row, refused)
    if not through:
        assert await scenes.states_for(refused) == before, f"{row}, one of {refused}"
    return through | await _ask(scenes, row, [actor for actor in ACTORS if actor in row.allowed])


async def test_every_operation_as_every_kind_of_actor_is_as_the_matrix_says(house: House) -> None:
    """PERM-1, PERM-2: who may do what; and who may not, changes nothing and emits nothing."""
    declared = {str(row): row.allowed for row in MATRIX}
    scenes = Scenes(house)

    found = {str(row): await _actors_that_may(scenes, row) for row in MATRIX}

    assert found == declared


async def test_every_operation_of_the_document_has_a_row_in_the_matrix(house: House) -> None:
    """PERM-2: a new route without a row fails here."""
    document = (await house.anonymous.get("/api/openapi.json")).json()

    operations = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }

    assert operations == {row.operation for row in MATRIX}
