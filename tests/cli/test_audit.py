import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.processes import admin_token, lacewing, serving

pytestmark = pytest.mark.system


def test_what_was_changed_behind_the_server_is_named(empty: dict[str, str]) -> None:
    """SEC-9: ``lacewing audit verify``, with exit code 1 and the entry's id."""
    with serving(empty) as server:
        admin_token(server, empty)
        server.stop()
    good = lacewing("audit", "verify", environment=empty)
    path = Path(empty["LACEWING_DATABASE_URL"].removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER audit_log_no_update")
        (entry_id,) = connection.execute("SELECT entry_id FROM audit_chain").fetchone()
        connection.execute("UPDATE audit_log SET ip = '1' WHERE id = ?", (entry_id,))

    bad = lacewing("audit", "verify", "--json", environment=empty)

    assert (good.returncode, bad.returncode) == (0, 1)
    assert "none changed, none missing" in good.stdout
    [finding] = json.loads(bad.stdout)["findings"]
    assert finding["fault"] == "changed"
    assert finding["entry_id"].replace("-", "") == entry_id
