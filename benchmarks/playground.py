"""How quick the playground is: from the command to the page, from the click to the curve, from a key to the bars.

    uv run python benchmarks/playground.py          about two minutes on two cores
    uv run python benchmarks/playground.py --short

Starts `makemore play names` as a process of its own, and asks it over HTTP as its page does. The page is there
when its HTML has arrived; the first point of the curve, when the first evaluation has been told. "Warm" is a
training that starts when the other process has imported torch, as it has some seconds after the start. The
bars are asked for one letter after another, as when somebody types. Memory is what /proc says (Linux).
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common

TYPES = ("lstm", "mixture")
TYPED = ("marianne", "christopher", "xqzzt", "elizabeth")


class Playground:
    """A running playground, and the seconds until its page was there."""

    def __init__(self, directory: str) -> None:
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "makemore", "play", "names", "--no-open", "-o", directory],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "200"},
        )
        assert self.process.stdout is not None
        found = re.search(r"127\.0\.0\.1:(\d+)(/\S+/)", self.process.stdout.readline())
        assert found
        self.port, self.path = int(found[1]), found[2]
        self.get("")
        self.seconds = time.perf_counter() - began

    def get(self, path: str, body: object = None) -> bytes:
        """Ask for a path, by POST if there is a body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        method = "GET" if body is None else "POST"
        connection.request(method, self.path + path, None if body is None else json.dumps(body))
        return connection.getresponse().read()

    def first_point(self, type: str) -> float:
        """Train for a second; return the seconds from the click to the first evaluation."""
        began = time.perf_counter()
        self.get("api/train", {"list": "names", "types": [type], "time": 1})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request("GET", self.path + "api/events")
        point = 0.0
        for line in connection.getresponse():
            if b'"kind": "evaluation"' in line and not point:
                point = time.perf_counter() - began
            if b'"kind": "done"' in line:
                break
        return point

    def memory(self) -> dict[str, float]:
        """Return the megabytes of the server, and of the process beside it."""
        pids = {"server": self.process.pid}
        for each in Path("/proc").iterdir():
            status = each / "status"
            if (
                each.name.isdigit()
                and status.exists()
                and f"PPid:\t{self.process.pid}\n" in status.read_text()
            ):
                pids["training"] = int(each.name)
        texts = {name: Path(f"/proc/{pid}/status").read_text() for name, pid in pids.items()}
        return {name: int(re.search(r"VmHWM:\s+(\d+)", text)[1]) / 1000 for name, text in texts.items()}  # type: ignore[index]

    def end(self) -> None:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def measure(rounds: int) -> dict[str, Any]:
    """Return the times of all rounds, in seconds, and the memory of the last."""
    found: dict[str, Any] = {"page": [], "cold": [], "warm": [], "bars": {type: [] for type in TYPES}}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            playground = Playground(directory)
            found["page"].append(playground.seconds)
            found["cold"].append(playground.first_point("lstm"))
            found["warm"].append(playground.first_point("mixture"))
            for type in TYPES:
                for text in TYPED:
                    for end in range(1, len(text) + 1):
                        began = time.perf_counter()
                        playground.get("api/expects", {"run": f"names-{type}", "text": text[:end]})
                        found["bars"][type].append(time.perf_counter() - began)
            found["memory"] = playground.memory()
            playground.end()
    return found


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    rows = [
        [name, f"{statistics.median(kept[key]):.2f} s"]
        for name, key in (
            ("from the command to the page", "page"),
            ("from the click to the first point, while torch is imported", "cold"),
            ("from the click to the first point, warm", "warm"),
        )
    ]
    for type, times in kept["bars"].items():
        slow = statistics.quantiles(times, n=20)[-1]
        bars = f"{1000 * statistics.median(times):.0f} ms ({1000 * slow:.0f} ms)"
        rows.append([f"from a key to the bars of `{type}` (95th percentile)", bars])
    rows += [[f"peak memory of the {name} process", f"{mb:.0f} MB"] for name, mb in kept["memory"].items()]
    return (
        "## Playground\n\n`uv run python benchmarks/playground.py`: `makemore play names`, asked over HTTP as its "
        f"page does; medians of {len(kept['page'])} rounds.\n\n"
        + common.table(["", "median"], rows)
        + "\n"
        + common.about(kept)
    )


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    kept = common.machine() | measure(1 if options.short else options.rounds)
    if not options.short:
        common.keep("playground", kept)
    print(section(kept))


if __name__ == "__main__":
    main()
