"""The storage that a URL names."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from lacewing.documents.files.local import LocalStorage
from lacewing.documents.files.storage import Storage


def open_storage(url: str | None, data_dir: Path, options: Mapping[str, SecretStr]) -> Storage:
    """The storage at ``url``; without one, ``files`` in the data folder.

    ``options`` are the ``AWS_…`` variables.
    """
    if url is None:
        return LocalStorage(data_dir / "files")
    parts = urlsplit(url)
    if parts.scheme == "file":
        return LocalStorage(Path(unquote(parts.path)))
    # Imported only where it is wanted: it costs 10 MB of memory.
    from lacewing.documents.files.object_storage import ObjectStorage  # noqa: PLC0415  as said

    return ObjectStorage(parts.netloc, parts.path.strip("/"), data_dir / "drafts", options)
