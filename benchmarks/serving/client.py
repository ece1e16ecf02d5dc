# waybill: sample
"""Sends requests with wrk, and reads what it measured."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from waybill.errors import WaybillError

# Each line of a file is a body; they are sent in turn. Latencies are in microseconds.
SCRIPT = """
local requests, last = {}, 0
function init(arguments)
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    for line in io.lines(arguments[1]) do
        requests[#requests + 1] = wrk.format(nil, nil, nil, line)
    end
end
function request()
    last = last % #requests + 1
    return requests[last]
end
function done(summary, latency, _)
    local errors = summary.errors
    io.write(string.format('{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "failed": %d}\\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
"""


class ClientMissing(WaybillError):
    """Raised when wrk is not installed."""


@dataclass(frozen=True)
class Measured:
    """What one run of wrk measured: requests a second, milliseconds of a request, and requests that failed."""

    per_second: float
    p50: float
    p99: float
    failed: int


def find_wrk() -> str:
    """Return the program wrk.

    Raises:
        ClientMissing: it is not installed.
    """
    program = shutil.which("wrk")
    if program is None:
        raise ClientMissing(
            "wrk, which sends the requests, is not installed: `apt-get install wrk`, or your system's way"
        )
    return program


def measure(url: str, bodies: Path, *, clients: int, seconds: int) -> Measured:
    """Let so many clients send the bodies of a file for some seconds, each one the next when it has its answer."""
    script = bodies.with_name("post.lua")
    script.write_text(SCRIPT, encoding="utf-8")
    command = [find_wrk(), "-t", "1", "-c", str(clients), "-d", f"{seconds}s", "--timeout", "30s"]
    ran = subprocess.run(
        [*command, "-s", str(script), url, "--", str(bodies)], capture_output=True, text=True, check=True
    )
    found = json.loads(ran.stdout.splitlines()[-1])
    return Measured(found["requests"] / found["seconds"], found["p50"], found["p99"], found["failed"])
