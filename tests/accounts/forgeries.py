"""Tokens that nobody here has signed, or not for this: what a server must refuse."""

import base64
import hashlib
import hmac
import json
from typing import Any
from uuid import uuid4

from joserfc import jwe
from joserfc.jwe import JWERegistry
from joserfc.jwk import ECKey, Key, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.support.house import House, Member

Claims = dict[str, Any]
HOSTILE_KEY_IDS: list[Any] = [
    "../../../../dev/null",
    "' OR '1'='1",
    "http://attacker.test/jwks",
    "",
    "x" * 2_000,
    "\x00",
    None,
    7,
    {"a": []},
]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claims_of(member: Member) -> Claims:
    """The claims of the member's own, good token."""
    claims: Claims = json.loads(unb64(member.access_token.split(".")[1]))
    return claims


def header_of(token: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(unb64(token.partition(".")[0]))
    return header


def signing_key(house: House) -> ECKey | RSAKey:
    """The key that signs access tokens."""
    material = house.accounts.keys.signing(house.clock()).material
    assert not isinstance(material, OctKey)
    return material


def encryption_key(house: House) -> OctKey:
    """The key that encrypts refresh tokens."""
    material = house.accounts.keys.encrypting(house.clock()).material
    assert isinstance(material, OctKey)
    return material


def encryption_header(house: House) -> dict[str, Any]:
    """The header of a good refresh token."""
    key_id = house.accounts.keys.encrypting(house.clock()).id
    return {"alg": "dir", "enc": "A256GCM", "cty": "JWT", "kid": key_id}


def signed(house: House, member: Member, header: Claims | None = None, **changed: Any) -> str:
    """Signed with the right key, by the right algorithm, over other claims or another header.

    A claim that is set to ``...`` is left out.
    """
    claims = claims_of(member) | changed
    claims = {name: value for name, value in claims.items() if value is not ...}
    return sign(signing_key(house), header_of(member.access_token) | (header or {}), claims)


def sign(key: Key, header: Claims, claims: Claims, algorithm: str = "ES256") -> str:
    """A JWS by ``key``, made by hand: its header may say what no library would sign."""
    parts = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
    return f"{parts}.{b64(JWSRegistry.algorithms[algorithm].sign(parts.encode(), key))}"


def with_header(member: Member, **header: Any) -> str:
    """The member's token with another header; the signature is the old one."""
    _, payload, signature = member.access_token.split(".")
    merged = header_of(member.access_token) | header
    return ".".join([b64(json.dumps(merged).encode()), payload, signature])


def with_claims(member: Member, **claims: Any) -> str:
    """The member's token with other claims; the signature is the old one."""
    header, _, signature = member.access_token.split(".")
    return ".".join([header, b64(json.dumps(claims_of(member) | claims).encode()), signature])


def unsigned(member: Member, algorithm: str, signature: str = "") -> str:
    header = header_of(member.access_token) | {"alg": algorithm}
    payload = member.access_token.split(".")[1]
    return ".".join([b64(json.dumps(header).encode()), payload, signature])


def by_public_key(house: House, member: Member, form: str) -> str:
    """HS256 with the public key as the secret, in one of the forms that it is published in."""
    key = signing_key(house)
    secret = {
        "pem": key.as_pem(private=False),
        "der": key.as_der(private=False),
        "jwk": json.dumps(key.as_dict(private=False)).encode(),
        "empty": b"",
    }[form]
    head = unsigned(member, "HS256").rstrip(".")
    return f"{head}.{b64(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"


def by_own_key(member: Member, algorithm: str, **header: Any) -> str:
    """Well signed by a key of the attacker's, which the header may bring along."""
    is_curve = algorithm == "ES256"
    key = ECKey.generate_key("P-256") if is_curve else RSAKey.generate_key(2048)
    merged = header_of(member.access_token) | {"alg": algorithm} | header
    if "jwk" in header:
        merged["jwk"] = key.as_dict(private=False)
    return sign(key, merged, claims_of(member), algorithm)


def flipped(token: str, part: int, at: int = 10) -> str:
    """The token with one bit of one part turned over."""
    parts = token.split(".")
    data = bytearray(unb64(parts[part]))
    data[at % len(data)] ^= 1
    parts[part] = b64(bytes(data))
    return ".".join(parts)


def encrypted(house: House, plaintext: bytes, **header: Any) -> str:
    """Encrypted with the right key."""
    merged = encryption_header(house) | header
    registry = JWERegistry(algorithms=["dir", "A256GCM", "DEF"])
    return jwe.encrypt_compact(merged, plaintext, encryption_key(house), registry=registry)


def inner_of(house: House, token: str) -> bytes:
    registry = JWERegistry(algorithms=["dir", "A256GCM"])
    key = encryption_key(house)
    return jwe.decrypt_compact(token, key, registry=registry).plaintext or b""


def by_password(house: House, token: str, count: int) -> str:
    """A JWE whose key is derived from a password, at a cost that the attacker names."""
    registry = JWERegistry(algorithms=["PBES2-HS256+A128KW", "A256GCM"])
    costly = {"alg": "PBES2-HS256+A128KW", "p2s": b64(b"salt" * 4), "p2c": 1_000}
    header = encryption_header(house) | costly
    key = OctKey.import_key(b"a password, long enough")
    made = jwe.encrypt_compact(header, inner_of(house, token), key, registry=registry)
    head, _, rest = made.partition(".")
    named = json.loads(unb64(head)) | {"p2c": count}
    return f"{b64(json.dumps(named).encode())}.{rest}"


def by_other_encryption(house: House, token: str) -> str:
    registry = JWERegistry(algorithms=["dir", "A256GCM"])
    key = OctKey.import_key(hashlib.sha256(uuid4().bytes).digest())
    header = encryption_header(house)
    return jwe.encrypt_compact(header, inner_of(house, token), key, registry=registry)
