"""What ``lacewing import`` says to people at its end."""

from collections.abc import Sequence

from lacewing.catalogue.importing.report import ImportReport as ProductReport
from lacewing.content.importing import ImportReport as PostReport
from lacewing.kernel.records import BadRecord
from lacewing.tracker.importing.report import ImportReport as IssueReport

Report = IssueReport | ProductReport | PostReport

_NOT_ACTIVE = "(not active until an administrator lets them in)"


def told(report: Report) -> str:
    """What came in, was there already, or could not be read."""
    match report:
        case IssueReport():
            lines = _told_of_issues(report)
        case ProductReport():
            lines = [
                f"Imported from {report.source}:",
                f"  new: {report.products_added} products",
                f"  there already: {report.products_known}",
            ]
        case PostReport():
            lines = [
                f"Imported from {report.source}:",
                f"  new: {report.posts_added} posts",
                f"  there already: {report.posts_known} posts",
                f"  new users: {report.users_added} {_NOT_ACTIVE}",
            ]
    return "\n".join([*lines, *_told_of_bad(report.bad_records)])


def _told_of_issues(report: IssueReport) -> list[str]:
    lines = [
        f"Imported into {report.project} from {report.source}:",
        f"  new: {report.issues_added} issues with {report.comments_added} comments",
        f"  there already: {report.issues_known} issues, {report.comments_known} comments",
        f"  new users: {report.users_added} {_NOT_ACTIVE}",
        f"  pull requests left out: {report.pull_requests_left_out}",
    ]
    if report.assignees_left_out:
        lines.append(f"  further assignees left out: {report.assignees_left_out}")
    return lines


def _told_of_bad(bad_records: Sequence[BadRecord]) -> list[str]:
    if not bad_records:
        return []
    lines = [f"    record {bad.place}: {bad.reason}" for bad in bad_records]
    return [f"  records that could not be read: {len(lines)}", *lines]
