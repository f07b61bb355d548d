"""Made-up catalogues of several sizes: what preparing takes, and how fast each tool but search answers.

    python -m benchmarks.scale medium
    python -m benchmarks.scale films artists medium large --json scale.json

`recsys-mcp prepare` runs as a process of its own. Its own lines tell its steps, and memory is the resident memory of
all its processes together, ten times a second. Then a server over stdio answers calls in random order, each with
other arguments. Files are kept where --folder is given, and used again.
"""

import argparse
import json
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import anyio
import psutil

from benchmarks.common import print_table
from benchmarks.made_up_catalogue import Shape, write_catalogue
from benchmarks.scale_calls import Calls, measure_serving

CASES = {
    "films": Shape(9_125, 610, 100_000),
    "artists": Shape(17_632, 1_892, 93_000, counts=True),
    "medium": Shape(100_000, 200_000, 10_000_000),
    "large": Shape(1_000_000, 1_000_000, 50_000_000),
}
"""The first two have the size of MovieLens latest-small and of HetRec's Last.fm."""

SEED = 1

PROGRAM = [sys.executable, "-m", "mcp_server"]

STEP = re.compile(r"^(?P<name>.+): done in (?P<seconds>[\d.]+) s$")

SAMPLE_SECONDS = 0.1

GIB = 2**30


@dataclass
class Step:
    """A step of the preparation."""

    name: str
    seconds: float
    peak_gib: float
    """Most resident memory of all processes while it ran."""


@dataclass
class Preparation:
    """A whole preparation."""

    seconds: float = 0.0
    peak_gib: float = 0.0
    disk_gib: float = 0.0
    """Size of the state."""
    steps: list[Step] = field(default_factory=list)


class Memory:
    """Resident memory of a process and of all that it has started, sampled by a thread until the process ends."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.peak, self._since = 0, 0
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self) -> None:
        with suppress(psutil.NoSuchProcess):
            while self._process.is_running():
                used = 0
                for process in (self._process, *self._process.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        used += process.memory_info().rss
                self.peak, self._since = max(self.peak, used), max(self._since, used)
                time.sleep(SAMPLE_SECONDS)

    def peak_since_last(self) -> int:
        """Most memory in bytes since the last call."""
        found, self._since = self._since, 0
        return found


def measure_preparation(catalogue: Path, state: Path) -> Preparation:
    """Prepare a catalogue from nothing.

    Args:
        catalogue: Folder of its dataset.yaml.
        state: Folder that does not exist.
    """
    found, started = Preparation(), time.perf_counter()
    command = [*PROGRAM, "prepare", "--dataset", str(catalogue), "--data", str(catalogue), "--state", str(state)]
    said = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        memory = Memory(process.pid)
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if step := STEP.match(line.strip()):
                peak = memory.peak_since_last() / GIB
                found.steps.append(Step(step["name"], float(step["seconds"]), peak))
    if process.returncode:
        sys.exit("".join(said[-20:]))
    found.seconds, found.peak_gib = time.perf_counter() - started, memory.peak / GIB
    found.disk_gib = sum(file.stat().st_size for file in state.rglob("*") if file.is_file()) / GIB
    return found


def measure(name: str, folder: Path) -> dict[str, Any]:
    """Measure one case, and print its tables."""
    shape, catalogue, state = CASES[name], folder / name, folder / f"{name}-state"
    if not (catalogue / "dataset.yaml").exists():
        write_catalogue(shape, catalogue, SEED)
    preparation = None
    if not state.exists():
        preparation = measure_preparation(catalogue, state)
        rows = [[step.name, f"{step.seconds:.1f}", f"{step.peak_gib:.2f}"] for step in preparation.steps]
        rows.append(["all", f"{preparation.seconds:.1f}", f"{preparation.peak_gib:.2f}"])
        size = f"{shape.n_items:,} items, {shape.n_users:,} users, {shape.n_interactions:,} interactions"
        print_table(f"{name}: {size}; a state of {preparation.disk_gib:.2f} GiB", ["preparing", "s", "peak GiB"], rows)
    serving = anyio.run(measure_serving, PROGRAM[1:], state, Calls(shape, catalogue, SEED), SEED)
    print_table(
        f"{name}: first answer {serving.first_answer_seconds:.1f} s after the start; {serving.resident_mb:,.0f} MB",
        ["ms", "p50", "p95", "slowest", "CPU, mean"],
        [
            [each.name, *(f"{value:.1f}" for value in (each.p50, each.p95, each.slowest, each.cpu))]
            for each in serving.latencies
        ],
    )
    return {
        "case": name,
        **asdict(shape),
        "preparation": None if preparation is None else asdict(preparation),
        "serving": asdict(serving),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", choices=CASES)
    parser.add_argument("--folder", type=Path, help="where catalogues and states are kept; by default nowhere")
    parser.add_argument("--json", type=Path, help="file for the measurements")
    given = parser.parse_args()
    machine = f"{platform.machine()}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total / GIB:.0f} GiB"
    print(machine, f"load {psutil.getloadavg()[0]:.1f}", f"Python {platform.python_version()}", sep="; ")
    with tempfile.TemporaryDirectory() as temporary:
        found = [measure(name, given.folder or Path(temporary)) for name in given.cases]
    if given.json:
        given.json.write_text(json.dumps({"machine": machine, "cases": found}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
