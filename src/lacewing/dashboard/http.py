from typing import Annotated

import msgspec
from fastapi import Query, Request, Response

from lacewing.catalogue.public import CatalogueSummary, get_summary
from lacewing.dashboard.permissions import Permission
from lacewing.dashboard.schemas import IssuesDashboard, IssuesDashboardQuery
from lacewing.dashboard.service import issues
from lacewing.kernel.web.answers import answer, page_of, read_page
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.kernel.web.security import requires
from lacewing.kernel.work import Work
from lacewing.tracker.public import ProjectNotFound

router = make_router("dashboard")

SummaryViewer = Annotated[Work, requires(Permission.SUMMARY_VIEW)]
DashboardViewer = Annotated[Work, requires(Permission.DASHBOARD_VIEW)]


@router.get(
    "/api/dashboard/summary",
    **documented("Read how it stands with the catalogue", CatalogueSummary),
)
async def read_summary(work: SummaryViewer) -> Response:
    return answer(await get_summary(work))


@router.get(
    "/api/dashboard/issues",
    **documented(
        "Read how it stands with the issues, over all and per project",
        IssuesDashboard,
        errors=(ProjectNotFound,),
    ),
)
async def read_issues_dashboard(
    request: Request, work: DashboardViewer, query: Annotated[IssuesDashboardQuery, Query()]
) -> Response:
    found = await issues.read_overview(work, read_page(request, query), query.project_id)
    page = page_of(request, query, found.projects)
    return answer(
        IssuesDashboard(
            counted_at=work.now,
            project=found.project,
            projects=page.data,
            next_cursor=page.next_cursor,
            has_more=page.has_more,
            **msgspec.structs.asdict(found.figures),
        )
    )
