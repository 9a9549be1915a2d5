"""A project with an issue and a comment, one of each other thing, one person of each kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
from sqlalchemy import func, select

from lacewing.content.tables import collection_posts, collections
from lacewing.kernel.actor import Role
from lacewing.kernel.events.tables import outbox
from tests.architecture import matrix
from tests.architecture.matrix import Row
from tests.documents import papers
from tests.support.house import House, Member
from tests.webhooks.acts import Names, let_names_be

PAPER = papers.pdf("A report.")

_numbers = count(1)


@dataclass
class Scene:
    house: House
    people: Mapping[str, Member]
    names: Mapping[str, str]
    """What stands for ``{…}`` in the rows of the matrix."""

    def api(self, actor: str) -> httpx.AsyncClient:
        return self.house.anonymous if actor == matrix.ANONYMOUS else self.people[actor].api

    async def ask(self, actor: str, row: Row) -> httpx.Response:
        return await self.api(actor).request(
            row.method,
            row.path.format_map(self.names),
            json=self._filled(row.json),
            data=self._filled(row.form),
            headers=row.headers,
            files={"file": ("notes.pdf", PAPER)} if row.file else None,
        )

    def _filled(self, body: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if body is None:
            return None
        return {
            name: value.format_map(self.names) if isinstance(value, str) else value
            for name, value in body.items()
        }

    async def state(self) -> list[Any]:
        """All that the refused might have changed, and how many events were emitted."""
        watcher = self.people["watcher"].api
        # What a worker does meanwhile has no actor.
        emitted = select(func.count()).where(outbox.c.actor_id.is_not(None))
        found: list[Any] = await self.house.rows(emitted)
        for table in (collections, collection_posts):  # seen by their owner alone
            found += await self.house.rows(select(table).order_by(*table.primary_key))
        for path in (
            "/api/projects/{project_id}",
            "/api/issues/{issue}",
            "/api/comments/{comment_id}",
            "/api/users/{user_id}",
            "/api/documents/{document_id}",
            "/api/posts/{post_id}",
            "/api/products/{product_id}",
            "/api/webhooks/{webhook_id}",
            "/api/projects/{project_id}/issues",
            "/api/issues/{issue}/comments",
        ):
            answer = await watcher.get(path.format_map(self.names))
            found.append(answer.json())
        return found


async def make_people(house: House) -> dict[str, Member]:
    """One of each kind, under fresh names."""
    number = next(_numbers)
    roles = {
        "watcher": Role.ADMIN, "target": Role.DEVELOPER, matrix.REPORTER: Role.DEVELOPER,
        matrix.ASSIGNEE: Role.DEVELOPER, matrix.CREATOR: Role.MANAGER,
        matrix.FORMER_MANAGER: Role.MANAGER, matrix.DEVELOPER: Role.DEVELOPER,
        matrix.MANAGER: Role.MANAGER, matrix.ADMIN: Role.ADMIN,
    }  # fmt: skip
    return {
        kind: await house.member(f"{kind.replace(' ', '-')}{number}", role)
        for kind, role in roles.items()
    }


async def make_scene(house: House, actor: str, people: Mapping[str, Member]) -> Scene:
    """Fresh things; for the former manager, a project that they have created."""
    number = next(_numbers)
    watcher, target = people["watcher"], people["target"]
    reporter, assignee = people[matrix.REPORTER], people[matrix.ASSIGNEE]
    creator, former = people[matrix.CREATOR], people[matrix.FORMER_MANAGER]
    maker = former if actor == matrix.FORMER_MANAGER else creator
    project = await _made(maker, "/api/projects", {"name": f"Scene {number}"})
    issues = f"/api/projects/{project['id']}/issues"
    wanted = {"title": "Login fails", "assignee_id": assignee.username}
    issue = await _made(reporter, issues, wanted)
    comments = f"/api/issues/{issue['id']}/comments"
    comment = await _made(reporter, comments, {"content": "On Safari."})
    post = await _made(reporter, "/api/posts", {"title": "News", "body": "Good ones."})
    collection = await _made(
        reporter, "/api/collections", {"name": "To read", "post_ids": [post["id"]]}
    )
    token = await _made(
        reporter, "/api/auth/personal-access-tokens", {"name": "Build", "scopes": ["read"]}
    )
    product = await _made(reporter, "/api/products", matrix.PRODUCT)
    upload = await reporter.api.post(
        "/api/documents/upload",
        data={"issue_id": issue["id"]},
        files={"file": ("report.pdf", PAPER)},
    )
    assert upload.status_code == 201, upload.text
    let_names_be(house, Names())  # so that nobody is called
    wanted_hook = {"url": "https://hooks.example.com/", "event_types": ["issues.imported"]}
    webhook = await _made(maker, f"/api/projects/{project['id']}/webhooks", wanted_hook)
    delivery = await maker.api.post(f"/api/webhooks/{webhook['id']}/test")
    assert delivery.status_code == 202, delivery.text
    [session] = (await reporter.api.get("/api/auth/sessions")).json()["data"]
    demoted = await watcher.api.patch(f"/api/users/{former.id}", json={"role": "developer"})
    assert demoted.status_code == 200, demoted.text
    names = {
        "unique": f"unique{number}",
        "target": target.username,
        "user_id": str(target.id),
        "refresh_token": target.refresh_token,
        "project_id": project["id"],
        "issue": issue["id"],
        "comment_id": comment["id"],
        "document_id": upload.json()["document_id"],
        "post_id": post["id"],
        "collection_id": collection["id"],
        "product_id": product["id"],
        "webhook_id": webhook["id"],
        "delivery_id": delivery.json()["id"],
        "session_id": session["id"],
        "token_id": token["id"],
        "provider": "nowhere",
        "identity_id": token["id"],
        "notification_id": "9000000000",
    }
    return Scene(house, people, names)


async def _made(maker: Member, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await maker.api.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
