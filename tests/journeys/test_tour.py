import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import PROGRAM, environment_of, serving

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]


def test_the_tour_of_the_readme_works_as_written(tmp_path: Path) -> None:
    """UX-4: each line of the README's tour, on an empty Lacewing with the default limits."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/lacewing").symlink_to(PROGRAM)
    environment = environment_of(f"sqlite:///{tmp_path}/lacewing.sqlite3", tmp_path)
    for variable in ("LACEWING_RATE_LIMIT_PER_MINUTE", "LACEWING_LOGIN_LIMIT_PER_MINUTE"):
        del environment[variable]
    block = re.search(
        r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert block is not None

    with serving(environment) as server:
        tour = block[1].replace("http://127.0.0.1:8000", server.url)
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", tour],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert '"key":"SHOP-1"' in done.stdout
    assert '"status":"in_progress"' in done.stdout
    assert "problem" not in done.stdout
    assert "FAIL" not in done.stdout
    assert (tmp_path / "everything.jsonl").stat().st_size > 0
