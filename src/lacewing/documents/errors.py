from lacewing.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable


class DocumentNotFound(NotFound):
    code = "document-not-found"
    title = "There is no such document, or you may not see it."


class NotYourDocument(Forbidden):
    code = "not-your-document"
    title = "Only its owner and administrators may remove a document."


class ResultNotReady(Conflict):
    """``document_status`` tells how far it is; ``status`` is HTTP's (RFC 9457, section 3.1.2)."""

    code = "result-not-ready"
    title = "There is no result yet."


class UnacceptableFile(Invalid):
    """Found by looking into it: no PDF, no DOCX, or one that no honest program writes."""

    code = "unacceptable-file"
    title = "This file can't be taken."


class StorageFull(Unavailable):
    code = "storage-full"
    title = "There is no room left for files; nothing was kept."


class StorageUnavailable(Unavailable):
    code = "storage-unavailable"
    title = "The storage of files does not answer."


class FileMissing(Unavailable):
    code = "file-missing"
    title = "The file of this document is not in the storage."
