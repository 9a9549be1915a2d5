"""One million issues, made inside PostgreSQL, and somebody who may read and write them."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from lacewing.accounts.service import sessions
from lacewing.accounts.store import users
from lacewing.kernel.actor import Role
from lacewing.kernel.clock import utc_now
from lacewing.kernel.db import open_database, transaction
from lacewing.kernel.db.database import DatabaseSettings
from lacewing.kernel.db.migrations import Migrations
from lacewing.kernel.ids import new_id
from lacewing.kernel.work import Origin, Work
from lacewing.main import make_accounts
from lacewing.settings import load_settings
from lacewing.tracker.jobs import mend_tallies

PEOPLE = 50
PROJECTS = 10
RARE, MIDDLING, COMMON = "quokka", "gasket", "engine"
"""Words in 20 issues, in one of a hundred, in every second one."""
RARE_ISSUES = 20
IDS_SAMPLED = 2_000

_PEOPLE = """
INSERT INTO users (id, username, username_key, email, email_key, full_name, role, is_active,
                   created_at)
SELECT gen_random_uuid(), 'user' || n, 'user' || n, 'user' || n || '@example.com',
       'user' || n || '@example.com', 'User Number ' || n, 'developer', true, now()
FROM generate_series(1, $1) AS n
"""
_PROJECTS = """
INSERT INTO projects (id, key, name, name_key, description, created_by, created_at, updated_at,
                      is_archived, last_issue_number)
SELECT gen_random_uuid(), 'P' || n, 'Project ' || n, 'project ' || n, '', $2, now(), now(),
       false, $3
FROM generate_series(1, $1) AS n
"""
_ISSUES = """
INSERT INTO issues (id, project_id, number, title, description, description_html, status,
                    priority, reporter_id, assignee_id, due_date, due_order, labels, created_at,
                    updated_at, comment_count, closed_at, resolve_seconds)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' ||
        lpad(to_hex(n % 4096), 3, '0') || '8' || substr(md5(n::text), 1, 15))::uuid,
       project.id, (n - 1) / $2 + 1,
       'Trouble ' || n || CASE WHEN n % 2 = 0 THEN ' with the engine' ELSE ' at the gate' END ||
           CASE WHEN n % 100 = 0 THEN ' gasket' ELSE '' END ||
           CASE WHEN n % greatest($1 / 20, 1) = 0 THEN ' quokka' ELSE '' END,
       'It happens **often**, and more so in case ' || n || '.',
       '<p>It happens <strong>often</strong>, and more so in case ' || n || '.</p>',
       (ARRAY['open', 'in_progress', 'resolved', 'closed', 'reopened'])[1 + n % 5],
       n % 4, person.id, CASE WHEN n % 3 = 0 THEN person.id END, NULL, '9999-12-30',
       '["bug", "engine"]', at, at, 0, CASE WHEN n % 5 = 3 THEN at END,
       CASE WHEN n % 5 IN (2, 3) THEN n % 1000000 END
FROM generate_series(1, $1) AS n
CROSS JOIN LATERAL (SELECT timestamptz '2024-01-01 00:00Z' + n * interval '1 minute' AS at) AS t
JOIN (SELECT id, row_number() OVER (ORDER BY key) AS place FROM projects) AS project
  ON project.place = 1 + n % $2
JOIN (SELECT id, row_number() OVER (ORDER BY username) AS place FROM users) AS person
  ON person.place = 1 + n % $3
"""
_SEARCH = """
INSERT INTO issue_search (issue_id, document)
SELECT id, setweight(to_tsvector('lacewing', title), 'A') ||
           setweight(to_tsvector('lacewing', description), 'B')
FROM issues
"""


@dataclass(frozen=True)
class World:
    """What the measurements need to know of the data."""

    database_url: str
    data_dir: Path
    issue_ids: list[str]
    project_id: str
    user_id: str
    session_id: str

    def environment(self) -> dict[str, str]:
        """The settings of a server on this data, with the limits per address off."""
        return {
            "LACEWING_ENVIRONMENT": "test",
            "LACEWING_DATABASE_URL": self.database_url,
            "LACEWING_DATA_DIR": str(self.data_dir),
            "LACEWING_RATE_LIMIT_PER_MINUTE": "0",
            "LACEWING_LOG_LEVEL": "info",
        }

    def token(self) -> str:
        """A fresh access token of 15 minutes."""
        accounts = make_accounts(load_settings(self.environment()))
        accounts.passwords.close()
        return accounts.tokens.make_access_token(
            UUID(self.user_id), UUID(self.session_id), str(new_id()), utc_now()
        )


def make_world(server_url: str, data_dir: Path, issues: int) -> World:
    """A migrated database with ``issues`` issues."""
    return asyncio.run(_make_world(server_url, data_dir, issues))


async def _make_world(server_url: str, data_dir: Path, issues: int) -> World:
    admin = await asyncpg.connect(f"{server_url}/postgres")
    await admin.execute("CREATE DATABASE bench")
    await admin.close()
    url = f"{server_url}/bench"
    settings = DatabaseSettings(database_url=url)
    await Migrations(settings, data_dir).upgrade()
    user_id, session_id = await _make_reporter(settings, data_dir, url)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_PEOPLE, PEOPLE)
        await connection.execute(_PROJECTS, PROJECTS, user_id, issues // PROJECTS)
        await connection.execute("DROP INDEX ix_issue_search_document")
        await connection.execute("ALTER TABLE issues DISABLE TRIGGER issues_tallied")
        await connection.execute(_ISSUES, issues, PROJECTS, PEOPLE)
        await connection.execute("ALTER TABLE issues ENABLE TRIGGER issues_tallied")
        await _tally(settings, data_dir)
        await connection.execute(_SEARCH)
        await connection.execute(
            "CREATE INDEX ix_issue_search_document ON issue_search USING gin (document)"
        )
        await connection.execute("VACUUM ANALYZE")
        ids = await connection.fetch(
            "SELECT id FROM issues TABLESAMPLE SYSTEM (10) LIMIT $1", IDS_SAMPLED
        )
        project = await connection.fetchval("SELECT id FROM projects WHERE key = 'P1'")
    finally:
        await connection.close()
    issue_ids = [str(row["id"]) for row in ids]
    return World(url, data_dir, issue_ids, str(project), str(user_id), str(session_id))


async def _tally(settings: DatabaseSettings, data_dir: Path) -> None:
    """Count at once what a worker would fold while others are measured."""
    database = await open_database(settings, data_dir)
    try:
        await mend_tallies(lambda: transaction(database))
    finally:
        await database.close()


async def _make_reporter(settings: DatabaseSettings, data_dir: Path, url: str) -> tuple[UUID, UUID]:
    environment = {"LACEWING_DATA_DIR": str(data_dir), "LACEWING_DATABASE_URL": url}
    accounts = make_accounts(load_settings(environment))
    database = await open_database(settings, data_dir)
    try:
        async with transaction(database) as session:
            user_id = new_id()
            await users.insert_user(
                session,
                user_id=user_id,
                username="benchmark",
                email="benchmark@example.com",
                full_name="Bench Mark",
                password_hash=None,
                role=Role.MANAGER,
                is_active=True,
                now=utc_now(),
            )
            work = Work(session, utc_now(), Origin())
            pair = await sessions.start_session(work, accounts.tokens, user_id)
        claims = accounts.tokens.read_access_token(pair.access_token, utc_now())
    finally:
        accounts.passwords.close()
        await database.close()
    return user_id, claims.sid
