import json
from pathlib import Path

import pytest

from lacewing import __version__
from tests.support.processes import environment_of, lacewing

pytestmark = pytest.mark.system

UNSAFE = {
    "LACEWING_ENVIRONMENT": "production",
    "LACEWING_DEBUG": "true",
    "LACEWING_SECRET_KEY": "change-me",
    "LACEWING_CORS_ORIGINS": "*",
    "LACEWING_COOKIE_SECURE": "false",
}


def test_seeding_twice_adds_nothing_twice(environment: dict[str, str]) -> None:
    """OPS-3: it can be run again without doubling."""
    first = json.loads(lacewing("seed", "--json", environment=environment).stdout)
    second = json.loads(lacewing("seed", "--json", environment=environment).stdout)

    assert first["users"] == 6
    assert first["issues"] == 75
    assert (first["products"], first["posts"], first["collections"]) == (40, 5, 1)
    assert second == dict.fromkeys(first, 0)


def test_the_server_refuses_unsafe_production_settings_all_at_once(
    empty: dict[str, str],
) -> None:
    """SEC-11: every reason is named, and nothing is served."""
    refused = lacewing("serve", "--port", "0", environment={**empty, **UNSAFE})

    assert refused.returncode == 3
    for variable in ("DEBUG", "SECRET_KEY", "CORS_ORIGINS", "PUBLIC_URL", "COOKIE_SECURE"):
        assert f"LACEWING_{variable}" in refused.stderr
    assert "change-me" not in refused.stderr


def test_several_workers_need_redis(empty: dict[str, str]) -> None:
    """SEC-2: refused with the reason."""
    refused = lacewing("serve", "--port", "0", "--workers", "2", environment=empty)

    assert refused.returncode == 3
    assert "LACEWING_REDIS_URL" in refused.stderr


def test_code_is_not_reloaded_in_production(empty: dict[str, str]) -> None:
    """SEC-11, OPS-7: what watches files is for development."""
    safe = {"LACEWING_ENVIRONMENT": "production", "LACEWING_PUBLIC_URL": "https://x.example"}

    refused = lacewing("serve", "--reload", environment={**empty, **safe})

    assert refused.returncode == 3
    assert "--reload" in refused.stderr


def test_seed_data_has_no_place_in_production(empty: dict[str, str]) -> None:
    """AUTH-18: its password is known to all."""
    safe = {"LACEWING_ENVIRONMENT": "production", "LACEWING_PUBLIC_URL": "https://x.example"}

    refused = lacewing("seed", environment={**empty, **safe})

    assert refused.returncode == 3
    assert "production" in refused.stderr


def test_an_outdated_schema_is_refused_and_mended(environment: dict[str, str]) -> None:
    """OPS-2: the server says so; down and up again work on both databases."""
    down = lacewing("db", "downgrade", "0001_kernel", environment=environment)
    refused = lacewing("serve", "--port", "0", environment=environment)
    checked = lacewing("db", "check", environment=environment)
    gone = lacewing("db", "downgrade", "base", environment=environment)
    up = lacewing("db", "upgrade", environment=environment)
    fits = lacewing("db", "check", environment=environment)

    assert down.returncode == gone.returncode == up.returncode == fits.returncode == 0
    assert refused.returncode == checked.returncode == 4
    assert "lacewing db upgrade" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_doctor_finds_what_is_wrong(environment: dict[str, str], tmp_path: Path) -> None:
    """UX-1: what answers, what does not, and how to mend it."""
    down = environment_of("postgresql://nobody@127.0.0.1:1/none", tmp_path)

    well = lacewing("doctor", "--json", environment=environment)
    ill = lacewing("doctor", "--json", environment=down)

    states = {each["subject"]: each["state"] for each in json.loads(well.stdout)}
    assert well.returncode == 0, well.stdout
    assert states["database"] == states["schema"] == "ok"
    assert states["administrator"] == "warning"
    found = {each["subject"]: each for each in json.loads(ill.stdout)}
    assert ill.returncode == 1
    assert found["database"]["state"] == "failed"
    assert "LACEWING_DATABASE_URL" in found["database"]["mend"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LACEWING_RATE_LIMIT_PER_MINUTE", "many"),
        ("LACEWING_DATABASE_URL", "mysql://x"),
        ("LACEWING_TRUSTED_PROXIES", "somewhere"),
        ("LACEWING_JWT_ALGORITHM", "none"),
    ],
)
def test_a_wrong_setting_is_named(empty: dict[str, str], variable: str, value: str) -> None:
    """OPS-1: by its variable, with the reason, without a stack trace."""
    refused = lacewing("db", "check", environment={**empty, variable: value})

    assert refused.returncode == 3
    assert variable in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_version_is_told(empty: dict[str, str]) -> None:
    """NAME-2: to people and to scripts."""
    assert lacewing("version", environment=empty).stdout == f"lacewing {__version__}\n"
    told = json.loads(lacewing("version", "--json", environment=empty).stdout)
    assert told == {"version": __version__}


def test_an_import_that_can_not_read_everything_says_so(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """UX-1, UX-2: exit code 2, the record named, the rest in."""
    issue = {
        "number": 1, "title": "T", "state": "open", "user": {"login": "tove"},
        "created_at": "2020-01-02T03:04:05Z", "updated_at": "2020-01-02T03:04:05Z",
    }  # fmt: skip
    file = tmp_path / "issues.json"
    file.write_text(json.dumps([issue, {"number": 2}]), encoding="utf-8")

    done = lacewing("import", "github", str(file), "--project", "SHOP", environment=environment)
    missing = lacewing("import", "github", "nowhere", "--project", "SHOP", environment=environment)

    assert done.returncode == 2
    assert "record 2" in done.stdout
    assert "1 issues" in done.stdout
    assert missing.returncode == 1
    assert "Traceback" not in missing.stderr
