import json
from pathlib import Path

import pytest

from tests.content.test_importing import file_of, record
from tests.support.processes import lacewing

pytestmark = pytest.mark.system


def test_posts_are_imported_by_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    """CON-1, UX-1, UX-2: exit code 2, the record named, the rest in; as JSON for scripts."""
    file = tmp_path / "posts.json"
    file.write_bytes(file_of(record(1), record(2, title=""), record(3)))

    done = lacewing("import", "posts", str(file), environment=environment)
    told = lacewing("import", "posts", str(file), "--json", environment=environment)

    assert (done.returncode, told.returncode) == (2, 2)
    assert "2 posts" in done.stdout
    assert "record 2: title: " in done.stdout
    assert json.loads(told.stdout)["posts_known"] == 2


@pytest.mark.one_database
def test_what_can_not_be_imported_at_all_is_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """UX-1: exit code 1 and one clear line."""
    file = tmp_path / "posts.json"
    file.write_bytes(b"{")
    for arguments, reason in (
        ([str(file)], "no JSON"),
        ([str(tmp_path / "nowhere")], "nowhere"),
        ([str(file), "--source", "two words"], "--source"),
    ):
        refused = lacewing("import", "posts", *arguments, environment=environment)

        assert refused.returncode == 1
        assert reason in refused.stderr
        assert "Traceback" not in refused.stderr
