"""Where the bytes of documents are: one interface, two storages (DOC-7)."""

from lacewing.documents.files.storage import Storage, StoredFile

__all__ = ["Storage", "StoredFile"]
