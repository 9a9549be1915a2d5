from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from lacewing.documents import errors
from lacewing.documents.http.parameters import (
    DocumentProcessor,
    DocumentRemover,
    DocumentViewer,
)
from lacewing.documents.schemas import (
    DocumentQuery,
    DocumentView,
    ResultView,
    Started,
    StatusView,
)
from lacewing.documents.service import documents, processing
from lacewing.kernel.pagination import Page
from lacewing.kernel.web.answers import (
    IfMatch,
    answer,
    answer_page,
    answer_thing,
    no_content,
    read_page,
)
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.tracker.public import IssueNotFound, ProjectArchived, ProjectNotFound

router = make_router("documents")


@router.get(
    "/api/documents",
    **documented(
        "List the documents that you may see, newest first",
        Page[DocumentView],
        errors=(ProjectNotFound, IssueNotFound),
    ),
)
async def list_documents(
    request: Request, work: DocumentViewer, query: Annotated[DocumentQuery, Query()]
) -> Response:
    found = await documents.list_documents(work, query, read_page(request, query))
    return answer_page(request, query, found)


@router.get(
    "/api/documents/{document_id:uuid}",
    **documented("Read the record of a document", DocumentView, errors=(errors.DocumentNotFound,)),
)
async def read_document(request: Request, work: DocumentViewer, document_id: UUID) -> Response:
    return answer_thing(request, await documents.get_document(work, document_id))


@router.delete(
    "/api/documents/{document_id:uuid}",
    **documented(
        "Remove a document of your own",
        None,
        204,
        (errors.DocumentNotFound, errors.NotYourDocument, ProjectArchived),
    ),
)
async def delete_document(
    work: DocumentRemover, document_id: UUID, precondition: IfMatch
) -> Response:
    await documents.delete_document(work, document_id, precondition)
    return no_content()


@router.post(
    "/api/documents/{document_id}/process",
    **documented(
        "Start processing a document, once",
        Started,
        202,
        (errors.DocumentNotFound,),
        also={200: Started},
        description="202 when this request has started it; 200 when it runs or is done already. "
        "After FAILED it tries again.",
    ),
)
async def process_document(work: DocumentProcessor, document_id: UUID) -> Response:
    started = await processing.start_processing(work, document_id)
    return answer(started, 202 if started.started else 200)


@router.get(
    "/api/documents/{document_id}/status",
    **documented(
        "Read how far the processing of a document is",
        StatusView,
        errors=(errors.DocumentNotFound,),
    ),
)
async def read_status(request: Request, work: DocumentViewer, document_id: UUID) -> Response:
    return answer_thing(request, await documents.get_status(work, document_id))


@router.get(
    "/api/documents/{document_id}/result",
    **documented(
        "Read what was found in a document",
        ResultView,
        errors=(errors.DocumentNotFound, errors.ResultNotReady),
    ),
)
async def read_result(request: Request, work: DocumentViewer, document_id: UUID) -> Response:
    return answer_thing(request, await documents.get_result(work, document_id))
