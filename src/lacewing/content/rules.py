"""What is true of posts and collections without a database."""

from typing import Final

TITLE_LENGTH_MAX: Final = 200
BODY_LENGTH_MAX: Final = 20_000
COLLECTION_NAME_LENGTH_MAX: Final = 200
COLLECTION_POSTS_MAX: Final = 1_000
"""Posts of one collection: it is answered, and put into another order, as a whole."""
FILTER_VALUES_MAX: Final = 50
"""Values that one filter takes, as in ``author=maria,noor``."""
