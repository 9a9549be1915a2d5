"""Asking identity providers over HTTP: with limits on everything, and following nobody."""

import base64
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from lacewing.accounts.oidc.provider import IdentityNotProven, ProviderUnavailable
from lacewing.kernel import tracing

ANSWER_BYTES_MAX: Final = 256 * 1024
"""Metadata, key sets and tokens of real providers take a tenth of it."""
CONNECT_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 5.0
"""For each thing that is waited for; who calls limits all of it together."""
DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_CLIENT_ERRORS: Final = range(400, 500)

Shape = TypeVar("Shape")


class Fetcher:
    """Gets JSON from a provider. How long all of it may take, whoever calls decides."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def get(
        self, url: str, shape: type[Shape], headers: Mapping[str, str] | None = None
    ) -> Shape:
        return await self._ask("GET", url, shape, headers=headers)

    async def post(
        self,
        url: str,
        form: Mapping[str, str],
        shape: type[Shape],
        basic: tuple[str, str] | None = None,
    ) -> Shape:
        headers = {}
        if basic is not None:
            credentials = base64.b64encode(":".join(basic).encode()).decode()
            headers["Authorization"] = f"Basic {credentials}"
        return await self._ask("POST", url, shape, headers=headers, form=form)

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        response = await self._client.send(request, stream=True, auth=None)
        return response, await _read(response)

    async def _ask(
        self,
        method: str,
        url: str,
        shape: type[Shape],
        *,
        headers: Mapping[str, str] | None,
        form: Mapping[str, str] | None = None,
    ) -> Shape:
        """The answer to one request.

        Raises:
            ProviderUnavailable: no answer, one of another status, or one that is too long.
            IdentityNotProven: the provider refused, or answered something else than it must.
        """
        place = urlsplit(url)
        host, port = place.hostname, place.port or DEFAULT_PORTS.get(place.scheme, 0)
        try:
            with tracing.call(method, host or "", port) as call:
                sent = {**(headers or {}), **call.headers}
                request = self._client.build_request(method, url, headers=sent, data=form)
                response, body = await self._send(request)
                call.answered(response.status_code)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderUnavailable(
                f"The provider at {host} does not answer: {type(error).__name__}."
            ) from error
        if response.status_code in _CLIENT_ERRORS:
            raise IdentityNotProven(f"The provider at {host} refused: {response.status_code}.")
        if response.status_code != httpx.codes.OK:
            raise ProviderUnavailable(
                f"The provider at {host} answers with {response.status_code}."
            )
        return _decode(body, shape, host)


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async with aclosing(response):
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > ANSWER_BYTES_MAX:
                raise ProviderUnavailable("The provider answers more than this server reads.")
    return bytes(body)


def _decode(body: bytes, shape: type[Shape], host: str | None) -> Shape:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IdentityNotProven(f"The provider at {host} answers no such JSON.") from error


Json = dict[str, Any]
