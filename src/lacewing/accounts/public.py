"""What other domains may use of the accounts."""

from lacewing.accounts.store.people import (
    Person,
    find_active_person,
    find_first_admin,
    find_person_id,
    import_person,
    person_columns,
    person_of,
    users_as,
)

__all__ = [
    "Person",
    "find_active_person",
    "find_first_admin",
    "find_person_id",
    "import_person",
    "person_columns",
    "person_of",
    "users_as",
]
