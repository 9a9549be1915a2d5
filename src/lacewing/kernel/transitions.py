"""State machines as data: a set of allowed steps, read by generic functions."""

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import TypeVar

State = TypeVar("State", bound=StrEnum)


def next_states(steps: AbstractSet[tuple[State, State]], state: State) -> list[State]:
    """The states that one step leads to from ``state``, in the order in which they are declared."""
    return [target for target in type(state) if (state, target) in steps]


def is_step(steps: AbstractSet[tuple[State, State]], state: State, target: State) -> bool:
    return (state, target) in steps
