from typing import Any, Final
from uuid import UUID

import msgspec

from lacewing.accounts.public import Person, find_person_id
from lacewing.content import errors, events
from lacewing.content.permissions import may_edit_post
from lacewing.content.schemas import NewPost, PostQuery, PostView
from lacewing.content.store import posts as store
from lacewing.content.store.posts import PostFilter
from lacewing.kernel import audit
from lacewing.kernel.errors import invalid_field
from lacewing.kernel.events import emit
from lacewing.kernel.ids import new_id
from lacewing.kernel.markdown import render_off_loop
from lacewing.kernel.pagination import PageRequest, Slice
from lacewing.kernel.preconditions import Precondition
from lacewing.kernel.words import search_terms, snippet_of
from lacewing.kernel.work import Work

ME: Final = "me"


async def list_posts(work: Work, query: PostQuery, page: PageRequest) -> Slice[PostView]:
    """One page of all posts (CON-1).

    Raises:
        Invalid: an author that is filtered by is unknown.
    """
    wanted = PostFilter(author_ids=await _authors(work, query.author), search=query.search)
    found = await store.list_posts(work.session, wanted, query.sort, page)
    if query.search is None:
        return found
    terms, _ = search_terms(query.search)
    return found.mapped(
        lambda post: msgspec.structs.replace(post, snippet=snippet_of(post.body, terms))
    )


async def _authors(work: Work, names: list[str] | None) -> list[UUID] | None:
    if names is None:
        return None
    found: list[UUID] = []
    for name in names:
        author = work.actor.id if name == ME else await find_person_id(work.session, name)
        if author is None:
            raise invalid_field("query", "author", f"there is no user {name!r}", "unknown_user")
        found.append(author)
    return found


async def get_post(work: Work, post_id: UUID) -> PostView:
    """The post.

    Raises:
        PostNotFound: there is none.
    """
    found = await store.find_post(work.session, post_id)
    if found is None:
        raise errors.PostNotFound
    return found


async def create_post(work: Work, wanted: NewPost) -> PostView:
    """A new post of the actor's."""
    actor = work.actor
    post = PostView(
        id=new_id(),
        title=wanted.title,
        body=wanted.body,
        body_html=await render_off_loop(wanted.body),
        author=Person(actor.id, actor.username, actor.full_name),
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_post(work.session, store.row_of(post))
    await emit(work, events.PostCreated(post_id=post.id, author_id=actor.id))
    return post


async def change_post(
    work: Work, post_id: UUID, wanted: dict[str, Any], precondition: Precondition
) -> PostView:
    """Change what ``wanted`` names; the same again changes nothing.

    Raises:
        PostNotFound: there is none.
        NotYourPost: somebody else wrote it.
        PreconditionFailed: it has changed since the client read it.
    """
    body_html = await render_off_loop(wanted["body"]) if "body" in wanted else ""
    current = await _lock_for_change(work, post_id, precondition)
    fields = sorted(name for name, value in wanted.items() if getattr(current, name) != value)
    if not fields:
        return current
    changed = msgspec.structs.replace(
        current,
        **wanted,
        body_html=body_html if "body" in fields else current.body_html,
        updated_at=work.now,
    )
    await store.update_post(work.session, changed)
    author_id = current.author.id
    await emit(work, events.PostChanged(post_id=post_id, author_id=author_id, fields=fields))
    if author_id != work.actor.id:
        await audit.record(work, "post.change", f"post:{post_id}")
    return changed


async def delete_post(work: Work, post_id: UUID, precondition: Precondition) -> None:
    """Remove the post, from every collection too.

    Raises:
        PostNotFound, NotYourPost, PreconditionFailed: as ``change_post``.
    """
    current = await _lock_for_change(work, post_id, precondition)
    await store.delete_post(work.session, post_id)
    await emit(work, events.PostDeleted(post_id=post_id, author_id=current.author.id))
    await audit.record(work, "post.delete", f"post:{post_id}")


async def _lock_for_change(work: Work, post_id: UUID, precondition: Precondition) -> PostView:
    post = await store.lock_post(work.session, post_id)
    if post is None:
        raise errors.PostNotFound
    if not may_edit_post(work.actor, post.author.id):
        raise errors.NotYourPost
    precondition.check(post)
    return post
