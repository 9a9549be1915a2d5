"""A Docker engine of one's own, in a temporary folder."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers import CannotStart, end_of
from tests.support.tools import debian_tool

ENGINE_VARIABLE = "LACEWING_TEST_DOCKER_HOST"
"""Names an engine that runs already, as ``DOCKER_HOST`` does; it keeps the images then."""
START_SECONDS = 120
COMMAND_SECONDS = 1_500


class CommandFailed(AssertionError):  # noqa: N818  it reads as what it says
    """With the end of what it said."""


@dataclass(frozen=True)
class Engine:
    """An engine that runs."""

    host: str

    def docker(self, *arguments: str, given: str = "") -> str:
        """What ``docker …`` says on its standard output.

        Raises:
            CommandFailed: it ended with another code than 0.
        """
        return self.run(["docker", *arguments], given=given)

    def run(
        self, command: Sequence[str], variables: Mapping[str, str] | None = None, given: str = ""
    ) -> str:
        """What a command says that talks with this engine."""
        # The engine of Debian 12 builds only in the old way without a further package.
        mine = {"DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0"}
        done = subprocess.run(
            command,
            env={**os.environ, **mine, **(variables or {})},
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )
        if done.returncode != 0:
            said = f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
            raise CommandFailed(f"{' '.join(command)}: {done.returncode}\n{said}")
        return done.stdout

    def has_image(self, tag: str) -> bool:
        return bool(self.docker("images", "--quiet", tag).strip())


@contextmanager
def running_engine() -> Generator[Engine]:
    """The engine that the variable names, else one that is started, and stopped at the end.

    It has no bridge of its own, so it meets no other engine; networks are those that Compose makes.
    """
    if host := os.environ.get(ENGINE_VARIABLE):
        yield Engine(host)
        return
    if os.geteuid() != 0:
        raise CannotStart(f"only root may start Docker's engine: name one by {ENGINE_VARIABLE}")
    program = debian_tool("dockerd", "docker.io")
    debian_tool("iptables", "iptables")
    folder = Path(tempfile.mkdtemp(prefix="lacewing-docker-"))
    command = [
        str(program), "--data-root", str(folder / "data"), "--exec-root", str(folder / "run"),
        "--pidfile", str(folder / "pid"), "--host", f"unix://{folder}/socket", "--bridge=none",
    ]  # fmt: skip
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        engine = Engine(f"unix://{folder}/socket")
        _wait_until_it_answers(engine, process, log)
        yield engine
    finally:
        process.terminate()
        process.wait(START_SECONDS)
        # The engine leaves the machine's own network mounted there.
        subprocess.run(
            ["umount", "--lazy", *map(str, (folder / "run/netns").glob("*"))],
            check=False,
            capture_output=True,
        )
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_answers(engine: Engine, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            engine.docker("version")
        except CommandFailed:
            if process.poll() is not None or time.monotonic() > deadline:
                raise CannotStart(f"Docker's engine does not start: {end_of(log)}") from None
            time.sleep(0.1)
        else:
            return
