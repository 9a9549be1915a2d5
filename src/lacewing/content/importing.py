"""Posts of another system: a JSON array of records, brought in in batches; again, only new ones.

Of a record its ``id``, ``title``, ``body`` and ``userId`` are taken, under the rules for new posts;
what else it has (tags, reactions, views) has no place here.
"""

from collections.abc import Iterator
from itertools import islice, starmap
from typing import Annotated, Any, Final

import msgspec
from pydantic import BaseModel, Field, StrictInt, ValidationError

from lacewing.accounts.public import Person, import_person
from lacewing.content import events
from lacewing.content.rules import author_name
from lacewing.content.schemas import Body, PostView, Title
from lacewing.content.store import posts as store
from lacewing.kernel import audit
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.markdown import render
from lacewing.kernel.records import BadRecord, UnreadableFile, read_json
from lacewing.kernel.work import Work

BATCH: Final = 500
"""Records of one transaction: what a crash undoes at the most."""

_Number = Annotated[StrictInt, Field(ge=0, lt=2**63)]


class ImportedPost(BaseModel):
    """One record."""

    id: _Number
    title: Title
    body: Body
    user_id: _Number = Field(alias="userId")


class _Raw(msgspec.Struct):
    """What is read of a record; how it must be, ``ImportedPost`` says."""

    id: Any = None
    title: Any = None
    body: Any = None
    userId: Any = None  # noqa: N815  as the other system writes it


Record = ImportedPost | BadRecord


class ImportReport(msgspec.Struct):
    """How many of what came in, were there already, or could not come."""

    source: str
    records: int = 0
    posts_added: int = 0
    posts_known: int = 0
    """Those that are deleted here too: an import brings nothing back."""
    users_added: int = 0
    bad_records: list[BadRecord] = []


def read_posts(data: bytes) -> list[Record]:
    """The records of ``data``, each read or told why not.

    Raises:
        UnreadableFile: it is no JSON array.
    """
    try:
        raws = read_json(data, list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"This is no JSON array of posts: {error}") from error
    return list(starmap(_read, enumerate(raws, start=1)))


def _read(place: int, raw: msgspec.Raw) -> Record:
    try:
        record = msgspec.json.decode(raw, type=_Raw)
        return ImportedPost.model_validate(msgspec.structs.asdict(record))
    except ValidationError as error:
        return BadRecord(place, "; ".join(_reasons(error)))
    except (msgspec.MsgspecError, ValueError) as error:
        return BadRecord(place, str(error))


def _reasons(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        yield f"{'.'.join(map(str, each['loc']))}: {each['msg']}"


class Import:
    """One run over the records of ``source``, a name that keeps the ids of two systems apart."""

    def __init__(self, records: list[Record], source: str) -> None:
        self.report = ImportReport(source)
        self._records = records
        self._people: dict[int, Person] = {}

    def batches(self) -> Iterator[list[Record]]:
        """The records in batches, each to be given to ``bring_in`` in a transaction."""
        records = iter(self._records)
        while batch := list(islice(records, BATCH)):
            yield batch

    async def bring_in(self, work: Work, batch: list[Record]) -> None:
        """Add what is new of ``batch``; nobody is notified of each."""
        posts: dict[str, tuple[ImportedPost, str]] = {}
        for record in batch:
            if isinstance(record, BadRecord):
                self.report.bad_records.append(record)
            else:  # Rendered before the transaction begins, which others may wait for.
                key = f"{self.report.source}#{record.id}"
                posts.setdefault(key, (record, render(record.body)))
        await store.wait_to_import(work.session)
        known = await store.known_posts(work.session, list(posts))
        for external_id, (post, body_html) in posts.items():
            if external_id not in known:
                await self._add(work, external_id, post, body_html)
        added = len(posts) - len(known)
        bad = sum(isinstance(record, BadRecord) for record in batch)
        self.report.records += len(batch)
        self.report.posts_added += added
        self.report.posts_known += len(batch) - bad - added
        if added:
            source, counts = self.report.source, {"posts": added}
            await emit(work, events.PostsImported(source=source, counts=counts))
            await audit.record(work, "posts.import", f"source:{source}", details=counts)

    async def _add(self, work: Work, external_id: str, post: ImportedPost, body_html: str) -> None:
        view = PostView(
            id=new_id(),
            title=post.title,
            body=post.body,
            body_html=body_html,
            author=await self._author(work, post.user_id),
            created_at=work.now,
            updated_at=work.now,
        )
        await store.insert_post(work.session, store.row_of(view, external_id))

    async def _author(self, work: Work, number: int) -> Person:
        if number not in self._people:
            username = author_name(self.report.source, number)
            user_id, is_new = await import_person(work.session, username, work.now)
            self._people[number] = Person(user_id, username, None)
            self.report.users_added += is_new
        return self._people[number]
