"""Load from wrk, and the CPU time and memory of the server's process tree."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

TICKS = os.sysconf("SC_CLK_TCK")

_SCRIPT = """
local ids, at = {}, 0
for id in io.lines(os.getenv("BENCH_IDS")) do ids[#ids + 1] = id end
local token, kind = "Bearer " .. os.getenv("BENCH_TOKEN"), os.getenv("BENCH_KIND")
local project = os.getenv("BENCH_PROJECT")
local get = { ["Authorization"] = token }
local post = { ["Authorization"] = token, ["Content-Type"] = "application/json" }
local list = "/api/projects/" .. project .. "/issues"
local body = '{"title":"Made by the bench","description":"With **some** text.",' ..
             '"priority":"high","labels":["bench"]}'
function request()
  if kind == "get" then
    at = at % #ids + 1
    return wrk.format("GET", "/api/issues/" .. ids[at], get)
  elseif kind == "list" then
    return wrk.format("GET", list .. "?limit=50", get)
  end
  return wrk.format("POST", list, post, body)
end
function done(summary, latency, requests)
  io.write(string.format('BENCH{"requests":%d,"microseconds":%d,"p50_us":%d,"p99_us":%d,' ..
    '"bad":%d,"broken":%d}\\n', summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), summary.errors.status, summary.errors.connect +
    summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


class Told(msgspec.Struct):
    """What wrk has counted."""

    requests: int
    microseconds: int
    p50_us: int
    p99_us: int
    bad: int
    broken: int


@dataclass(frozen=True)
class Figures:
    """One measured interval."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_seconds_per_1000: float


class LoadFailed(RuntimeError):  # noqa: N818  it reads as what it says
    """A stack answered something else than a success: its figures would mean nothing."""


def ensure_wrk() -> None:
    if shutil.which("wrk") is None:
        subprocess.run(["apt-get", "install", "-y", "-qq", "wrk"], check=True, capture_output=True)


def measure(
    base_url: str, kind: str, environment: dict[str, str], pid: int, seconds: float, clients: int
) -> Figures:
    """Load ``base_url`` with requests of ``kind`` (``get``, ``list``, ``create``)."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(_SCRIPT, encoding="utf-8")
        command = [
            "wrk", "-t1", f"-c{clients}", f"-d{int(seconds)}s", "--timeout", "10s",
            "-s", str(script), base_url,
        ]  # fmt: skip
        before = cpu_seconds(pid)
        done = subprocess.run(
            command,
            env={**os.environ, **environment, "BENCH_KIND": kind},
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        )
        spent = cpu_seconds(pid) - before
    line = next(line for line in done.stdout.splitlines() if line.startswith("BENCH"))
    told = msgspec.json.decode(line.removeprefix("BENCH"), type=Told)
    if told.bad or told.broken or not told.requests:
        raise LoadFailed(f"{base_url} {kind}: {told}")
    return Figures(
        requests_per_second=told.requests / (told.microseconds / 1e6),
        p50_ms=told.p50_us / 1000,
        p99_ms=told.p99_us / 1000,
        cpu_seconds_per_1000=spent / told.requests * 1000,
    )


def process_tree(pid: int) -> list[int]:
    """The process and all that it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text(encoding="ascii").split():
            found += process_tree(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the process tree, from ``/proc``."""
    total = 0
    for each in process_tree(pid):
        stat = Path(f"/proc/{each}/stat").read_text(encoding="ascii", errors="replace")
        fields = stat.rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory_mib(pid: int) -> dict[str, float]:
    """Resident and proportional memory of the process tree, in MiB."""
    sums = {"Rss": 0.0, "Pss": 0.0}
    for each in process_tree(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name in sums:
                sums[name] += int(rest.split()[0]) / 1024
    return {name.lower(): round(value, 1) for name, value in sums.items()}


def wait_for(url: str, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    host, _, port = url.removeprefix("http://").partition(":")
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LoadFailed(f"{process.args!r} ended")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise LoadFailed(f"{process.args!r} does not listen")
