"""Reading a made-up dataset, beside DuckDB's bare read of the same files: `python -m benchmarks.reading`

Each measurement is a process of its own, so that its peak memory is its own, too.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.common import print_table

SPEC = """
name: made-up
title: Made up
items:
  id: id
  id_type: integer
  title: name
  sources: [{file: items.csv}]
  fields:
    - {name: name, kind: text, filter: true}
    - {name: department, kind: category, filter: true}
    - {name: tags, kind: category, many: true, separator: "|", filter: true}
    - {name: price, kind: number, filter: true}
    - {name: added, kind: date, filter: true}
    - {name: in_stock, kind: boolean, filter: true}
users: {id: user, id_type: integer}
interactions:
  sources: [{file: ratings.csv}]
  user: user
  item: item
  rating: rating
  timestamp: time
  like_threshold: 4
"""

ITEMS = """
SELECT i AS id, 'Thing ' || i AS name, 'Department ' || (hash(i) % 20) AS department,
       'tag' || (hash(i, 1) % 50) || '|tag' || (hash(i, 2) % 50) AS tags, round(hash(i, 3) % 10000 / 100, 2) AS price,
       DATE '2015-01-01' + CAST(hash(i, 4) % 3000 AS INTEGER) AS added, hash(i, 5) % 10 > 0 AS in_stock
FROM range(1, {items} + 1) r(i)
"""

RATINGS = """
SELECT 1 + hash(i, 6) % {users} AS user,
       1 + CAST(floor({items} * pow(hash(i, 7) % 1000003 / 1000003.0, 2.5)) AS BIGINT) AS item,
       1 + hash(i, 8) % 5 AS rating, 1500000000 + hash(i, 9) % 100000000 AS time
FROM range({interactions}) r(i)
"""


def make_files(folder: Path, n_items: int, n_users: int, n_interactions: int) -> None:
    """Write the files of the dataset, the same ones each time."""
    import duckdb

    sizes = {"items": n_items, "users": n_users, "interactions": n_interactions}
    with duckdb.connect() as connection:
        for name, query in (("items", ITEMS), ("ratings", RATINGS)):
            connection.execute(f"COPY ({query.format(**sizes)}) TO '{folder / name}.csv' (HEADER)")
    (folder / "dataset.yaml").write_text(SPEC, encoding="utf-8")


def bare_read(folder: Path) -> int:
    """Read both files into tables by DuckDB alone."""
    import duckdb

    with duckdb.connect(str(folder / "bare.duckdb")) as connection:
        for name in ("items", "ratings"):
            connection.execute(f"CREATE TABLE {name} AS FROM read_csv('{folder / name}.csv')")
        [[n]] = connection.execute("SELECT count(*) FROM ratings").fetchall()
    return int(n)


def read(folder: Path) -> int:
    """Read and check the dataset."""
    from mcp_server.reading.dataset import open_dataset
    from mcp_server.reading.files import DatasetFiles

    with open_dataset(DatasetFiles.find(folder / "dataset.yaml", None), scratch=folder) as dataset:
        return len(dataset.interactions)


MEASURED: dict[str, Callable[[Path], int]] = {"DuckDB's bare read": bare_read, "reading and checking": read}


def measure_here(name: str, folder: Path) -> None:
    """Run one measurement, and print it as JSON."""
    started = time.perf_counter()
    n = MEASURED[name](folder)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"n": n, "seconds": seconds, "peak": peak}))


def measure(name: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.reading", "--only", name, "--folder", str(folder)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(answer.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--interactions", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="where the files are; by default a temporary folder")
    parser.add_argument("--only", choices=MEASURED, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        return measure_here(given.only, given.folder)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if not (folder / "ratings.csv").exists():
            make_files(folder, given.items, given.users, given.interactions)
        found = {name: measure(name, folder) for name in MEASURED}
    base = found["DuckDB's bare read"]["seconds"]
    print_table(
        f"{given.interactions:,} interactions, {given.items:,} items",
        ["", "s", "to the bare read", "peak memory, MB"],
        [
            [name, f"{each['seconds']:.1f}", f"{each['seconds'] / base:.2f}", f"{each['peak']:.0f}"]
            for name, each in found.items()
        ],
    )
    return None


if __name__ == "__main__":
    main()
