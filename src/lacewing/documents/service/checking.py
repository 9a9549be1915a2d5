"""Whether a storage can do what we need of it, shown by doing it."""

import hashlib
import secrets
from collections.abc import AsyncIterator

from lacewing.documents.files import Storage
from lacewing.kernel.errors import Conflict

PROBE_BYTES = 1_024


class StorageFaulty(Conflict):
    code = "storage-faulty"
    title = "The storage does not do what it should."


async def check_storage(storage: Storage) -> AsyncIterator[str]:
    """Write, read, list and delete one small file; tells each step that went well.

    Raises:
        StorageFaulty, StorageUnavailable, StorageFull: at the step that did not.
    """
    content = secrets.token_bytes(PROBE_BYTES)
    key = hashlib.sha256(content).hexdigest()
    draft = storage.drafts_dir / key
    draft.write_bytes(content)
    try:
        await storage.put(key, draft)
        yield "write"
        read = b"".join([chunk async for chunk in storage.read(key, 0, PROBE_BYTES)])
        if read != content or await storage.size(key) != PROBE_BYTES:
            raise StorageFaulty("It answers other bytes than were written.")
        yield "read"
        if not any([stored.key == key async for stored in storage.list()]):
            raise StorageFaulty("It does not list what was written.")
        yield "list"
        await storage.delete(key)
        if await storage.size(key) is not None:
            raise StorageFaulty("It still has what was deleted.")
        yield "delete"
    finally:
        draft.unlink(missing_ok=True)
        await storage.delete(key)
