"""Commands in processes that are forked from one which has loaded the program already.

Each is a process of its own, as for a user, without the second that loading takes.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import coverage

from lacewing.cli import main
from tests.support.forking import forking

COMMAND_SECONDS = 120


def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], given: str, folder: str
) -> "subprocess.CompletedProcess[str]":
    """Carry ``lacewing`` out to its end, with nothing but this environment.

    Raises:
        TimeoutError: it does not end; it is killed.
    """
    with TemporaryDirectory(prefix="lacewing-command-") as name:
        streams = Path(name)
        (streams / "stdin").write_text(given, encoding="utf-8")
        process = forking().Process(
            target=_carry_out, args=(tuple(arguments), dict(environment), streams, folder)
        )
        process.start()
        process.join(COMMAND_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(" ".join(arguments))
        return subprocess.CompletedProcess(
            ["lacewing", *arguments],
            process.exitcode,
            (streams / "stdout").read_text(encoding="utf-8"),
            (streams / "stderr").read_text(encoding="utf-8"),
        )


def _carry_out(
    arguments: Sequence[str], environment: Mapping[str, str], streams: Path, folder: str
) -> None:
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        opened = os.open(streams / name, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  until the process ends
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["lacewing", *arguments]
    measured = coverage.process_startup(force=True)
    try:
        main()
    finally:
        if measured is not None:
            measured.stop()
            measured.save()
