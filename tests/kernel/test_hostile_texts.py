"""What no database or encoding holds, in every place that a client can put it."""

import pytest

from tests.support.house import House, Member

NUL = "a\x00b"
SURROGATE = b'"a\\ud800b"'
SQL_TEXTS = (
    "'; DROP TABLE users; --", '" OR 1=1 --', "%", "_", "\\", "a' UNION SELECT 1 --", "*", '"',
    "(", "a:b & c | !d", "NEAR(a b)", "-", "x*y", "{}", "%s", ":a", "$1", "?",
)  # fmt: skip


@pytest.mark.parametrize("field", ["name", "description", "key"])
async def test_a_nul_character_in_a_body_is_refused(a_manager: Member, field: str) -> None:
    """SEC-6: NUL gets 422, and nothing is made."""
    answer = await a_manager.api.post("/api/projects", json={"name": "Web", field: NUL})

    assert answer.status_code == 422
    assert (await a_manager.api.get("/api/projects")).json()["data"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/projects?search=a%00b",
        "/api/projects?cursor=a%00b",
        "/api/projects?sort=%00",
        "/api/issues?label=a%00",
        "/api/issues?assignee=a%00b",
        "/api/issues?search=%00",
        "/api/users?search=%00",
        "/api/issues/%00",
        "/api/issues/WEB-1%00",
        "/api/projects/%00",
        "/api/comments/%00",
        "/api/projects?%00=1",
    ],
)
async def test_a_nul_character_in_a_path_or_query_is_refused(
    a_developer: Member, path: str
) -> None:
    """SEC-6: NUL gets 422."""
    answer = await a_developer.api.get(path)

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/api/issues/%FF",
        "/api/issues/%ED%A0%80",
        "/api/projects/%C3%28",
        "/api/comments/..%2f..%2fetc%2fpasswd",
        "/api/issues/" + "A" * 5_000,
        "/api/issues/WEB-99999999999999999999",
        "/api/issues/%F0%9F%A6%8B",
        "/api/issues/\u0661-\u0662",
    ],
)
async def test_a_hostile_path_parameter_is_refused_and_breaks_nothing(
    a_developer: Member, path: str
) -> None:
    """SEC-6, API-4: path parameters are typed; a client can never cause a 500."""
    answer = await a_developer.api.get(path)

    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": ' + SURROGATE + b"}",
        b'{"name": "x", "description": "\\udfff"}',
        b'{"name": "x", "\\ud83d": 1}',
        b'{"name": "\\udc00\\ud800"}',
    ],
)
async def test_a_lone_surrogate_is_refused(a_manager: Member, body: bytes) -> None:
    """SEC-6: 422, and nothing is made."""
    answer = await a_manager.api.post(
        "/api/projects", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 422
    assert (await a_manager.api.get("/api/projects")).json()["data"] == []


async def test_a_pair_of_surrogates_is_a_character(mona: Member) -> None:
    """SEC-6: only lone ones are refused."""
    answer = await mona.api.post(
        "/api/projects",
        content=b'{"name": "\\ud83e\\udd8b"}',
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 201
    assert answer.json()["name"] == "🦋"


async def test_a_nul_or_a_surrogate_in_a_password_is_refused(shared_house: House) -> None:
    """SEC-6: passwords too, before any hash is made of them."""
    nul = {"username": "maria", "password": "Correct\x00Horse-7"}
    form = {"grant_type": "password", "username": "ma\x00ria", "password": "x"}

    as_json = await shared_house.anonymous.post("/api/auth/login", json=nul)
    as_form = await shared_house.anonymous.post("/api/auth/token", data=form)

    assert (as_json.status_code, as_form.status_code) == (422, 422)


async def test_bytes_that_are_no_utf8_in_a_form_break_nothing(shared_house: House) -> None:
    """API-4: a client can never cause a 500."""
    answer = await shared_house.anonymous.post(
        "/api/auth/token",
        content=b"grant_type=password&username=%ff%00&password=%ed%a0%80",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert answer.status_code in {400, 401, 422}


async def test_text_that_means_something_in_sql_means_itself(
    mona: Member, issues_path: str
) -> None:
    """SEC-6: bound parameters only; nothing is found that does not hold the text, no 500."""
    made = await mona.api.post(issues_path, json={"title": "Login fails", "labels": ["calm"]})
    assert made.status_code == 201

    for text in SQL_TEXTS:
        by_label = await mona.api.get("/api/issues", params={"label": text})
        projects = await mona.api.get("/api/projects", params={"search": text})
        users = await mona.api.get("/api/users", params={"search": text, "page": 1})
        by_words = await mona.api.get("/api/issues", params={"search": text})
        by_person = await mona.api.get("/api/issues", params={"reporter": text})

        assert [each.json()["data"] for each in (by_label, projects, users)] == [[], [], []], text
        assert users.json()["total"] == 0
        assert by_words.status_code == 200, text
        assert by_person.status_code == 422, text
