"""What nginx itself does with requests: ids, addresses, headers, limits, gzip, its log."""

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.delivery.sites import Site, needing_programs
from tests.support.cannot import cannot_test
from tests.support.proxy import WIDE_OPEN, Proxy, proxying, rendered
from tests.support.tools import debian_tool

REQUEST_ID = re.compile(r"[0-9a-f]{32}")
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
BODY_LIMIT = 1_048_576
HAS_IPV6 = Path("/proc/net/if_inet6").exists()


async def logged_as(proxy: Proxy, request_id: str) -> dict[str, Any]:
    """The line of this request, once it is written."""
    async with asyncio.timeout(30):
        while True:
            for line in proxy.logged():
                if line["request_id"] == request_id:
                    return line
            await asyncio.sleep(0.01)


async def server_line(a_site: Site, request_id: str) -> str:
    """The line of this request in the log of the server that had it, once it is written."""
    async with asyncio.timeout(30):
        while True:
            for server in a_site.proxy.servers:
                for line in server.log.read_text(encoding="utf-8").splitlines():
                    if request_id in line:
                        return line
            await asyncio.sleep(0.01)


def test_nginx_finds_nothing_wrong_with_the_configuration(tmp_path: Path) -> None:
    """OPS-8: `nginx -t`, without a warning, with the defaults but for what is of this machine."""
    with needing_programs():
        command, _ = rendered(tmp_path, ["127.0.0.1:8001", "127.0.0.1:8002"], {})

    done = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "syntax is ok" in done.stderr
    assert "[warn]" not in done.stderr


async def test_a_sane_request_id_goes_through_to_the_server_and_back(a_site: Site) -> None:
    """API-10, OPS-8: one id in the answer, in nginx's log and in the server's."""
    async with a_site.proxy.client(a_site.token) as client:
        answer = await client.get("/api/posts", headers={"X-Request-ID": "from-a-client.1"})

    assert answer.headers.get_list("x-request-id") == ["from-a-client.1"]
    assert (await logged_as(a_site.proxy, "from-a-client.1"))["server_status"] == "200"
    assert await server_line(a_site, "from-a-client.1")


@pytest.mark.parametrize("insane", ["", "a" * 65, "two words", 'a"b', "a\\x22", "é"])
async def test_an_insane_request_id_is_replaced(a_site: Site, insane: str) -> None:
    """API-10: also where nginx itself refuses."""
    headers = {b"X-Request-ID": insane.encode()}
    async with a_site.proxy.client(a_site.token) as client:
        answers = [await client.get(path, headers=headers) for path in ("/api/posts", "/metrics")]

    for answer in answers:
        [request_id] = answer.headers.get_list("x-request-id")
        assert REQUEST_ID.fullmatch(request_id)
    assert await server_line(a_site, answers[0].headers["x-request-id"])


async def test_a_strangers_trace_begins_here(a_site: Site) -> None:
    """OPS-4, OPS-5: who asks does not decide what is recorded; the trace id stands in the log."""
    async with a_site.proxy.client(a_site.token) as client:
        given = await client.get("/api/posts", headers={"traceparent": TRACEPARENT})
        forged = await client.get("/api/posts", headers={"traceparent": "00-x-y-01"})
        none = await client.get("/api/posts")

    for answer in (given, forged, none):
        line = await logged_as(a_site.proxy, answer.headers["x-request-id"])
        assert line["trace_id"] == answer.headers["x-request-id"]
        assert TRACE_ID not in await server_line(a_site, answer.headers["x-request-id"])


@pytest.mark.parametrize(
    ("trusted", "client", "goes_on"),
    [
        ("127.0.0.1 10.0.0.0/8 2001:db8::/32", "203.0.113.1", True),
        ("10.0.0.0/8", "10.0.0.1", False),
    ],
)
async def test_a_trusted_load_balancers_trace_goes_on(
    tmp_path: Path, trusted: str, client: str, *, goes_on: bool
) -> None:
    """OPS-4: whoever it asks for; it is the sender that is trusted, and not whom it names."""
    variables = {**WIDE_OPEN, "LACEWING_PROXY_TRUSTED": trusted}
    headers = {"traceparent": TRACEPARENT, "X-Forwarded-For": client}
    with needing_programs(), proxying(tmp_path, ["127.0.0.1:1"], variables) as proxy:
        async with proxy.client(headers=headers) as asking:
            answer = await asking.get("/metrics")
        line = await logged_as(proxy, answer.headers["x-request-id"])

    assert answer.status_code == 404
    assert (line["trace_id"] == TRACE_ID) is goes_on


async def test_strangers_do_not_say_where_they_come_from(a_site: Site) -> None:
    """SEC-2: `X-Forwarded-For` is set, not added to; `Forwarded` and its kin do not go through."""
    invented = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Real-IP": "203.0.113.7",
        "Forwarded": "for=203.0.113.7",
        "X-Request-ID": "who-am-i",
    }
    async with a_site.proxy.client(a_site.token) as client:
        await client.get("/api/posts", headers=invented)

    assert (await logged_as(a_site.proxy, "who-am-i"))["ip"] == "127.0.0.1"
    assert "203.0.113.7" not in await server_line(a_site, "who-am-i")


async def test_plain_http_is_led_to_https(a_site: Site) -> None:
    """OPS-8: with its method and its query."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{a_site.proxy.plain_url}/api/posts?x=1")

    assert answer.status_code == 308
    assert "strict-transport-security" not in answer.headers
    assert answer.headers["location"] == f"{a_site.proxy.url}/api/posts?x=1"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_other_names_are_not_served(a_site: Site, scheme: str) -> None:
    """SEC-3: a forged Host reaches no server, and is led nowhere."""
    url = a_site.proxy.plain_url if scheme == "http" else a_site.proxy.url
    async with a_site.proxy.client(a_site.token) as client:
        answer = await client.get(f"{url}/api/posts", headers={"Host": "evil.example"})

    assert answer.status_code == 421
    assert ("strict-transport-security" in answer.headers) == (scheme == "https")
    assert answer.json()["type"] == "misdirected-request"


@pytest.mark.parametrize("kind", ["absolute", "ordinary"])
async def test_the_servers_are_told_the_name_that_led_here(a_site: Site, kind: str) -> None:
    """SEC-3, LIVE-3: a `Host` beside a whole address in the request line is not it, so a page of
    that name is foreign."""
    host, port = a_site.proxy.host.split(":")
    target = f"{a_site.proxy.url}/ws/notifications" if kind == "absolute" else "/ws/notifications"
    named = "evil.example" if kind == "absolute" else a_site.proxy.host
    reader, writer = await asyncio.open_connection(host, int(port), ssl=a_site.proxy.tls)
    writer.write(
        f"GET {target} HTTP/1.1\r\nHost: {named}\r\nOrigin: https://{named}\r\n"
        f"Authorization: Bearer {a_site.token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    async with asyncio.timeout(30):
        status = (await reader.readline()).split()[1]
    writer.close()

    assert status == (b"403" if kind == "absolute" else b"101")


async def test_probes_may_ask_by_any_name(a_site: Site) -> None:
    """OPS-4: load balancers know an address only; they learn whether it is alive, and no more."""
    headers = {"Host": "10.0.0.1"}
    async with a_site.proxy.client(headers=headers) as client:
        statuses = [(await client.get(f"/health/{what}")).status_code for what in ("live", "ready")]

    assert statuses == [200, 421]


async def test_answers_are_hardened_once(a_site: Site) -> None:
    """SEC-3: HSTS and the rest on the server's answers and on nginx's own; no version anywhere."""
    async with a_site.proxy.client(a_site.token) as client:
        answers = [await client.get("/api/posts"), await client.get("/metrics")]

    for answer in answers:
        assert answer.headers.get_list("strict-transport-security") == [
            "max-age=31536000; includeSubDomains"
        ]
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert len(answer.headers.get_list("content-security-policy")) == 1
        assert answer.headers.get_list("cache-control") == ["no-store"]
        assert answer.headers["server"] == "nginx"


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/health/../metrics", "/.git/config",
     "/api/.env", "/%2egit/config"],
)  # fmt: skip
async def test_what_is_not_for_strangers_is_not_there(a_site: Site, path: str) -> None:
    """SEC-3: refused by nginx, so no server is asked."""
    done = await asyncio.to_thread(
        curl, a_site.proxy, "--path-as-is", f"{a_site.proxy.url}{path}", "--include"
    )

    assert " 404" in done.splitlines()[0]
    request_id = re.search(r"(?i)x-request-id: (\S+)", done)
    assert request_id is not None
    assert not (await logged_as(a_site.proxy, request_id[1]))["server"]


async def test_what_others_need_is_there(a_site: Site) -> None:
    """OPS-4, AUTH: a folder that begins with a dot and is public, and the probes."""
    async with a_site.proxy.client() as client:
        for path in ("/.well-known/jwks.json", "/health/live", "/health/ready", "/api/docs"):
            assert (await client.get(path)).status_code == 200


async def test_http_2_is_spoken(a_site: Site) -> None:
    """OPS-8."""
    told = await asyncio.to_thread(
        curl, a_site.proxy, "--http2", "--output", "/dev/null", "--write-out", "%{http_version}",
        f"{a_site.proxy.url}/health/live",
    )  # fmt: skip

    assert told == "2"


async def test_ipv6_leads_to_the_same_site(a_site: Site) -> None:
    """OPS-8: by the address itself; a name may have both."""
    if not HAS_IPV6:
        cannot_test("this machine has no IPv6, so nginx listens on none")
    port = a_site.proxy.host.rpartition(":")[2]

    told = await asyncio.to_thread(curl, a_site.proxy, f"https://[::1]:{port}/health/live")

    assert told == '{"status":"ok"}'


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "FOO"])
async def test_other_methods_are_refused(a_site: Site, method: str) -> None:
    """SEC-3."""
    async with a_site.proxy.client(a_site.token) as client:
        answer = await client.request(method, "/api/posts")

    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_may_be_as_large_as_the_servers_take(a_site: Site) -> None:
    """SEC-6: one byte more is refused by nginx, in the words of the servers."""
    async with a_site.proxy.client(a_site.token) as client:
        taken = await client.post("/api/posts", content=b" " * BODY_LIMIT)
        refused = await client.post("/api/posts", content=b" " * (BODY_LIMIT + 1))

    assert taken.status_code in {400, 415, 422}
    assert refused.status_code == 413
    assert refused.json()["type"] == "content-too-large"
    line = await logged_as(a_site.proxy, refused.headers["x-request-id"])
    assert (line["server"], line["method"]) == ("", "POST")


async def test_large_heads_are_refused(a_site: Site) -> None:
    """SEC-6: 16 KB a line."""
    async with a_site.proxy.client(a_site.token) as client:
        taken = await client.get("/api/posts", headers={"X-Large": "a" * 12_000})
        refused = await client.get("/api/posts", headers={"X-Large": "a" * 17_000})
        too_long = await client.get("/api/posts?search=" + "a" * 17_000)

    assert taken.status_code == 200
    assert (refused.status_code, refused.json()["type"]) == (431, "headers-too-large")
    assert (too_long.status_code, too_long.json()["type"]) == (414, "uri-too-long")


async def test_json_is_compressed_but_not_beside_secrets(a_site: Site) -> None:
    """OPS-8: BREACH needs a secret and somebody's input in one compressed answer."""
    async with a_site.proxy.client(a_site.token) as client:
        await client.post("/api/posts", json={"title": "Long", "body": "word " * 1_000})
        lists = await client.get("/api/posts")
        openapi = await client.get("/api/openapi.json")
        made = await client.post(
            "/api/auth/personal-access-tokens",
            json={"name": "x" * 90, "scopes": ["read"], "expires_in_days": 1},
        )
        tokens = await client.get("/api/auth/personal-access-tokens?limit=100")

    assert made.status_code == 201, made.text
    assert [each.headers.get("content-encoding") for each in (lists, openapi)] == ["gzip"] * 2
    assert "content-encoding" not in made.headers
    assert "content-encoding" not in tokens.headers


async def test_a_tag_that_compression_made_weak_still_guards_a_change(a_site: Site) -> None:
    """API-9: nginx weakens the tag of what it compresses; `If-Match` compares strongly."""
    async with a_site.proxy.client(a_site.token) as client:
        made = await client.post("/api/posts", json={"title": "Tag", "body": "word " * 1_000})
        path = made.headers["location"]
        tag = (await client.get(path)).headers["etag"]
        changed = await client.patch(path, json={"title": "New"}, headers={"If-Match": tag})
        late = await client.patch(path, json={"title": "Newer"}, headers={"If-Match": tag})
        known = await client.get(path, headers={"If-None-Match": changed.headers["etag"]})

    assert tag.startswith('W/"')
    assert changed.status_code == 200
    assert late.status_code == 412
    assert known.status_code == 304


async def test_assets_are_kept_and_nothing_else_is(a_site: Site) -> None:
    """OPS-8: what the page of the API's description loads; whoever asks, with an id of theirs."""
    async with a_site.proxy.client(a_site.token) as client:
        path = "/api/docs/assets/swagger-ui-bundle.js"
        first = await client.get(path)
        second = await client.get(path)
        other = await client.get("/api/posts")

    lines = [
        await logged_as(a_site.proxy, answer.headers["x-request-id"])
        for answer in (first, second, other)
    ]
    assert [line["cache"] for line in lines] == ["MISS", "HIT", ""]
    assert second.headers["cache-control"] == "max-age=3600"
    assert second.content == first.content
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_the_log_is_json_whatever_clients_send(a_site: Site) -> None:
    """OPS-5, SEC-8: no query, where codes of a login stand; every line parses."""
    headers = {"User-Agent": 'a"b\\c\x01', "X-Request-ID": "hostile-agent"}
    async with a_site.proxy.client() as client:
        await client.get('/api/posts/"%22%0a?code=very-secret', headers=headers)

    line = await logged_as(a_site.proxy, "hostile-agent")
    assert line["user_agent"] == 'a"b\\c\x01'
    assert line["path"].startswith("/api/posts/")
    assert line["tls"] in {"TLSv1.2", "TLSv1.3"}
    assert "very-secret" not in json.dumps(a_site.proxy.logged())


def curl(proxy: Proxy, *arguments: str) -> str:
    """What curl prints: it speaks HTTP/2, and leaves paths as they are."""
    program = str(debian_tool("curl", "curl"))
    command = [program, "--silent", "--show-error", "--cacert", str(proxy.authority), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout
