"""Posting messages: to the very address that was checked, with limits on everything."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

import httpx

from lacewing.kernel import tracing
from lacewing.webhooks.addresses import Address, Policy
from lacewing.webhooks.rules import EXCERPT_LENGTH_MAX, Target
from lacewing.webhooks.sending.outcome import Outcome
from lacewing.webhooks.sending.resolving import Resolve

CONNECT_SECONDS: Final = 5.0
ADDRESSES_TRIED_MAX: Final = 4
EXCERPT_BYTES_MAX: Final = 4 * EXCERPT_LENGTH_MAX
"""Read of a response at the most: the rest is the receiver's to keep."""


_NOWHERE: Final = "leads to no address that may be called"
"""Also where the name is not known: nobody shall find out which names of our networks there are."""


class NotAllowed(Exception):  # ruff: ignore[error-suffix-on-exception-name]  told on as an outcome
    """The URL may not be called; the message says why."""


class Sender:
    """Sends without redirects, cookies, proxies of the environment, or connections kept.

    A connection kept open would be used again for another name at the same address, whose
    certificate nobody has then asked for.
    """

    def __init__(self, policy: Policy, resolve: Resolve, timeout_seconds: float) -> None:
        self._policy = policy
        self._resolve = resolve
        self._seconds = timeout_seconds
        # The bare transport: a client around it would follow, remember, and look for proxies.
        self._transport = httpx.AsyncHTTPTransport(
            verify=httpx.create_ssl_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def send(self, target: Target, headers: Mapping[str, str], body: bytes) -> Outcome:
        """One try, whatever comes of it."""
        began = time.monotonic()
        response: httpx.Response | None = None
        excerpt = bytearray()
        failure: str | None = None
        try:
            # A slow name server takes nothing of the receiver's time.
            addresses = await self._find_addresses(target)
            async with asyncio.timeout(self._seconds):
                response = await self._call(addresses, target, headers, body)
                await _read_into(excerpt, response)
        except TimeoutError:
            failure = f"No answer within {self._seconds:g} seconds."
        except NotAllowed as refusal:
            failure = f"The URL {refusal}."
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = f"No answer: {_reason(error)}."
        finally:
            if response is not None:
                await response.aclose()
        duration_ms = round((time.monotonic() - began) * 1_000)
        if response is None:
            return Outcome(duration_ms, failure=failure)
        return Outcome(
            duration_ms,
            response.status_code,
            _text_of(excerpt),
            response.headers.get("retry-after"),
        )

    async def close(self) -> None:
        await self._transport.aclose()

    async def _call(
        self, addresses: list[Address], target: Target, headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        """The response of the first address that can be connected to."""
        *others, last = addresses[:ADDRESSES_TRIED_MAX]
        for address in others:
            try:
                return await self._call_at(address, target, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue  # nothing was sent yet
        return await self._call_at(last, target, headers, body)

    async def _find_addresses(self, target: Target) -> list[Address]:
        """Every address of the host, if all may be called: one that may not condemns them all."""
        addresses: list[Address] = []
        if target.address is not None:
            addresses = [target.address]
        else:
            try:
                async with asyncio.timeout(self._seconds):
                    addresses = await self._resolve(target.host, target.port)
            except (OSError, UnicodeError):
                addresses = []
        if not addresses:
            raise NotAllowed(_NOWHERE)
        for address in addresses:
            if self._policy.refusal(target, address) is not None:
                raise NotAllowed(_NOWHERE)
        return addresses

    async def _call_at(
        self, address: Address, target: Target, headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        """Call by number, under the name: the certificate must be the name's."""
        with tracing.call("POST", target.host, target.port) as call:
            request = self._request(address, target, {**headers, **call.headers}, body)
            response = await self._transport.handle_async_request(request)
            call.answered(response.status_code)
            return response

    def _request(
        self, address: Address, target: Target, headers: Mapping[str, str], body: bytes
    ) -> httpx.Request:
        seconds = self._seconds
        return httpx.Request(
            "POST",
            httpx.URL(
                scheme=target.scheme,
                host=str(address),
                port=target.port,
                raw_path=target.path.encode(),
            ),
            headers={"Host": target.authority, "Accept-Encoding": "identity", **headers},
            content=body,
            extensions={
                "sni_hostname": target.host,
                "timeout": {
                    "connect": min(CONNECT_SECONDS, seconds),
                    "read": seconds,
                    "write": seconds,
                    "pool": seconds,
                },
            },
        )


async def _read_into(excerpt: bytearray, response: httpx.Response) -> None:
    """As much as is kept; a response that breaks off has been one all the same."""
    async for chunk in response.aiter_raw():
        excerpt += chunk
        if len(excerpt) >= EXCERPT_BYTES_MAX:
            return


def _text_of(excerpt: bytearray) -> str:
    """The beginning as text, without characters that a database or a terminal would mind."""
    text = bytes(excerpt[:EXCERPT_BYTES_MAX]).decode("utf-8", "replace")
    shown = "".join(each if each.isprintable() or each in "\n\t" else " " for each in text)
    return shown[:EXCERPT_LENGTH_MAX]


def _reason(error: Exception) -> str:
    """Its kind, and its words where they are few."""
    told = str(error)
    kind = type(error).__name__
    return f"{kind} ({told})" if told and len(told) < 200 else kind  # ruff: ignore[magic-value-comparison]  a line or two
