"""An OpenID Connect provider that answers as it should, until a test makes it answer otherwise.

It speaks HTTP by hand, so that it can be silent, drip or babble as no server would.
"""

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

Json = dict[str, Any]
Writer = asyncio.StreamWriter
Answer = Callable[[Writer], Awaitable[None]]
Signer = Callable[[Json, Json], str]

DISCOVERY = "/.well-known/openid-configuration"
AUTHORIZE = "/authorize"
TOKEN = "/token"
JWKS = "/jwks"
USERINFO = "/userinfo"
ELSEWHERE = "/elsewhere"

TOKEN_SECONDS = 300
SILENCE_SECONDS = 30.0


@cache
def rsa_key(key_id: str) -> RSAKey:
    """The same key for the same name, made once: it takes a tenth of a second."""
    return RSAKey.generate_key(2048, {"kid": key_id, "use": "sig", "alg": "RS256"})


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(key: Any, header: Json, claims: Json | bytes, algorithm: str = "RS256") -> str:
    """A JWS by ``key``, made by hand: header and claims may be what no library would sign."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    head = f"{b64(json.dumps(header).encode())}.{b64(payload)}"
    return f"{head}.{b64(JWSRegistry.algorithms[algorithm].sign(head.encode(), key))}"


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]
    form: dict[str, str]


@dataclass(frozen=True)
class Grant:
    """What a code stands for."""

    query: dict[str, str]
    person: Json


@dataclass
class RogueProvider:
    """Correct by default; each of the lower fields is one way not to be."""

    issuer: str
    client_id: str = "lacewing"
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    asked: list[Asked] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What the client did wrong."""

    metadata: Json = field(default_factory=dict)
    header: Json = field(default_factory=dict)
    claims: Json = field(default_factory=dict)
    """Over those of the ID token; one that is ``...`` is left out. So with all other fields."""
    tokens: Json = field(default_factory=dict)
    userinfo: Json = field(default_factory=dict)
    callback: Json = field(default_factory=dict)
    has_email_in_id_token: bool = True
    key: RSAKey = field(default_factory=lambda: rsa_key("first"))
    published: list[Any] | None = None
    """The keys of the key set, instead of ``key`` alone."""
    signer: Signer | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    """What an endpoint answers instead, by path."""
    _grants: dict[str, Grant] = field(default_factory=dict)
    _granted: dict[str, Grant] = field(default_factory=dict)

    @property
    def discovery_url(self) -> str:
        return self.issuer + DISCOVERY

    def times_asked(self, path: str) -> int:
        return sum(each.path == path for each in self.asked)

    def authorize(self, authorization_url: str, account: str = "kim", **person: Any) -> str:
        """Log in as ``account`` there, whose claims are ``person``; where the browser is sent."""
        query = dict(parse_qsl(urlsplit(authorization_url).query, strict_parsing=True))
        self._expect(authorization_url.startswith(self.issuer + AUTHORIZE), "endpoint")
        self._expect(query["response_type"] == "code", "response_type")
        self._expect(query["client_id"] == self.client_id, "client_id")
        self._expect(set(query["scope"].split()) == {"openid", "email", "profile"}, "scope")
        self._expect(query["code_challenge_method"] == "S256", "code_challenge_method")
        known = {
            "sub": account,
            "email": f"{account}@example.com",
            "email_verified": True,
            "name": f"{account.title()} Example",
        }
        code = secrets.token_urlsafe(16)
        self._grants[code] = Grant(query, _merged(known, person))
        answer = _merged({"code": code, "state": query["state"], "iss": self.issuer}, self.callback)
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def _expect(self, is_good: bool, what: str) -> None:  # noqa: FBT001  reads as a sentence
        if not is_good:
            self.faults.append(what)

    async def handle(self, asked: Asked, writer: Writer) -> None:
        self.asked.append(asked)
        if special := self.answers.get(asked.path):
            await special(writer)
        elif asked.path == DISCOVERY:
            await send_json(writer, self._metadata())
        elif asked.path == JWKS:
            await send_json(writer, self._key_set())
        elif asked.path == TOKEN and asked.form.get("code") in self._grants:
            await send_json(writer, self._tokens(asked))
        elif asked.path == USERINFO and _bearer(asked) in self._granted:
            person = self._granted[_bearer(asked)].person
            await send_json(writer, _merged(person, self.userinfo))
        else:
            await send(writer, b'{"error": "invalid_grant"}', "400 Bad Request")

    def _metadata(self) -> Json:
        known = {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + AUTHORIZE,
            "token_endpoint": self.issuer + TOKEN,
            "jwks_uri": self.issuer + JWKS,
            "userinfo_endpoint": self.issuer + USERINFO,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        }
        return _merged(known, self.metadata)

    def _key_set(self) -> Json:
        own = [self.key.as_dict(private=False)]
        return {"keys": own if self.published is None else self.published}

    def _tokens(self, asked: Asked) -> Json:
        """Also for a code that was used before, as some providers do."""
        grant = self._grants[asked.form["code"]]
        self._check_exchange(asked, grant)
        access_token = secrets.token_urlsafe(16)
        self._granted[access_token] = grant
        known = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "id_token": self._id_token(grant),
        }
        return _merged(known, self.tokens)

    def _check_exchange(self, asked: Asked, grant: Grant) -> None:
        scheme, _, credentials = asked.headers.get("authorization", "").partition(" ")
        client_id, _, secret = base64.b64decode(credentials).decode().partition(":")
        given = (scheme, unquote_plus(client_id), unquote_plus(secret))
        self._expect(given == ("Basic", self.client_id, self.client_secret), "client secret")
        self._expect(asked.form["grant_type"] == "authorization_code", "grant_type")
        self._expect(asked.form["redirect_uri"] == grant.query["redirect_uri"], "redirect_uri")
        verifier = asked.form["code_verifier"]
        self._expect(43 <= len(verifier) <= 128, "length of code_verifier")
        challenge = b64(hashlib.sha256(verifier.encode()).digest())
        self._expect(challenge == grant.query["code_challenge"], "code_verifier")

    def _id_token(self, grant: Grant) -> str:
        now = int(self.clock().timestamp())
        person = grant.person if self.has_email_in_id_token else {"sub": grant.person["sub"]}
        known = {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "nonce": grant.query["nonce"],
            **person,
        }
        header = _merged({"alg": "RS256", "kid": self.key.kid}, self.header)
        claims = _merged(known, self.claims)
        return self.signer(header, claims) if self.signer else sign(self.key, header, claims)


def _bearer(asked: Asked) -> str:
    return asked.headers.get("authorization", "").removeprefix("Bearer ")


def _merged(known: Json, changed: Json) -> Json:
    return {name: value for name, value in (known | changed).items() if value is not ...}


@asynccontextmanager
async def rogue_provider(**fields: Any) -> AsyncGenerator[RogueProvider, None]:
    """A provider on a free port, in this very loop; what it still says ends with the block."""
    under_way: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await provider.handle(await _read(reader), writer)
        finally:
            under_way.discard(task)
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    provider = RogueProvider(f"http://127.0.0.1:{port}", **fields)
    try:
        yield provider
    finally:
        server.close()
        for task in under_way.copy():
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(first.split()[1], headers, dict(parse_qsl(body.decode())))


async def send(
    writer: Writer,
    body: bytes,
    status: str = "200 OK",
    content_type: str = "application/json",
    **headers: str,
) -> None:
    """One whole answer."""
    named = {"Content-Type": content_type, "Content-Length": str(len(body)), "Connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    writer.write(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body)
    await writer.drain()


async def send_json(writer: Writer, body: Json) -> None:
    await send(writer, json.dumps(body).encode())
