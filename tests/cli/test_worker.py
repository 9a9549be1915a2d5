import os
import signal
import subprocess

import pytest

from tests.support.processes import PROGRAM, STOP_SECONDS, lacewing

pytestmark = pytest.mark.system


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_runs_apart_and_stops_when_told(
    environment: dict[str, str], stop: signal.Signals
) -> None:
    """OPS-6, NAME-2: it ends well and says nothing of a stack trace."""
    with subprocess.Popen(
        [PROGRAM, "worker"],
        env={**os.environ, **environment},
        cwd=environment["LACEWING_DATA_DIR"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stderr is not None
        said = next((line for line in worker.stderr if "The worker runs." in line), None)
        worker.send_signal(stop)
        _, rest = worker.communicate(timeout=STOP_SECONDS)

    assert said is not None
    assert worker.returncode == 0
    assert "Traceback" not in rest


def test_the_worker_refuses_an_outdated_schema(environment: dict[str, str]) -> None:
    """OPS-2: as the server does, with the way out."""
    lacewing("db", "downgrade", "0002_accounts", environment=environment)

    refused = lacewing("worker", environment=environment)

    assert refused.returncode == 4
    assert "lacewing db upgrade" in refused.stderr
    assert "Traceback" not in refused.stderr
