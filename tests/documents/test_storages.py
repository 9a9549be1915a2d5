"""Both storages keep what the interface promises: the local disk, and a real S3 server."""

import asyncio
import errno
import hashlib
import os
import random
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from lacewing.documents.errors import FileMissing, StorageFull, StorageUnavailable
from lacewing.documents.files import Storage
from lacewing.documents.files.local import LocalStorage
from lacewing.documents.files.opening import open_storage
from lacewing.settings import Settings
from tests.documents.acts import PAPER, path_of, upload
from tests.support.cannot import cannot_test
from tests.support.house import House, open_house
from tests.support.object_storage import S3Server, make_bucket, new_bucket, s3_process
from tests.support.servers import CannotStart

MIB: Final = 1024 * 1024
CONTENT: Final = b"Quarterly report. " * 1_000
LARGE: Final = random.Random(0).randbytes(12 * MIB + 1)
"""More than two parts of a multipart upload, and many pieces of a download."""
QUICKLY_SECONDS: Final = 12.0
"""Of one request to a server that is not there, with what it tries again."""


@pytest.fixture
def own_s3() -> Iterator[S3Server]:
    """A server that the test may stop."""
    try:
        with s3_process() as server:
            yield server
    except CannotStart as error:
        cannot_test(error)


def make_object(environment: Mapping[str, str], url: str, content: bytes) -> None:
    """As by somebody else, who has the same bucket."""
    path = url.removeprefix("s3://")
    httpx.put(f"{environment['AWS_ENDPOINT_URL']}/{path}", content=content).raise_for_status()


async def followed(address: str) -> httpx.Response:
    """What anybody gets there."""
    async with httpx.AsyncClient() as client:
        return await client.get(address)


def options_of(environment: Mapping[str, str]) -> dict[str, SecretStr]:
    return {name: SecretStr(value) for name, value in environment.items()}


@asynccontextmanager
async def opened(
    url: str, data_dir: Path, environment: Mapping[str, str]
) -> AsyncGenerator[Storage, None]:
    storage = open_storage(url, data_dir, options_of(environment))
    try:
        yield storage
    finally:
        await storage.close()


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[LocalStorage]:
    storage = LocalStorage(tmp_path / "files")
    yield storage
    await storage.close()


@pytest.fixture
async def bucket(s3: dict[str, str], tmp_path: Path) -> AsyncIterator[Storage]:
    async with opened(f"{new_bucket(s3)}/documents", tmp_path / "data", s3) as storage:
        yield storage


@pytest.fixture(params=["disk", "bucket"])
def storage(request: pytest.FixtureRequest) -> Storage:
    found: Storage = request.getfixturevalue(request.param)
    return found


def key_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def draft_of(storage: Storage, content: bytes) -> Path:
    draft = storage.drafts_dir / uuid4().hex
    draft.write_bytes(content)
    return draft


async def put(storage: Storage, content: bytes) -> str:
    key = key_of(content)
    await storage.put(key, draft_of(storage, content))
    return key


async def read(storage: Storage, key: str, start: int, end: int) -> bytes:
    return b"".join([chunk async for chunk in storage.read(key, start, end)])


async def keys(storage: Storage) -> list[str]:
    return sorted([stored.key async for stored in storage.list()])


# What both do


@pytest.mark.parametrize("content", [CONTENT, b"x", b""], ids=["some", "one byte", "empty"])
async def test_what_was_put_is_there_and_its_draft_stays(storage: Storage, content: bytes) -> None:
    """DOC-7: with the very bytes, under its key."""
    key, draft = key_of(content), draft_of(storage, content)

    await storage.put(key, draft)

    assert await storage.size(key) == len(content)
    assert await read(storage, key, 0, len(content)) == content
    assert draft.read_bytes() == content


async def test_a_large_file_comes_back_whole(storage: Storage) -> None:
    """DOC-7: S3 takes it in parts; on both it is read piece by piece."""
    key = await put(storage, LARGE)

    sizes = []
    digest = hashlib.sha256()
    async for chunk in storage.read(key, 0, len(LARGE)):
        sizes.append(len(chunk))
        digest.update(chunk)

    assert await storage.size(key) == len(LARGE)
    assert digest.hexdigest() == key
    assert max(sizes) <= MIB


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, 1),
        (5, 10),
        (7, 7),
        (len(LARGE) - 1, len(LARGE)),
        (256 * 1024 - 1, 256 * 1024 + 1),
        (MIB - 1, MIB + 1),
        (5 * MIB - 3, 10 * MIB + 3),
    ],
)
async def test_any_range_can_be_read(storage: Storage, start: int, end: int) -> None:
    """DOC-6: from the first to before the last, across the borders of pieces and parts too."""
    key = await put(storage, LARGE)

    found = await read(storage, key, start, end)

    assert found == LARGE[start:end]


async def test_a_file_can_be_fetched(storage: Storage) -> None:
    """DOC-9: as a local one, for as long as it is needed; nothing of it is left lying about."""
    key = await put(storage, LARGE)
    drafts = sorted(storage.drafts_dir.iterdir())

    async with storage.fetched(key) as path:
        found = key_of(path.read_bytes())

    assert found == key
    assert sorted(storage.drafts_dir.iterdir()) == drafts
    assert await storage.size(key) == len(LARGE)


async def test_a_file_that_was_fetched_is_gone_when_its_reader_fails(storage: Storage) -> None:
    """DOC-9: a processor that fails fills no disk."""
    key = await put(storage, CONTENT)
    drafts = sorted(storage.drafts_dir.iterdir())

    async def fetch_and_fail() -> None:
        async with storage.fetched(key):
            raise LookupError

    with pytest.raises(LookupError):
        await fetch_and_fail()

    assert sorted(storage.drafts_dir.iterdir()) == drafts


async def test_all_files_are_listed_with_size_and_time(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-7: page by page; what is being made is none."""
    monkeypatch.setattr("lacewing.documents.files.local.LISTED_AT_ONCE", 3)
    monkeypatch.setattr("lacewing.documents.files.object_storage.LISTED_AT_ONCE", 3)
    contents = [b"%d" % number * (number + 1) for number in range(8)]
    nothing = await keys(storage)

    for content in contents:
        await put(storage, content)
    (storage.drafts_dir / key_of(b"a draft of that name")).write_bytes(b"x")
    listed = {stored.key: stored async for stored in storage.list()}

    now = datetime.now(UTC)
    assert nothing == []
    assert {key: stored.size_bytes for key, stored in listed.items()} == {
        key_of(content): len(content) for content in contents
    }
    assert all(abs(now - each.modified_at) < timedelta(minutes=5) for each in listed.values())


async def test_a_deleted_file_is_gone(storage: Storage) -> None:
    """DOC-7: to delete it again is no error; others stay."""
    gone, kept = await put(storage, b"gone"), await put(storage, b"kept")

    await storage.delete(gone)
    await storage.delete(gone)

    assert await storage.size(gone) is None
    assert await keys(storage) == [kept]


async def test_a_file_that_is_missing_is_told(storage: Storage) -> None:
    """DOC-6: however it is asked for."""
    key = key_of(b"never put")

    async def fetch() -> None:
        async with storage.fetched(key):
            pass

    assert await storage.size(key) is None
    with pytest.raises(FileMissing):
        await read(storage, key, 0, 1)
    with pytest.raises(FileMissing):
        await fetch()


async def test_a_file_that_is_cut_off_is_told(storage: Storage) -> None:
    """DOC-6: nobody gets half a file for a whole one."""
    key = await put(storage, CONTENT)

    with pytest.raises(FileMissing):
        await read(storage, key, 0, len(CONTENT) + 1)


async def test_a_file_that_is_there_is_replaced(storage: Storage) -> None:
    """DOC-7: so that a damaged one can be mended."""
    key = key_of(CONTENT)
    await storage.put(key, draft_of(storage, b"damaged"))

    await storage.put(key, draft_of(storage, CONTENT))

    assert await storage.size(key) == len(CONTENT)
    assert await read(storage, key, 0, len(CONTENT)) == CONTENT
    assert await keys(storage) == [key]


async def test_many_puts_of_the_same_bytes_at_once_are_one_file(storage: Storage) -> None:
    """DOC-12: as when ten people upload one paper."""
    await asyncio.gather(*(put(storage, CONTENT) for _ in range(20)))

    assert await keys(storage) == [key_of(CONTENT)]
    assert await read(storage, key_of(CONTENT), 0, len(CONTENT)) == CONTENT


async def test_while_it_is_put_a_file_is_whole_or_absent(storage: Storage) -> None:
    """DOC-7: whoever looks sees all bytes or nothing."""
    key, draft = key_of(LARGE), draft_of(storage, LARGE)
    seen: set[int | None] = set()

    putting = asyncio.create_task(storage.put(key, draft))
    while not putting.done():
        seen.add(await storage.size(key))
        await asyncio.sleep(0)
    await putting

    assert seen <= {None, len(LARGE)}
    assert await storage.size(key) == len(LARGE)


async def test_a_put_that_is_cancelled_leaves_no_part_of_a_file(storage: Storage) -> None:
    """DOC-7: a client that goes away; the same bytes can be put again."""
    key, draft = key_of(LARGE), draft_of(storage, LARGE)

    putting = asyncio.create_task(storage.put(key, draft))
    await asyncio.sleep(0)
    putting.cancel()
    await asyncio.wait({putting})
    size = await storage.size(key)
    await storage.put(key_of(LARGE), draft_of(storage, LARGE))

    assert size in {None, len(LARGE)}
    assert await storage.size(key) == len(LARGE)


# The local disk


async def test_files_lie_in_folders_that_only_their_owner_reads(disk: LocalStorage) -> None:
    """DOC-7, DOC-8: ``ab/abcd…``, read-only; no name of a user becomes a path."""
    key = await put(disk, CONTENT)

    root = disk.drafts_dir.parent
    path = root / key[:2] / key
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (disk.drafts_dir, path.parent, path)]
    assert modes == [0o700, 0o700, 0o400]
    assert path.read_bytes() == CONTENT
    assert sorted(each.name for each in root.iterdir()) == sorted([key[:2], "drafts"])


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EIO, StorageUnavailable),
    ],
    ids=["no room", "quota", "broken"],
)
async def test_a_put_that_the_disk_refuses_leaves_nothing(
    disk: LocalStorage,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    refusal: type[Exception],
) -> None:
    """DOC-7: neither a file nor a part of one; the reason is told."""
    key, draft = key_of(CONTENT), draft_of(disk, CONTENT)

    def refuse(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(refusal):
            await disk.put(key, draft)

    assert await disk.size(key) is None
    assert list(disk.drafts_dir.iterdir()) == [draft]


async def test_a_put_that_failed_can_be_done_again(disk: LocalStorage) -> None:
    """DOC-7: at whatever moment it failed; here when the file was to get its name."""
    key, draft = key_of(CONTENT), draft_of(disk, CONTENT)
    in_the_way = disk.drafts_dir.parent / key[:2] / key
    in_the_way.mkdir(parents=True)

    with pytest.raises(StorageUnavailable):
        await disk.put(key, draft)
    in_the_way.rmdir()
    await disk.put(key, draft)

    assert await read(disk, key, 0, len(CONTENT)) == CONTENT
    assert list(disk.drafts_dir.iterdir()) == [draft]


async def test_what_else_lies_in_the_folder_is_no_file_of_ours(disk: LocalStorage) -> None:
    """DOC-7: so that nothing of anybody else is ever swept."""
    key = await put(disk, CONTENT)
    (disk.drafts_dir.parent / "lost+found").mkdir()
    (disk.drafts_dir.parent / "readme.txt").write_text("mine", encoding="utf-8")

    found = await keys(disk)

    assert found == [key]


async def test_a_disk_has_no_addresses(disk: LocalStorage) -> None:
    """DOC-6: downloads go through the server then."""
    key = await put(disk, CONTENT)

    assert await disk.presigned(key, 60) is None


async def test_a_folder_is_named_by_its_address(tmp_path: Path) -> None:
    """DOC-7: with whatever characters; without an address it is ``files`` in the data folder."""
    folder = tmp_path / "née 100 %"

    async with opened(folder.as_uri(), tmp_path, {}) as named:
        url = named.url
    unnamed = open_storage(None, tmp_path, {})
    await unnamed.close()

    assert url == folder.as_uri()
    assert (folder / "drafts").is_dir()
    assert unnamed.url == (tmp_path / "files").as_uri()


# Object storage


async def test_two_prefixes_of_one_bucket_are_two_storages(
    s3: dict[str, str], tmp_path: Path
) -> None:
    """DOC-7: keys lie below the prefix, in shards; what else is there is none of ours."""
    url = new_bucket(s3)
    make_object(s3, f"{url}/a/readme.txt", b"mine")
    async with opened(f"{url}/a", tmp_path, s3) as a, opened(f"{url}/b/c/", tmp_path, s3) as b:
        in_a, in_b = await put(a, b"in a"), await put(b, b"in b")
        listed = [await keys(a), await keys(b)]
        urls = [a.url, b.url]
        address = await b.presigned(in_b, 60)

    assert address is not None
    assert listed == [[in_a], [in_b]]
    assert urls == [f"{url}/a", f"{url}/b/c"]
    assert urlsplit(address).path == f"/{urlsplit(url).netloc}/b/c/{in_b[:2]}/{in_b}"


@pytest.mark.parametrize("content", [CONTENT, LARGE], ids=["small", "large"])
async def test_a_presigned_address_serves_the_file_as_an_attachment(
    bucket: Storage, content: bytes
) -> None:
    """DOC-6: for as long as was said; no browser shows it in place."""
    key = await put(bucket, content)

    address = await bucket.presigned(key, 60)

    assert address is not None
    answer = await followed(address)
    assert answer.content == content
    assert answer.headers["Content-Disposition"] == "attachment"
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["60"]


async def _everything(storage: Storage) -> dict[str, BaseException | None]:
    """What each method raises; each may take as long as is said above."""
    key = key_of(CONTENT)

    async def fetch() -> None:
        async with storage.fetched(key):
            pass

    acts: dict[str, Callable[[], Any]] = {
        "put": lambda: put(storage, CONTENT),
        "size": lambda: storage.size(key),
        "read": lambda: read(storage, key, 0, 1),
        "fetched": fetch,
        "delete": lambda: storage.delete(key),
        "list": lambda: keys(storage),
    }
    tasks = [asyncio.create_task(act()) for act in acts.values()]
    async with asyncio.timeout(QUICKLY_SECONDS):
        await asyncio.wait(tasks)
    return {name: task.exception() for name, task in zip(acts, tasks, strict=True)}


async def test_a_server_that_is_gone_is_told_quickly(own_s3: S3Server, tmp_path: Path) -> None:
    """DOC-7, API-4: as ``StorageUnavailable``, whatever is asked; when it is back all goes on."""
    url = new_bucket(own_s3.environment)
    async with opened(url, tmp_path, own_s3.environment) as storage:
        await put(storage, b"before")
        own_s3.kill()

        raised = await _everything(storage)
        own_s3.start()
        make_bucket(own_s3.environment, url.removeprefix("s3://"))
        key = await put(storage, b"after")
        size = await storage.size(key)

    assert {name: type(error) for name, error in raised.items()} == dict.fromkeys(
        raised, StorageUnavailable
    )
    assert size == len(b"after")


async def test_a_server_that_does_not_answer_is_told(
    own_s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOC-7, API-4: it takes connections, and there it stays."""
    monkeypatch.setattr("lacewing.documents.files.object_storage.REQUEST_SECONDS", 1)
    url = new_bucket(own_s3.environment)
    async with opened(url, tmp_path, own_s3.environment) as storage:
        own_s3.freeze()

        raised = await _everything(storage)
        own_s3.thaw()

    assert {name: type(error) for name, error in raised.items()} == dict.fromkeys(
        raised, StorageUnavailable
    )


async def test_a_bucket_that_is_not_there_is_told(s3: dict[str, str], tmp_path: Path) -> None:
    """DOC-7: it is the storage that is missing then, no single file."""
    async with opened(f"s3://no-{uuid4().hex}", tmp_path, s3) as storage:
        raised = await _everything(storage)

    assert type(raised["put"]) is StorageUnavailable
    assert "bucket" in str(raised["put"])
    assert type(raised["list"]) is StorageUnavailable


async def test_keys_that_are_refused_are_told(tmp_path: Path) -> None:
    """DOC-7, UX-1: in words that lead to the settings, and without the keys."""
    try:
        with s3_process(checks_keys=True) as server:
            async with opened("s3://documents", tmp_path, server.environment) as storage:
                raised = await _everything(storage)
    except CannotStart as error:
        cannot_test(error)

    words = {str(error) for error in raised.values()}
    assert {type(error) for error in raised.values()} == {StorageUnavailable}
    assert all("keys" in each and "not-a-secret" not in each for each in words)


# Over the API


@pytest.fixture
async def redirecting_house(
    make_settings: Callable[..., Settings], s3: dict[str, str]
) -> AsyncIterator[House]:
    settings = make_settings(
        LACEWING_STORAGE_URL=f"{new_bucket(s3)}/documents", LACEWING_DOWNLOAD_REDIRECT="true", **s3
    )
    async with open_house(settings) as house:
        yield house


async def test_a_download_can_lead_to_the_object_storage(redirecting_house: House) -> None:
    """DOC-6, NAME-3: 307 to an address that nobody keeps; it serves the file as an attachment."""
    maria = await redirecting_house.member("maria")
    document = await upload(maria)

    answer = await maria.api.get(path_of(document, "/download"))

    assert answer.status_code == 307
    assert answer.headers["Cache-Control"] == "no-store"
    file = await followed(answer.headers["Location"])
    assert file.content == PAPER
    assert file.headers["Content-Disposition"] == "attachment"


async def test_an_address_is_given_only_to_those_who_may_see_the_document(
    redirecting_house: House,
) -> None:
    """DOC-11: 404 for others, 401 for those who are not signed in."""
    maria = await redirecting_house.member("maria")
    noor = await redirecting_house.member("noor")
    path = path_of(await upload(maria), "/download")

    others = [await noor.api.get(path), await redirecting_house.anonymous.get(path)]

    assert [answer.status_code for answer in others] == [404, 401]
    assert all("Location" not in answer.headers for answer in others)


async def test_without_that_setting_the_server_serves_files_of_the_object_storage(
    make_settings: Callable[..., Settings], s3: dict[str, str]
) -> None:
    """DOC-6: whole and in ranges, as from a disk."""
    settings = make_settings(LACEWING_STORAGE_URL=new_bucket(s3), **s3)
    async with open_house(settings) as house:
        maria = await house.member("maria")
        path = path_of(await upload(maria), "/download")

        whole = await maria.api.get(path)
        part = await maria.api.get(path, headers={"Range": "bytes=5-9"})

    assert (whole.status_code, whole.content) == (200, PAPER)
    assert (part.status_code, part.content) == (206, PAPER[5:10])


async def test_a_disk_leads_nowhere_whatever_the_settings_say(
    make_settings: Callable[..., Settings],
) -> None:
    """DOC-6: the server serves the file itself then."""
    async with open_house(make_settings(LACEWING_DOWNLOAD_REDIRECT="true")) as house:
        maria = await house.member("maria")

        answer = await maria.api.get(path_of(await upload(maria), "/download"))

    assert (answer.status_code, answer.content) == (200, PAPER)


async def test_an_upload_to_a_storage_that_is_gone_keeps_nothing(
    make_settings: Callable[..., Settings], own_s3: S3Server
) -> None:
    """DOC-7, API-4: 503, no record without a file; the draft is gone."""
    url = new_bucket(own_s3.environment)
    settings = make_settings(LACEWING_STORAGE_URL=url, **own_s3.environment)
    async with open_house(settings) as house:
        maria = await house.member("maria")
        own_s3.kill()

        with pytest.raises(AssertionError, match="storage-unavailable"):
            await upload(maria)

        listed = (await maria.api.get("/api/documents")).json()
        drafts = list(house.app.state.documents.storage.drafts_dir.iterdir())
    assert listed["data"] == []
    assert drafts == []
