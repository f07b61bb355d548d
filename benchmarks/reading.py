"""Reading a made-up dataset, beside DuckDB's bare read of the same files, and loading it into a catalogue:
`python -m benchmarks.reading [--database mysql+aiomysql://USER:PASSWORD@HOST/DATABASE]`

Each measurement is a process of its own, so that its peak memory is its own, too. The database must be empty; what is
loaded into it stays there.
"""

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from benchmarks.common import print_table
from mcp_server.dataset.records import Dataset
from mcp_server.reading.dataset import open_dataset
from mcp_server.reading.files import DatasetFiles
from mcp_server.settings import Settings
from mcp_server.state.open_state import OpenState

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


@dataclass(frozen=True)
class Measured:
    """A measurement."""

    n_rows: int
    """Interactions that were read or written."""
    seconds: float


def bare_read(folder: Path, database: str) -> Measured:
    """Read both files into tables by DuckDB alone."""
    import duckdb

    started = time.perf_counter()
    with duckdb.connect(str(folder / "bare.duckdb")) as connection:
        connection.execute("SET enable_progress_bar = false")
        for name in ("items", "ratings"):
            connection.execute(f"CREATE OR REPLACE TABLE {name} AS FROM read_csv('{folder / name}.csv')")
        [[n]] = connection.execute("SELECT count(*) FROM ratings").fetchall()
    return Measured(int(n), time.perf_counter() - started)


@contextmanager
def opened(folder: Path) -> Iterator[Dataset]:
    with open_dataset(DatasetFiles.find(folder / "dataset.yaml", None), scratch=folder) as dataset:
        yield dataset


def read(folder: Path, database: str) -> Measured:
    """Read and check the dataset."""
    started = time.perf_counter()
    with opened(folder) as dataset:
        return Measured(len(dataset.interactions), time.perf_counter() - started)


def load(folder: Path, database: str) -> Measured:
    """Load the dataset into the catalogue of a state: in a folder, or in a database if one is named."""
    given = {"database_url": SecretStr(database)} if database else {}
    with (
        contextlib.closing(OpenState(Settings(state=folder / "state", **given))) as state,
        state.manifests.lock(),
        opened(folder) as dataset,
    ):
        started = time.perf_counter()
        state.parts.make_catalog("catalog-0123456789abcdef", dataset, lambda n: None)
        return Measured(len(dataset.interactions), time.perf_counter() - started)


BASE, READ, SQLITE, SERVER = (
    "DuckDB's bare read",
    "reading and checking",
    "loading into SQLite",
    "loading into a server",
)

MEASURED: dict[str, Callable[[Path, str], Measured]] = {BASE: bare_read, READ: read, SQLITE: load, SERVER: load}


def measure_here(name: str, folder: Path, database: str) -> None:
    """Run one measurement, and print it as JSON."""
    found = MEASURED[name](folder, database)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**vars(found), "peak": peak}))


def measure(name: str, folder: Path, database: str) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.reading", "--only", name, "--folder", str(folder)]
    if name == SERVER:
        command += ["--database", database]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(answer.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--interactions", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="where the files are; by default a temporary folder")
    parser.add_argument("--database", default="", help="URL of an empty MySQL or MariaDB database")
    parser.add_argument("--only", choices=MEASURED, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        return measure_here(given.only, given.folder, given.database)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if not (folder / "ratings.csv").exists():
            make_files(folder, given.items, given.users, given.interactions)
        names = [name for name in MEASURED if name != SERVER or given.database]
        found = {name: measure(name, folder, given.database) for name in names}
    print_table(
        f"{given.interactions:,} interactions, {given.items:,} items",
        ["", "s", "to the bare read", "rows/s", "peak memory, MB"],
        [
            [
                name,
                f"{each['seconds']:.1f}",
                f"{each['seconds'] / found[BASE]['seconds']:.2f}",
                f"{each['n_rows'] / each['seconds']:,.0f}",
                f"{each['peak']:.0f}",
            ]
            for name, each in found.items()
        ],
    )
    return None


if __name__ == "__main__":
    main()
