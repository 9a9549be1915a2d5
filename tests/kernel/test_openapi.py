import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.content.acts import new_collection, new_post
from tests.documents.acts import upload_processed
from tests.support.house import PASSWORD, House, Member

Operation = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
async def document(shared_house: House) -> dict[str, Any]:
    answer = await shared_house.anonymous.get("/api/openapi.json")
    assert answer.status_code == 200
    read: dict[str, Any] = answer.json()
    return read


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


async def test_it_is_openapi_3_1_and_open_to_everybody(document: dict[str, Any]) -> None:
    """API-11: at ``/api/openapi.json``."""
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Lacewing"
    assert len(document["paths"]) > 20


def test_every_operation_has_a_summary_of_its_own(document: dict[str, Any]) -> None:
    """API-11: a summary each, and no two alike; ids too."""
    operations = dict(_operations(document))

    summaries = [operation["summary"] for operation in operations.values()]
    ids = [operation["operationId"] for operation in operations.values()]

    assert all(summaries)
    assert len(set(summaries)) == len(set(ids)) == len(operations)


def test_every_body_and_every_answer_has_an_example(document: dict[str, Any]) -> None:
    """API-11: of what is sent, of what comes back, of each kind of problem."""
    without = [
        f"{name}: {place}"
        for name, operation in _operations(document)
        for place, holder in {
            "body": operation.get("requestBody", {}),
            **operation["responses"],
        }.items()
        for content in holder.get("content", {}).values()
        if not content.get("example") and not content.get("examples")
    ]

    assert without == []


def test_every_operation_names_its_errors(document: dict[str, Any]) -> None:
    """API-11, API-3: problem documents, with the slug of each kind."""
    for name, operation in _operations(document):
        responses = operation["responses"]
        assert {"400", "413", "422", "429", "503"} <= set(responses), name
        if "requestBody" in operation:
            assert "415" in responses, name
        if "security" in operation:
            assert {"401", "403"} <= set(responses), name
        for status, response in responses.items():
            if int(status) >= 400:
                examples = response["content"]["application/problem+json"]["examples"]
                assert examples, name
                for slug, example in examples.items():
                    assert example["value"]["type"] == slug
                    assert example["value"]["status"] == int(status)
                    assert f"`{slug}`" in response["description"]


def test_every_operation_tells_its_security(document: dict[str, Any]) -> None:
    """API-11: the scheme and the permission, or neither."""
    scheme = document["components"]["securitySchemes"]["OAuth2PasswordBearer"]
    assert scheme["type"] == "oauth2"
    assert scheme["flows"]["password"]["tokenUrl"] == "/api/auth/token"

    for name, operation in _operations(document):
        assert ("security" in operation) is ("x-permission" in operation), name
        assert operation.get("security", [{"OAuth2PasswordBearer": []}]) == [
            {"OAuth2PasswordBearer": []}
        ]


def test_every_reference_leads_somewhere_and_no_schema_is_unused(document: dict[str, Any]) -> None:
    """API-11: generators of clients follow them."""
    text = msgspec.json.encode(document).decode()

    referred = set(re.findall(r"#/components/schemas/([A-Za-z0-9_]+)", text))

    assert referred == set(document["components"]["schemas"])
    assert "$defs" not in text
    assert "x-problems" not in text


def test_times_are_marked_as_times(document: dict[str, Any]) -> None:
    """API-2: in the schemas of answers."""
    schemas = document["components"]["schemas"]

    assert schemas["ProjectView"]["properties"]["created_at"]["format"] == "date-time"
    assert schemas["AuditEntry"]["properties"]["at"]["format"] == "date-time"


def test_a_list_that_is_paged_by_number_tells_what_that_adds(document: dict[str, Any]) -> None:
    """API-5: page, limit, total, total_is_exact."""
    answer = document["paths"]["/api/projects"]["get"]["responses"]["200"]
    plain, numbered = answer["content"]["application/json"]["schema"]["anyOf"]
    schemas = document["components"]["schemas"]
    names = [each["$ref"].rpartition("/")[2] for each in (plain, numbered)]

    more = set(schemas[names[1]]["required"]) - set(schemas[names[0]]["required"])

    assert more == {"page", "limit", "total", "total_is_exact"}


def test_changes_take_the_headers_that_the_api_promises(document: dict[str, Any]) -> None:
    """API-8, API-9: ``Idempotency-Key`` on POST, ``If-Match`` on PATCH, PUT and DELETE."""
    for name, operation in _operations(document):
        headers = {
            each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"
        }
        is_secret = operation.get("x-answers-secret", False)
        if name.startswith("POST"):
            assert headers == (set() if is_secret else {"Idempotency-Key"}), name
        elif name.startswith("GET"):
            wanted = {"If-None-Match"} if "304" in operation["responses"] else set()
            wanted |= {"Range", "If-Range"} if "206" in operation["responses"] else set()
            wanted |= {"Last-Event-ID"} if name.endswith("/stream") else set()
            assert headers == wanted, name
        elif "get" in document["paths"][name.partition(" ")[2]]:
            assert headers == {"If-Match"}, name
            assert "412" in operation["responses"], name


FOR_ADMINS = frozenset({"audit-view", "events-view"})
ENDLESS = frozenset({"/api/notifications/stream"})


async def test_a_read_is_tagged_if_and_only_if_the_document_says_so(
    document: dict[str, Any], mona: Member, issues_path: str
) -> None:
    """API-9, API-11: 304 stands where a thing has an ``ETag``."""
    issue = (await mona.api.post(issues_path, json={"title": "A"})).json()
    comment = (
        await mona.api.post(f"/api/issues/{issue['id']}/comments", json={"content": "B"})
    ).json()
    wanted = {"name": "Build", "scopes": ["read"]}
    token = (await mona.api.post("/api/auth/personal-access-tokens", json=wanted)).json()
    product = {"name": "Desk", "category": "furniture", "price": 1}
    hooks = f"/api/projects/{issue['project']['id']}/webhooks"
    hook = {"url": "https://hooks.example.com/", "event_types": ["issues.imported"]}
    ids = {
        "webhook_id": (await mona.api.post(hooks, json=hook)).json()["id"],
        "user_id": str(mona.id),
        "token_id": token["id"],
        "project_id": issue["project"]["id"],
        "issue": issue["key"],
        "comment_id": comment["id"],
        "document_id": (await upload_processed(mona))["document_id"],
        "post_id": (await new_post(mona))["id"],
        "collection_id": (await new_collection(mona))["id"],
        "product_id": (await mona.api.post("/api/products", json=product)).json()["id"],
    }

    for name, operation in _operations(document):
        method, path = name.split(" ", 1)
        is_for_mona = (
            operation.get("x-permission") not in FOR_ADMINS
            and "{provider}" not in path
            and path not in ENDLESS
        )
        if method == "GET" and is_for_mona:
            answer = await mona.api.get(path.format_map(ids))
            assert answer.status_code == 200, name
            assert ("etag" in answer.headers) is ("304" in operation["responses"]), name


async def test_the_authorize_button_logs_in(house: House, maria: Member) -> None:
    """API-11, AUTH-3: as Swagger UI sends it, with an empty client in a Basic header."""
    form = {"grant_type": "password", "username": maria.username, "password": PASSWORD}
    headers = {"Authorization": "Basic Og==", "X-Requested-With": "XMLHttpRequest"}

    token = await house.anonymous.post("/api/auth/token", data=form, headers=headers)
    kind, access = (token.json()[name] for name in ("token_type", "access_token"))
    me = await house.anonymous.get("/api/auth/me", headers={"Authorization": f"{kind} {access}"})

    assert token.status_code == 200
    assert me.json()["username"] == "maria"


async def test_the_example_of_a_body_is_one_that_is_taken(
    document: dict[str, Any], house: House, mona: Member
) -> None:
    """API-11: whoever tries it out succeeds."""
    for path, poster in (("/api/auth/register", house.anonymous), ("/api/projects", mona.api)):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]

        answer = await poster.post(path, json=body["example"])

        assert answer.status_code == 201, answer.text
