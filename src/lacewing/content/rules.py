"""What is true of posts and collections without a database."""

from hashlib import sha256
from typing import Final

TITLE_LENGTH_MAX: Final = 200
BODY_LENGTH_MAX: Final = 20_000
COLLECTION_NAME_LENGTH_MAX: Final = 200
COLLECTION_POSTS_MAX: Final = 1_000
"""Posts of one collection: it is answered, and put into another order, as a whole."""
FILTER_VALUES_MAX: Final = 50
"""Values that one filter takes, as in ``author=maria,noor``."""

_SOURCE_SHOWN_MAX: Final = 18
"""Characters of a source in the names of its people, which a number of 19 digits must follow."""


def author_name(source: str, number: int) -> str:
    """The username of who wrote what comes from ``source``, which tells only a number of them.

    Nobody can register or be given a name with a ``#``, so it is never one of somebody who came in
    another way. Sources that are too long, or differ in nothing but case from others, are hashed.
    """
    shown = source
    if len(source) > _SOURCE_SHOWN_MAX or source != source.lower():
        shown = "~" + sha256(source.encode()).hexdigest()[: _SOURCE_SHOWN_MAX - 1]
    return f"imported/{shown}#{number}"
