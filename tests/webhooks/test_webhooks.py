from typing import Any

import pytest
from sqlalchemy import select

from lacewing.kernel.actor import Role
from lacewing.kernel.audit.tables import audit_log
from lacewing.kernel.events.tables import outbox
from lacewing.webhooks.rules import EVENT_TYPES_MAX, URL_LENGTH_MAX, WEBHOOKS_MAX
from tests.support.house import House, Member
from tests.tracker.acts import Json, archive, faults, new_project, read, walk
from tests.webhooks.acts import change, get, new_webhook, nothing_changes, path_of, try_webhook

URL = "https://hooks.example.com/lacewing?for=web"


async def _told(house: House) -> list[tuple[str, dict[str, Any]]]:
    """What was emitted about webhooks."""
    told = select(outbox.c.name, outbox.c.data).where(outbox.c.name.like("webhook.%"))
    return [(name, data) for name, data in await house.rows(told.order_by(outbox.c.position))]


async def _audited(house: House) -> list[str]:
    noted = select(audit_log.c.action).where(audit_log.c.action.like("webhook.%"))
    return [action for (action,) in await house.rows(noted.order_by(audit_log.c.id))]


async def test_a_webhook_is_made_read_changed_and_deleted(
    house: House, mona: Member, project: Json
) -> None:
    """WEBHOOK: by the project's creator; each step is told and audited."""
    made = await new_webhook(mona, project, URL, description="Chat")
    secret = made.pop("secret")
    found = await get(mona, made)
    changed = await change(mona, made, event_types=["*", "issue.created"], description="")
    gone = await mona.api.delete(path_of(made))

    assert secret.startswith("whsec_")
    assert made == found
    assert (made["url"], made["event_types"], made["is_active"]) == (URL, ["issue.created"], True)
    assert (made["project"]["key"], made["created_by"]["username"]) == ("WEB", "mona")
    assert (made["off_reason"], made["failing_since"]) == (None, None)
    assert (changed["event_types"], changed["description"]) == (["*"], "")
    assert gone.status_code == 204
    assert (await mona.api.get(path_of(made))).status_code == 404
    assert await _told(house) == [
        ("webhook.created", {"webhook_id": made["id"]}),
        (
            "webhook.changed",
            {"webhook_id": made["id"], "fields": ["description", "event_types"]},
        ),
        ("webhook.deleted", {"webhook_id": made["id"]}),
    ]
    assert await _audited(house) == ["webhook.create", "webhook.change", "webhook.delete"]


async def test_the_secret_is_told_once_and_never_kept_for_a_second_answer(
    mona: Member, project: Json
) -> None:
    """WEBHOOK, SEC-8: neither reading nor changing tells it; a repeated request makes another."""
    key = {"Idempotency-Key": "one"}
    path = f"/api/projects/{project['id']}/webhooks"
    wanted = {"url": URL, "event_types": ["*"]}
    first = (await mona.api.post(path, json=wanted, headers=key)).json()
    second = (await mona.api.post(path, json=wanted, headers=key)).json()

    seen = [await get(mona, first), await change(mona, first, description="x")]
    seen += (await read(mona, path))["data"]

    assert first["secret"] != second["secret"]
    assert all("secret" not in each for each in seen)


async def test_a_change_that_changes_nothing_is_not_told(
    house: House, mona: Member, project: Json
) -> None:
    """WEBHOOK: as everywhere."""
    made = await new_webhook(mona, project, URL)

    async with nothing_changes(house):
        await change(mona, made, url=URL, event_types=["issue.created"], is_active=True)


async def test_two_editors_do_not_overwrite_each_other(
    house: House, mona: Member, project: Json
) -> None:
    """API-9: the second one is told what differs."""
    made = await new_webhook(mona, project, URL)
    tag = (await mona.api.get(path_of(made))).headers["ETag"]
    await change(mona, made, description="first")
    stale = {"If-Match": tag}

    async with nothing_changes(house):
        patched = await mona.api.patch(path_of(made), json={"description": "x"}, headers=stale)
        deleted = await mona.api.delete(path_of(made), headers=stale)
    unchanged = await mona.api.get(path_of(made), headers={"If-None-Match": tag})

    assert (patched.status_code, deleted.status_code) == (412, 412)
    assert "description" in patched.json()["differing_fields"]
    assert unchanged.status_code == 200


@pytest.fixture(scope="module")
async def her_webhook(shared_house: House) -> tuple[Member, Json]:
    """A manager and her webhook."""
    member = await shared_house.member("mona", Role.MANAGER)
    return member, await new_webhook(member, await new_project(member, "Web"), URL)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/", "https"),
        ("ftp://hooks.example.com/", "https"),
        ("hooks.example.com", "https"),
        ("https:hooks.example.com", "https"),
        ("https:///nowhere", "host"),
        ("https://maria@hooks.example.com/", "password"),
        ("https://maria:secret@hooks.example.com/", "password"),
        ("https://hooks.example.com/#top", "fragment"),
        ("https://hooks.example.com:0/", "host"),
        ("https://hooks.example.com:65536/", "URL"),
        ("https://hooks.example.com:x/", "URL"),
        ("https://hooks_.example.com../", "host"),
        ("https://häuser.example.com/", "punycode"),
        ("https://hooks.example.com/a b", "punycode"),
        ("https://hooks.example.com\\@10.0.0.1/", "punycode"),
        (f"https://{'a' * 64}.example.com/", "host"),
        ("https://[::1", "URL"),
        ("https://[::1]evil.example.com/x", "host"),
        ("https://[2606:4700:4700::1111]evil.example.com:444/x", "host"),
        ("https://evil.example.com[::1]/x", ""),
        ("https://[fe80::1%25eth0]/", "host"),
        ("https://127.0.0.1/", "public"),
        ("https://10.1.2.3/", "public"),
        ("https://169.254.169.254/latest/meta-data", "public"),
        ("https://[::1]/", "public"),
        ("https://[::ffff:127.0.0.1]/", "public"),
        ("https://[64:ff9b::7f00:1]/", "public"),
        (f"https://hooks.example.com/{'a' * URL_LENGTH_MAX}", "2000"),
        ("", "blank"),
    ],
)
async def test_a_url_that_may_not_be_called_is_refused(
    shared_house: House, her_webhook: tuple[Member, Json], url: str, why: str
) -> None:
    """WEBHOOK, SSRF: with the reason, where no private network is allowed; nothing is kept."""
    member, made = her_webhook

    async with nothing_changes(shared_house):
        created = await try_webhook(member, made["project"], url)
        changed = await member.api.patch(path_of(made), json={"url": url})

    assert faults(created) == faults(changed) == [["body", "url"]]
    assert why in created.json()["errors"][0]["msg"]


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://Hooks.Example.com:8443/a%20b/?q=1&r=%2F",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]:444/",
        "https://a_b.example.com/",
        "http://127.0.0.1:9000/",
        "http://intranet/",
        "https://hooks.example.com/" + "a" * (URL_LENGTH_MAX - 26),
    ],
)
async def test_a_url_that_may_be_called_is_kept_as_it_is(
    mona: Member, project: Json, url: str
) -> None:
    """WEBHOOK: plain HTTP too where private networks are allowed."""
    made = await new_webhook(mona, project, url)

    assert (await get(mona, made))["url"] == url


@pytest.mark.parametrize(
    ("event_types", "where"),
    [
        ([], ["body", "event_types"]),
        (["issue.exploded"], ["body", "event_types"]),
        (["webhook.created"], ["body", "event_types"]),
        (["user.registered"], ["body", "event_types"]),
        (["issue.created"] * (EVENT_TYPES_MAX + 1), ["body", "event_types"]),
        ([7], ["body", "event_types", 0]),
        ("*", ["body", "event_types"]),
    ],
)
async def test_events_that_no_project_has_are_refused(
    house: House, mona: Member, project: Json, event_types: Any, where: list[str | int]
) -> None:
    """WEBHOOK: an unknown name would never be heard of."""
    async with nothing_changes(house):
        refused = await try_webhook(mona, project, URL, event_types=event_types)

    assert faults(refused) == [where]


async def test_events_may_be_named_as_often_as_the_limit_has_it(
    mona: Member, project: Json
) -> None:
    """WEBHOOK: each is kept once."""
    named = ["project.changed", "issue.created"] * (EVENT_TYPES_MAX // 2)

    made = await new_webhook(mona, project, URL, event_types=named)

    assert made["event_types"] == ["issue.created", "project.changed"]


async def test_a_project_has_so_many_webhooks_and_no_more(
    house: House, mona: Member, project: Json
) -> None:
    """WEBHOOK: the limit, and one beyond; another project has its own. The list has all."""
    made = [await new_webhook(mona, project, URL) for _ in range(WEBHOOKS_MAX)]
    async with nothing_changes(house):
        refused = await try_webhook(mona, project, URL)
    elsewhere = await try_webhook(mona, await new_project(mona, "Other"), URL)
    listed = await walk(mona, f"/api/projects/{project['id']}/webhooks", limit=7)

    assert (refused.status_code, refused.json()["type"]) == (409, "too-many-webhooks")
    assert elsewhere.status_code == 201
    assert [each["id"] for each in listed] == [each["id"] for each in made]


async def test_an_archived_project_gets_no_webhooks_but_those_it_has_can_go(
    house: House, mona: Member, project: Json
) -> None:
    """ISS-8, WEBHOOK: nothing happens in it; a leaked secret can be replaced all the same."""
    made = await new_webhook(mona, project, URL)
    await archive(mona, project)

    async with nothing_changes(house):
        refused = await try_webhook(mona, project, URL)
    rotated = await mona.api.post(path_of(made, "/rotate-secret"))
    deleted = await mona.api.delete(path_of(made))

    assert (refused.status_code, refused.json()["type"]) == (409, "project-archived")
    assert (rotated.status_code, deleted.status_code) == (200, 204)


async def test_webhooks_are_there_for_those_alone_who_may_edit_the_project(
    house: House, mona: Member, adam: Member, maria: Member, project: Json
) -> None:
    """PERM-1, WEBHOOK: not for another manager; not for the creator who is none any more."""
    made = await new_webhook(mona, project, URL)
    other = await house.member("max", Role.MANAGER)
    listing = f"/api/projects/{project['id']}/webhooks"

    async def tries(member: Member) -> set[int]:
        answers = [
            await member.api.get(listing),
            await member.api.get(path_of(made)),
            await member.api.get(path_of(made, "/deliveries")),
            await try_webhook(member, project, URL),
            await member.api.patch(path_of(made), json={"is_active": False}),
            await member.api.delete(path_of(made)),
            await member.api.post(path_of(made, "/rotate-secret")),
            await member.api.post(path_of(made, "/test")),
        ]
        return {answer.status_code for answer in answers}

    async with nothing_changes(house):
        refused = [await tries(each) for each in (maria, other)]
    as_admin = await adam.api.get(path_of(made))
    await adam.api.patch(f"/api/users/{mona.id}", json={"role": "developer"})
    async with nothing_changes(house):
        demoted = await tries(mona)

    assert [*refused, demoted] == [{403}] * 3
    assert as_admin.status_code == 200


async def test_a_token_held_to_another_project_sees_no_webhook(
    house: House, mona: Member, project: Json
) -> None:
    """PERM-1: what is out of its reach is not there."""
    made = await new_webhook(mona, project, URL)
    max_ = await house.member("max", Role.MANAGER)
    other = await new_project(max_, "Other")
    wanted = {"name": "Build", "scopes": ["write"], "project_ids": [other["id"]]}
    token = (await max_.api.post("/api/auth/personal-access-tokens", json=wanted)).json()["token"]
    held = house.client({"Authorization": f"Bearer {token}"})

    async with nothing_changes(house), held:
        seen = [
            (await held.get(path_of(made))).status_code,
            (await held.delete(path_of(made))).status_code,
            (await held.get(f"/api/projects/{project['id']}/webhooks")).status_code,
        ]
        own = (await held.get(f"/api/projects/{other['id']}/webhooks")).status_code

    assert (seen, own) == ([404, 404, 404], 200)
