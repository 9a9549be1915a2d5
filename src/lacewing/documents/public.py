"""What others may use of the documents."""

from lacewing.documents.store.subjects import describe_documents

__all__ = ["describe_documents"]
