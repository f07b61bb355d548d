"""How long it takes to prepare MovieLens-100k again after small changes, without training.

    python -m benchmarks.prepare_again

The dataset is copied into a temporary folder and changed there. Each preparation is a process of its own, as the
command is; the first one trains and embeds.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mcp_server.dataset.spec import bundled_folder

INTERACTIONS = "ml-100k.inter"


def copy_dataset(folder: Path) -> Path:
    """The bundled dataset, with the interactions of the package beside it, where they can be changed."""
    dataset = folder / "ml-100k"
    shutil.copytree(bundled_folder() / "ml-100k", dataset)
    recbole = importlib.util.find_spec("recbole")
    assert recbole is not None
    assert recbole.submodule_search_locations is not None
    for file in (Path(recbole.submodule_search_locations[0]) / "dataset_example" / "ml-100k").iterdir():
        shutil.copy(file, dataset)
    return dataset


def add_rating(dataset: Path) -> None:
    """Let user 1 rate a film that they have not rated."""
    with (dataset / INTERACTIONS).open("a", encoding="utf-8") as stream:
        stream.write("1\t1000\t4\t890000000\n")


def change_title(dataset: Path) -> None:
    """Change the title of one film."""
    file = next(path for path in dataset.glob("*.jsonl") if "Toy Story" in path.read_text("utf-8"))
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("Toy Story", "Toys Alive", 1), encoding="utf-8")


def measure(dataset: Path, state: Path) -> float:
    """Seconds that a preparation takes as a process."""
    command = [sys.executable, "-m", "mcp_server", "prepare", "--retrain", "never"]
    started = time.perf_counter()
    subprocess.run(
        [*command, "--dataset", dataset, "--data", dataset, "--state", state], check=True, capture_output=True
    )
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, of which the fastest counts")
    repeat = parser.parse_args().repeat
    changes: dict[str, Callable[[Path], None]] = {
        "nothing changed": lambda dataset: None,
        "one rating added": add_rating,
        "one title changed": change_title,
    }
    table = Table("MovieLens-100k", "seconds")
    with tempfile.TemporaryDirectory() as scratch:
        dataset, state = copy_dataset(Path(scratch)), Path(scratch) / "state"
        table.add_row("first, with training", f"{measure(dataset, state):.1f}")
        for name, change in changes.items():
            seconds = []
            for run in range(repeat):
                changed, prepared = Path(scratch) / f"{run}-{name}", Path(scratch) / f"{run}-{name}-state"
                shutil.copytree(dataset, changed)
                shutil.copytree(state, prepared)
                change(changed)
                seconds.append(measure(changed, prepared))
            table.add_row(name, f"{min(seconds):.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
