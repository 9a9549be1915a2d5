"""The ceiling: ``pgbench`` with the statements that Lacewing sends, and nothing around them."""

import re
import subprocess
import tempfile
from pathlib import Path

from tests.support.servers import postgres_binary

from bench.data import World

_ACTOR = """
SELECT users.id, users.username, users.role, users.full_name, sessions.id FROM sessions
JOIN users ON users.id = sessions.user_id
WHERE sessions.id = '{session}' AND sessions.ended_at IS NULL AND users.is_active;
"""
_ISSUES = """
SELECT issues.*, projects.id, projects.key, projects.name, r.id, r.username, r.full_name,
       a.id, a.username, a.full_name
FROM issues JOIN projects ON projects.id = issues.project_id
JOIN users AS r ON r.id = issues.reporter_id LEFT JOIN users AS a ON a.id = issues.assignee_id
"""
_GET = _ACTOR + _ISSUES + "WHERE issues.id = '{issue}';"
_LIST = (
    _ACTOR
    + "SELECT id, key, name, is_archived FROM projects WHERE id = '{project}';"
    + _ISSUES
    + "WHERE issues.project_id = '{project}' "
    "ORDER BY issues.created_at DESC, issues.id DESC LIMIT 51;"
)
_CREATE = (
    "\\set seed random(1, 9000000000000000000)\n"
    + _ACTOR
    + """
BEGIN;
UPDATE projects SET last_issue_number = last_issue_number + 1
WHERE id = '{project}' AND NOT is_archived
RETURNING last_issue_number AS number \\gset
INSERT INTO issues (id, project_id, number, title, description, description_html, status, priority,
    reporter_id, due_order, labels, created_at, updated_at, comment_count)
VALUES (md5((:seed)::text)::uuid, '{project}', :number, 'Made by the bench', 'With **some** text.',
    '<p>With <strong>some</strong> text.</p>', 'open', 2, '{user}', '9999-12-30', '["bench"]',
    now(), now(), 0);
INSERT INTO issue_labels (issue_id, label) VALUES (md5((:seed)::text)::uuid, 'bench');
INSERT INTO issue_search (issue_id, document)
VALUES (md5((:seed)::text)::uuid, to_tsvector('lacewing', 'Made by the bench With some text.'));
INSERT INTO outbox (id, name, at, data) VALUES (gen_random_uuid(), 'issue.created', now(), '{{}}');
COMMIT;
"""
)


def measure(world: World, kind: str, seconds: int, clients: int) -> float:
    """Transactions a second, with as many clients as the stacks had."""
    template = {"get": _GET, "list": _LIST, "create": _CREATE}[kind]
    text = template.format(
        session=world.session_id,
        issue=world.issue_ids[0],
        project=world.project_id,
        user=world.user_id,
    )
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / f"{kind}.sql"
        script.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [
                postgres_binary("pgbench"), "-n", "-M", "simple", "-f", str(script),
                "-T", str(seconds), "-c", str(clients), "-j", "1", world.database_url,
            ],
            capture_output=True,
            text=True,
            check=True,
        )  # fmt: skip
    match = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert match is not None, done.stdout
    return float(match[1])
