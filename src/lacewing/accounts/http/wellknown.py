"""``/.well-known``: what others need to verify our tokens themselves."""

from typing import Any

import msgspec
from fastapi import Response

from lacewing.accounts.http.parameters import Anyone, TheAccounts
from lacewing.accounts.keys import JWKS_LIFETIME
from lacewing.kernel.web.answers import answer
from lacewing.kernel.web.openapi import documented
from lacewing.kernel.web.route import make_router

router = make_router("accounts")

_CACHED = f"public, max-age={int(JWKS_LIFETIME.total_seconds())}"


class JwkSet(msgspec.Struct, frozen=True):
    """A JWK Set (RFC 7517, section 5)."""

    keys: list[dict[str, Any]]


@router.get(
    "/.well-known/jwks.json",
    **documented("Read the public keys that access tokens are signed with", JwkSet),
)
async def read_public_keys(work: Anyone, accounts: TheAccounts) -> Response:
    keys = JwkSet(accounts.keys.published(work.now))
    return answer(keys, headers={"Cache-Control": _CACHED})
