from typing import Annotated

from fastapi import Query, Request, Response

from lacewing.audit import service
from lacewing.audit.permissions import Permission
from lacewing.audit.schemas import AuditEntry, AuditQuery
from lacewing.kernel.pagination import Page
from lacewing.kernel.web.answers import answer_page, read_page
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.kernel.web.security import requires
from lacewing.kernel.work import Work

router = make_router("audit")

AuditViewer = Annotated[Work, requires(Permission.AUDIT_VIEW)]


@router.get("/api/audit", **documented("Read the audit log", Page[AuditEntry]))
async def list_entries(
    request: Request, work: AuditViewer, query: Annotated[AuditQuery, Query()]
) -> Response:
    found = await service.list_entries(work, query, read_page(request, query))
    return answer_page(request, query, found)
