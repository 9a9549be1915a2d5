import base64
import json
import re
import secrets
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support.processes import lacewing, serving
from tests.support.servers import postgres_binary

pytestmark = pytest.mark.system

PERSON = {
    "email": "nina.nilsson@example.com",
    "password": "Correct-Horse-7",
    "full_name": "Nina Nilsson",
}


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def everything_kept(environment: dict[str, str]) -> bytes:
    """The files of SQLite; of PostgreSQL a dump."""
    url = environment["LACEWING_DATABASE_URL"]
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
    dump = [postgres_binary("pg_dump"), "--inserts", url]
    return subprocess.run(dump, check=True, capture_output=True).stdout


def test_the_database_holds_no_email_after_it_was_sealed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """SEC-7: nor a name, in files, dump or export; while the server runs, with progress."""
    keys = {"PII_ENCRYPTION_KEY": new_key(), "PII_HASH_KEY": new_key()}
    with serving(environment) as server:
        httpx.post(f"{server.url}/api/auth/register", json=PERSON).raise_for_status()
        server.stop()
    before = everything_kept(environment)
    refused = lacewing("pii", "encrypt", environment=environment)

    environment = {**environment, **keys}
    with serving(environment) as server:
        sealed = lacewing("pii", "encrypt", "--json", environment=environment)
        again = lacewing("pii", "encrypt", "--json", environment=environment)
        status = lacewing("pii", "status", "--json", environment=environment)
        login = {"email": PERSON["email"].upper(), "password": PERSON["password"]}
        answer = httpx.post(f"{server.url}/api/auth/login", json=login)
        server.stop()
    export = tmp_path / "export.jsonl"
    assert lacewing("export", str(export), environment=environment).returncode == 0

    assert refused.returncode == 3
    assert json.loads(sealed.stdout) == {"seen": 1, "changed": 1}
    assert json.loads(again.stdout) == {"seen": 1, "changed": 0}
    assert json.loads(status.stdout)["sealed"] == 1
    assert answer.status_code == 200
    plain = re.compile(rb"nina\.nilsson@|Nina Nilsson")
    assert plain.search(before)
    assert not plain.search(everything_kept(environment))
    assert not plain.search(export.read_bytes())
