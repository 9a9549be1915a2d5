"""What an import tells of itself."""

import msgspec

from lacewing.kernel.records import BadRecord


class ImportReport(msgspec.Struct):
    """How many of what came in, were there already, or could not come."""

    project: str
    source: str
    records: int = 0
    issues_added: int = 0
    issues_known: int = 0
    comments_added: int = 0
    comments_known: int = 0
    users_added: int = 0
    pull_requests_left_out: int = 0
    assignees_left_out: int = 0
    """An issue has one assignee here; of several the first is kept."""
    bad_records: list[BadRecord] = []
