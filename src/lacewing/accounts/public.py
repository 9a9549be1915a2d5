"""What other domains may use of the accounts."""

from lacewing.accounts.store.liveness import find_ended
from lacewing.accounts.store.people import (
    Person,
    find_active_among,
    find_active_ids,
    find_active_person,
    find_first_admin,
    find_people,
    find_person_id,
    import_person,
    list_active_ids,
    lock_person,
    person_columns,
    person_of,
    users_as,
)
from lacewing.accounts.store.sessions import find_actor as find_actor_of_session

__all__ = [
    "Person",
    "find_active_among",
    "find_active_ids",
    "find_active_person",
    "find_actor_of_session",
    "find_ended",
    "find_first_admin",
    "find_people",
    "find_person_id",
    "import_person",
    "list_active_ids",
    "lock_person",
    "person_columns",
    "person_of",
    "users_as",
]
