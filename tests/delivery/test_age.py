"""Backups are in the format of age: its own program opens them, and we open what it has sealed."""

import hashlib
import io
import os
import pty
import select
import tarfile
import time
from pathlib import Path

import pytest

from lacewing.kernel.backup.age import CHUNK_BYTES, OpeningReader, SealingWriter
from tests.support.cannot import cannot_test
from tests.support.processes import environment_of, lacewing
from tests.support.servers import CannotStart
from tests.support.tools import debian_tool

PASSPHRASE = "correct horse battery staple"
SECONDS = 120


@pytest.fixture(scope="module")
def age() -> str:
    try:
        return str(debian_tool("age", "age"))
    except CannotStart as error:
        cannot_test(error)


def _at_a_terminal(command: list[str]) -> None:
    """Run it, and type the passphrase whenever it asks: age takes one from a terminal alone."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    said = b""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            try:
                chunk = os.read(terminal, 1_000)
            except OSError:  # it has ended
                break
            said += chunk
            if b": " in chunk or b":\x1b" in chunk:
                os.write(terminal, f"{PASSPHRASE}\n".encode())
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, said


def test_age_opens_a_backup(age: str, tmp_path: Path) -> None:
    """OPS-13: without Lacewing; inside is a tar file."""
    environment = environment_of(f"sqlite:///{tmp_path}/lacewing.sqlite3", tmp_path)
    sealed, opened = tmp_path / "all.backup", tmp_path / "all.tar"
    lacewing("seed", environment=environment)
    made = lacewing(
        "backup", str(sealed), "--passphrase-file", "-",
        environment=environment, given=f"{PASSPHRASE}\n",
    )  # fmt: skip

    _at_a_terminal([age, "--decrypt", "--output", str(opened), str(sealed)])

    assert made.returncode == 0, made.stderr
    with tarfile.open(opened) as tar:
        names = tar.getnames()
    assert (names[0], names[-1]) == ("header.json", "manifest.json")
    assert "tables/users/00000000.jsonl.gz" in names


@pytest.mark.parametrize("size", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 300_000])
def test_each_opens_what_the_other_has_sealed(age: str, tmp_path: Path, size: int) -> None:
    """OPS-13: at the edges of chunks."""
    content = (hashlib.sha256(b"lacewing").digest() * (size // 32 + 1))[:size]
    plain, theirs = tmp_path / "plain", tmp_path / "theirs.age"
    ours, opened = tmp_path / "ours.age", tmp_path / "opened"
    plain.write_bytes(content)
    output = io.BytesIO()
    writer = SealingWriter(output, PASSPHRASE)
    writer.write(content)
    writer.close()
    ours.write_bytes(output.getvalue())

    _at_a_terminal([age, "--passphrase", "--output", str(theirs), str(plain)])
    _at_a_terminal([age, "--decrypt", "--output", str(opened), str(ours)])

    with theirs.open("rb") as source:
        assert OpeningReader(source, PASSPHRASE).read(size + 1) == content
    assert opened.read_bytes() == content
