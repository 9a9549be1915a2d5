"""``Idempotency-Key`` on ``POST`` (API-8, after the IETF's httpapi draft)."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from fastapi import Request, Response
from fastapi.routing import APIRoute

from lacewing.kernel.db import transaction
from lacewing.kernel.errors import Conflict, Refusal, invalid_field
from lacewing.kernel.idempotency import service, store
from lacewing.kernel.web.runtime import runtime_of
from lacewing.kernel.web.security import authenticate
from lacewing.kernel.work import Work

KEY_LENGTH_MAX: Final = 255
ANSWERS_SECRET: Final = "x-answers-secret"  # ruff: ignore[hardcoded-password-string]  the name of a mark
"""Marks operations that answer tokens: kept answers would be tokens in the clear."""

_HEADERS_KEPT = ("content-type", "location", "etag", "cache-control")


class KeyTaken(Conflict):
    code = "idempotency-key-taken"
    title = "This request took so long that another one with its Idempotency-Key went ahead."


def takes_idempotency_key(route: APIRoute) -> bool:
    return "POST" in (route.methods or ()) and not (route.openapi_extra or {}).get(ANSWERS_SECRET)


def _owner(work: Work) -> str:
    """Whose key it is: a token must not replay what its owner did by other means."""
    if work.found_actor is None:
        return f"ip:{work.origin.ip}"
    if work.actor.token_id is not None:
        return f"token:{work.actor.token_id}"
    return f"user:{work.actor.id}"


async def answer_once(
    request: Request,
    work: Work,
    handle: Callable[[Request], Awaitable[Response]],
    sent: bytes | None = None,
) -> Response:
    """Carry the request out once for its key and user; later ones get the first answer again.

    ``sent`` stands for the body where that was not kept, as of an upload.
    """
    key = request.headers["idempotency-key"]
    if not 0 < len(key) <= KEY_LENGTH_MAX:
        raise invalid_field(
            "header", "Idempotency-Key", f"must have 1 to {KEY_LENGTH_MAX} characters", "length"
        )
    if "authorization" in request.headers:
        await authenticate(request)
    owner = _owner(work)
    database = runtime_of(request).database
    fingerprint = _fingerprint(request, await request.body() if sent is None else sent)
    kept = await service.claim_or_find(database, owner, key, fingerprint, work.now)
    if kept is not None:
        headers = {**(kept.headers or {}), "Idempotent-Replayed": "true"}
        return Response(kept.body, status_code=kept.status or 200, headers=headers)

    mine_until = work.now + service.CLAIMED
    try:
        response = await handle(request)
        await _keep(work, owner, key, mine_until, response)
    except BaseException as error:  # also when the client goes away: the key must not stay taken
        if isinstance(error, Refusal) and error.keeps_changes:
            await work.session.commit()
        await work.session.rollback()
        async with transaction(database) as session:
            await store.release_claim(session, owner, key, mine_until)
        raise
    return response


async def _keep(work: Work, owner: str, key: str, mine_until: datetime, response: Response) -> None:
    """Commit the change together with its answer, to be given again."""
    answer = {
        "status": response.status_code,
        "headers": {
            name: response.headers[name] for name in _HEADERS_KEPT if name in response.headers
        },
        "body": bytes(response.body),
    }
    if not await store.complete_claim(work.session, owner, key, mine_until, answer):
        raise KeyTaken
    await work.session.commit()


def _fingerprint(request: Request, body: bytes) -> str:
    """A keyed hash: the body may hold a password, which a plain one would let be guessed."""
    digest = hashlib.blake2b(digest_size=32, key=runtime_of(request).secret)
    for part in (
        request.method.encode(),
        request.url.path.rstrip("/").encode(),
        request.scope["query_string"],
        body,
    ):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
