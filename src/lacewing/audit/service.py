from lacewing.audit import store
from lacewing.audit.schemas import AuditEntry, AuditQuery
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.work import Work


async def list_entries(work: Work, query: AuditQuery, page: PageRequest) -> Slice[AuditEntry]:
    """One page of the audit log, newest first (SEC-9)."""
    filters = query.model_dump(exclude={"cursor", "page", "limit"}, exclude_none=True)
    return await store.list_entries(work.session, filters, page)
