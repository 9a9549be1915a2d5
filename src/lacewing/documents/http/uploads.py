"""``POST /api/documents/upload``: streamed into a draft, looked into, stored (DOC-1, DOC-8)."""

import asyncio
from typing import Any, Final

import msgspec
from fastapi import Request, Response
from pydantic import ValidationError

from lacewing.documents import errors
from lacewing.documents.component import Documents
from lacewing.documents.files.draft import Draft, open_draft
from lacewing.documents.http.parameters import TheDocuments, Uploader
from lacewing.documents.inspection import inspect
from lacewing.documents.rules import shown_filename
from lacewing.documents.schemas import DocumentView, UploadFields
from lacewing.documents.service.uploads import find_upload_place, upload
from lacewing.kernel.errors import FieldError, Invalid, PayloadTooLarge, invalid_field
from lacewing.kernel.web.answers import answer_created
from lacewing.kernel.web.idempotency import answer_once
from lacewing.kernel.web.multipart import Form, form_schema, read_form
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router
from lacewing.kernel.web.runtime import runtime_of
from lacewing.kernel.work import Work
from lacewing.tracker.public import ProjectArchived

FILE_FIELD: Final = "file"

router = make_router("documents")


@router.post(
    "/api/documents/upload",
    **documented(
        "Upload a PDF or DOCX",
        DocumentView,
        201,
        (
            errors.UnacceptableFile,
            errors.StorageFull,
            errors.StorageUnavailable,
            PayloadTooLarge,
            ProjectArchived,
        ),
        body=form_schema(FILE_FIELD, UploadFields.model_json_schema()["properties"]),
        description="One file, and the project or issue that it belongs to, if any. Its type is "
        "decided by its content.",
    ),
)
async def upload_document(request: Request, work: Uploader, documents: TheDocuments) -> Response:
    limit = documents.settings.upload_limit_bytes
    async with open_draft(documents.storage.drafts_dir, limit) as draft:
        form = await read_form(request, FILE_FIELD, draft)
        filename, fields = _read_fields(form)

        async def store(_request: Request) -> Response:
            return await _store(request, work, documents, draft, filename, fields)

        if "idempotency-key" in request.headers:
            sent = msgspec.json.encode([draft.sha256, filename, sorted(form.fields.items())])
            return await answer_once(request, work, store, sent)
        return await store(request)


async def _store(
    request: Request,
    work: Work,
    documents: Documents,
    draft: Draft,
    filename: str,
    fields: UploadFields,
) -> Response:
    place = await find_upload_place(work, fields)
    kind = await asyncio.to_thread(inspect, draft.path, filename)
    database = runtime_of(request).database
    document = await upload(work, database, documents.storage, draft, kind, filename, place)
    return answer_created(document, f"/api/documents/{document.document_id}")


def _read_fields(form: Form) -> tuple[str, UploadFields]:
    filename = shown_filename(form.filename or "")
    if not filename:
        raise invalid_field("body", FILE_FIELD, "must have a name", "no_name")
    # What a page's form leaves empty is not there.
    given: dict[str, Any] = {
        name: text
        for name, text in form.fields.items()
        if text or name not in UploadFields.model_fields
    }
    try:
        return filename, UploadFields.model_validate(given)
    except ValidationError as error:
        raise Invalid(
            *(
                FieldError(["body", *fault["loc"]], fault["msg"], fault["type"])
                for fault in error.errors()
            )
        ) from None
