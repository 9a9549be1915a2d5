"""Parameters that several routes of this domain take."""

from typing import Annotated, cast

from fastapi import Depends, Request

from lacewing.documents.component import Documents
from lacewing.documents.permissions import Permission
from lacewing.kernel.web.security import requires
from lacewing.kernel.work import Work


async def _documents(request: Request) -> Documents:
    return cast("Documents", request.app.state.documents)


TheDocuments = Annotated[Documents, Depends(_documents, scope="function")]
DocumentViewer = Annotated[Work, requires(Permission.DOCUMENT_VIEW)]
Uploader = Annotated[Work, requires(Permission.DOCUMENT_UPLOAD)]
DocumentProcessor = Annotated[Work, requires(Permission.DOCUMENT_PROCESS)]
DocumentRemover = Annotated[Work, requires(Permission.DOCUMENT_DELETE)]
