"""``GET /api/documents/{document_id}/download``: the file, or a range (RFC 9110, section 14)."""

import re
from typing import Annotated, Final
from urllib.parse import quote
from uuid import UUID

import msgspec
from fastapi import Header, Request, Response
from fastapi.responses import RedirectResponse

from lacewing.documents import errors
from lacewing.documents.http.parameters import DocumentViewer, TheDocuments
from lacewing.documents.schemas import DocumentView
from lacewing.documents.service import documents as service
from lacewing.kernel.web.answers import REVALIDATED, Stream, is_known
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.problems import RangeNotSatisfiable
from lacewing.kernel.web.route import make_router

PRESIGNED_SECONDS: Final = 60
_RANGE: Final = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")

router = make_router("documents")


class Span(msgspec.Struct, frozen=True):
    """Bytes from ``start`` to before ``end``."""

    start: int
    end: int


def read_range(header: str | None, size: int) -> Span | None:
    """What part is asked for; ``None`` for all, as for a header that asks for several or for none.

    Raises:
        RangeNotSatisfiable: the file has no byte of it.
    """
    match = None if header is None else _RANGE.fullmatch(header.strip())
    if match is None:
        return None
    first, last, of_the_end = match.groups()
    if of_the_end is not None:
        span = Span(max(0, size - int(of_the_end)), size)
    else:
        if last and int(last) < int(first):
            return None
        span = Span(int(first), min(size, int(last) + 1) if last else size)
    if span.start >= span.end:
        raise RangeNotSatisfiable(size)
    return span


@router.get(
    "/api/documents/{document_id}/download",
    **documented(
        "Download the file of a document",
        None,
        errors=(
            errors.DocumentNotFound,
            errors.FileMissing,
            errors.StorageUnavailable,
            RangeNotSatisfiable,
        ),
        files={200: "The file", 206: "The range of it that was asked for"},
        also={304: None, 307: None},
        description="As an attachment. One range of bytes is answered with 206. Where the settings "
        "say so, 307 leads to the object storage.",
    ),
)
async def download_document(
    request: Request,
    work: DocumentViewer,
    documents: TheDocuments,
    document_id: UUID,
    wanted_range: Annotated[
        str | None, Header(alias="Range", description="One range, as in `bytes=0-1023`.")
    ] = None,
    if_range: Annotated[
        str | None, Header(alias="If-Range", description="The range only if it is still this file.")
    ] = None,
) -> Response:
    document = await service.get_document(work, document_id)
    storage = documents.storage
    if documents.settings.download_redirect:
        address = await storage.presigned(document.sha256, PRESIGNED_SECONDS)
        if address is not None:
            return RedirectResponse(address, 307, {"Cache-Control": "no-store"})
    headers = _headers(document)
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if await storage.size(document.sha256) != document.size_bytes:
        raise errors.FileMissing
    wanted = None
    if if_range in {None, headers["ETag"]}:
        wanted = read_range(wanted_range, document.size_bytes)
    span = wanted or Span(0, document.size_bytes)
    headers["Content-Length"] = str(span.end - span.start)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{document.size_bytes}"
    return Stream(
        storage.read(document.sha256, span.start, span.end),
        206 if wanted else 200,
        headers,
        media_type=document.content_type,
    )


def _headers(document: DocumentView) -> dict[str, str]:
    """What keeps a browser from doing anything with the file but saving it (RFC 6266)."""
    plain = "".join(
        each if each.isascii() and each not in '"\\%' else "_" for each in document.filename
    )
    named = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(document.filename, safe='')}"
    )
    return {
        **REVALIDATED,
        "ETag": f'"{document.sha256}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": named,
    }
