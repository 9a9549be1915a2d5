from enum import StrEnum
from itertools import product

import pytest

from lacewing.kernel.transitions import is_step, next_states


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    YELLOW = "yellow"
    OFF = "off"


STEPS = frozenset(
    {
        (Light.RED, Light.GREEN),
        (Light.GREEN, Light.YELLOW),
        (Light.YELLOW, Light.RED),
        (Light.YELLOW, Light.OFF),
    }
)


@pytest.mark.parametrize(("state", "target"), list(product(Light, Light)))
def test_a_step_is_allowed_if_and_only_if_the_table_has_it(state: Light, target: Light) -> None:
    """STYLE 6, ISS-6: a state machine is a table; every pair is run."""
    assert is_step(STEPS, state, target) is ((state, target) in STEPS)
    assert (target in next_states(STEPS, state)) is ((state, target) in STEPS)


def test_the_next_states_stand_in_the_order_in_which_they_are_declared() -> None:
    """ISS-6: the refusal lists them the same each time."""
    assert next_states(STEPS, Light.YELLOW) == [Light.RED, Light.OFF]
    assert next_states(STEPS, Light.OFF) == []
