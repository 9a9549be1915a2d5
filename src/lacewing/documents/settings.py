import re

from pydantic import BaseModel, Field, field_validator

MIB = 1024 * 1024
BUILT_IN_PROCESSOR = "lacewing.documents.processing.text:ExtractText"


class DocumentsSettings(BaseModel, frozen=True):
    storage_url: str | None = Field(
        None,
        description="`file:///path`, or `s3://bucket/prefix` with endpoint and keys by the usual "
        "`AWS_…` names. Without it: `files` in the data folder.",
    )
    upload_limit_bytes: int = Field(
        50 * MIB, ge=1, le=10 * 1024 * MIB, description="Larger files get 413."
    )
    upload_limit_per_minute: int = Field(
        60, ge=0, le=1_000_000, description="Uploads per client address; 0: off."
    )
    download_redirect: bool = Field(
        False,
        description="Whether downloads are answered with a presigned address of the object "
        "storage, which then serves them itself.",
    )
    document_processor: str = Field(
        BUILT_IN_PROCESSOR,
        pattern=r"^[\w.]+:\w+$",
        description="What processes documents: `module:Class`, called with these settings.",
    )
    processing_seconds_max: int = Field(
        15, ge=1, le=3_600, description="Time that one document may take."
    )
    processing_memory_bytes_max: int = Field(
        512 * MIB,
        ge=128 * MIB,
        le=64 * 1024 * MIB,
        description="Memory that one document may take.",
    )

    @field_validator("storage_url")
    @classmethod
    def _is_known(cls, url: str | None) -> str | None:
        if url and not names_storage(url):
            raise ValueError("must be file:///path or s3://bucket/prefix")
        return url or None


def names_storage(url: str) -> bool:
    """Whether ``url`` is one that a storage may have."""
    return re.fullmatch(r"file:///.*|s3://[^/]+(/.*)?", url) is not None
