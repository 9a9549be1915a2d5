"""How to make a good provider do something wrong in its tokens, keys or claims."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from tests.support.rogue_provider import Json, RogueProvider, b64, sign

Flaw = Callable[[RogueProvider], None]


def with_claims(**claims: Any) -> Flaw:
    return lambda rogue: rogue.claims.update(claims)


def with_header(**header: Any) -> Flaw:
    return lambda rogue: rogue.header.update(header)


def with_tokens(**tokens: Any) -> Flaw:
    return lambda rogue: rogue.tokens.update(tokens)


def with_metadata(**metadata: Any) -> Flaw:
    return lambda rogue: rogue.metadata.update(metadata)


def with_callback(**callback: Any) -> Flaw:
    return lambda rogue: rogue.callback.update(callback)


def with_keys(make: Callable[[Json], list[Any]]) -> Flaw:
    """``make`` gets the right public key."""
    return lambda rogue: setattr(rogue, "published", make(rogue.key.as_dict(private=False)))


def with_times(**offsets: float) -> Flaw:
    """Claims that are times, in seconds from now."""

    def flaw(rogue: RogueProvider) -> None:
        now = int(rogue.clock().timestamp())
        rogue.claims.update({name: now + offset for name, offset in offsets.items()})

    return flaw


def with_userinfo(**claims: Any) -> Flaw:
    """No email in the ID token, and these claims at the user info endpoint."""

    def flaw(rogue: RogueProvider) -> None:
        rogue.has_email_in_id_token = False
        rogue.userinfo.update(claims)

    return flaw


def signed_by(key: Any, algorithm: str = "RS256", **header: Any) -> Flaw:
    """The key's own id is not named: the header still names that of the right key."""

    def flaw(rogue: RogueProvider) -> None:
        rogue.header.update({"alg": algorithm, **header})
        rogue.signer = lambda head, claims: sign(key, head, claims, algorithm)

    return flaw


def by_secret(make: Callable[[RogueProvider], bytes]) -> Flaw:
    """HS256 with what is no secret, or not one for this."""

    def flaw(rogue: RogueProvider) -> None:
        def signer(header: Json, claims: Json) -> str:
            head = sign(rogue.key, header, claims).rpartition(".")[0]
            return f"{head}.{b64(hmac.new(make(rogue), head.encode(), hashlib.sha256).digest())}"

        rogue.header["alg"] = "HS256"
        rogue.signer = signer

    return flaw


def rewritten(change: Callable[[str], str]) -> Flaw:
    """The right token, and then something done to it."""

    def flaw(rogue: RogueProvider) -> None:
        rogue.signer = lambda header, claims: change(sign(rogue.key, header, claims))

    return flaw


def with_payload(payload: bytes) -> Flaw:
    """A good signature over what is no set of claims."""
    return lambda rogue: setattr(
        rogue, "signer", lambda header, _: sign(rogue.key, header, payload)
    )


def all_of(*flaws: Flaw) -> Flaw:
    def flaw(rogue: RogueProvider) -> None:
        for each in flaws:
            each(rogue)

    return flaw


def unsigned(algorithm: str, signature: str = "") -> Flaw:
    return all_of(
        with_header(alg=algorithm),
        rewritten(lambda token: f"{token.rpartition('.')[0]}.{signature}"),
    )


def claiming(**claims: Any) -> Callable[[str], str]:
    """Changes claims of a token, whose signature stays."""

    def change(token: str) -> str:
        header, payload, signature = token.split(".")
        known = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return f"{header}.{b64(json.dumps(known | claims).encode())}.{signature}"

    return change


def headed(header: bytes) -> Callable[[str], str]:
    """Puts another header before a token."""
    return lambda token: f"{b64(header)}.{token.partition('.')[2]}"
