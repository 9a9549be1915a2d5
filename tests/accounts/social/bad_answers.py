"""What providers may answer that is no answer, by name."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable

from tests.accounts.social.flaws import Flaw, all_of, with_metadata, with_userinfo
from tests.support.rogue_provider import (
    DISCOVERY,
    ELSEWHERE,
    JWKS,
    SILENCE_SECONDS,
    TOKEN,
    USERINFO,
    RogueProvider,
    Writer,
    send,
)

ENDPOINTS = {"discovery": DISCOVERY, "token": TOKEN, "keys": JWKS, "user info": USERINFO}
MEGABYTE = 1_000_000


def answering(
    path: str, body: bytes, status: str = "200 OK", content_type: str = "application/json"
) -> Flaw:
    return _at(path, lambda writer: send(writer, body, status, content_type))


def _at(path: str, answer: Callable[[Writer], Awaitable[None]]) -> Flaw:
    return lambda rogue: rogue.answers.update({path: answer})


def redirecting(path: str, status: str) -> Flaw:
    """To an address of the same provider that would answer just as well."""

    def flaw(rogue: RogueProvider) -> None:
        target = rogue.issuer + ELSEWHERE
        rogue.answers[path] = lambda writer: send(writer, b"{}", status, Location=target)

    return flaw


def silent(path: str) -> Flaw:
    return _at(path, lambda _: asyncio.sleep(SILENCE_SECONDS))


def dripping(path: str, *, from_the_start: bool = False) -> Flaw:
    """One byte a second, of the body or of all."""

    async def drip(writer: Writer) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n"
        if not from_the_start:
            writer.write(head)
        for byte in head if from_the_start else b" " * 90:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)

    return _at(path, drip)


async def _hang_up(writer: Writer) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"
    )
    await writer.drain()


def _compressed(path: str) -> Flaw:
    """A bomb: 10 kB that unfold to 10 MB, though nobody asked for it."""
    bomb = gzip.compress(b" " * 10 * MEGABYTE)
    return _at(path, lambda writer: send(writer, bomb, Content_Encoding="gzip"))


BAD_BODIES: dict[str, Callable[[str], Flaw]] = {
    "500": lambda path: answering(path, b"{}", "500 Internal Server Error"),
    "503 of HTML": lambda path: answering(path, b"<h1>", "503 Service Unavailable", "text/html"),
    "404": lambda path: answering(path, b"{}", "404 Not Found"),
    "429": lambda path: answering(path, b"{}", "429 Too Many Requests"),
    "302": lambda path: redirecting(path, "302 Found"),
    "307": lambda path: redirecting(path, "307 Temporary Redirect"),
    "10 MB": lambda path: answering(path, b'{"a": "' + b"x" * 10 * MEGABYTE + b'"}'),
    "compressed": _compressed,
    "nests deep": lambda path: answering(path, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "nests deep, of no end": lambda path: answering(path, b"[" * 100_000),
    "NaN": lambda path: answering(path, b'{"issuer": NaN, "keys": NaN, "id_token": NaN}'),
    "HTML": lambda path: answering(path, b"<html>Log in first</html>", content_type="text/html"),
    "nothing": lambda path: answering(path, b""),
    "a list": lambda path: answering(path, b"[]"),
    "no UTF-8": lambda path: answering(path, b'{"a": "\xff\xfe"}'),
    "hangs up": lambda path: _at(path, _hang_up),
    "no HTTP": lambda path: _at(path, lambda writer: _raw(writer, b"SSH-2.0-OpenSSH\r\n\r\n")),
    "endless headers": lambda path: _at(
        path, lambda writer: _raw(writer, b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 10 * MEGABYTE)
    ),
}


async def _raw(writer: Writer, said: bytes) -> None:
    writer.write(said)
    await writer.drain()


BAD_ANSWERS: dict[str, Flaw] = {
    f"{endpoint}: {name}": all_of(with_userinfo(), make(path))
    for endpoint, path in ENDPOINTS.items()
    for name, make in BAD_BODIES.items()
}

BAD_METADATA: dict[str, Flaw] = {
    "another issuer": with_metadata(issuer="http://127.0.0.1:1"),
    "issuer of another host": with_metadata(issuer="https://attacker.test"),
    "issuer with a path": lambda rogue: rogue.metadata.update(issuer=f"{rogue.issuer}/tenant"),
    "no issuer": with_metadata(issuer=...),
    "issuer no text": with_metadata(issuer=7),
    "no authorization endpoint": with_metadata(authorization_endpoint=...),
    "no token endpoint": with_metadata(token_endpoint=...),
    "no keys": with_metadata(jwks_uri=...),
    "authorization endpoint no URL": with_metadata(authorization_endpoint="authorize"),
    "authorization endpoint a script": with_metadata(authorization_endpoint="javascript:alert(1)"),
    "authorization endpoint without HTTPS": with_metadata(
        authorization_endpoint="http://attacker.test/authorize"
    ),
    "authorization endpoint with a line break": with_metadata(
        authorization_endpoint="https://attacker.test/\r\nSet-Cookie: a=b"
    ),
    "authorization endpoint of other letters": with_metadata(
        authorization_endpoint="https://attacker.test/€"
    ),
    "token endpoint without HTTPS": with_metadata(token_endpoint="http://attacker.test/token"),
    "token endpoint inside the network": with_metadata(
        token_endpoint="http://169.254.169.254/latest"
    ),
    "token endpoint a file": with_metadata(token_endpoint="file:///etc/passwd"),
    "keys a file": with_metadata(jwks_uri="file:///etc/passwd"),
    "user info without HTTPS": with_metadata(userinfo_endpoint="http://attacker.test/me"),
}
"""Metadata that nobody may be sent to a provider by."""
