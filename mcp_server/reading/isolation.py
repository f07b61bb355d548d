"""Datasets with SQL of their own are read in a process of its own.

DuckDB cannot always be stopped: a function that makes a long text, or the planning of a query, does not look at the
clock, and memory for texts is not counted. Such a process can be ended, has a limit of memory that the system keeps,
and if it crashes, its parent says so in one line. Datasets without SQL are read without it, which is a second faster.
"""

import json
import os
import pickle
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_server import PYTHON
from mcp_server.dataset.records import Dataset
from mcp_server.dataset.sources import Alternatives, SourceQuery
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import DatasetError, UnwritableError
from mcp_server.reading.files import DatasetFiles
from mcp_server.reading.handover import Summary, take_over

LONGEST_READING_SECONDS = 1800.0
"""Time after which the process is ended, whatever it is doing."""

LEAST_MEMORY = 4 * 2**30
"""Bytes that the process may always address. It may address a quarter of the machine's memory if that is more."""

PLAIN = re.compile(r"[\w\s.:<>=!+*/%'\"-]*")
"""Names of columns, and expressions without functions, lists and joined texts, which can do no harm."""

Event = dict[str, Any]


def has_sql(spec: DatasetSpec) -> bool:
    """True if a dataset may have SQL of its own that takes much time or memory, or HTML, which may take much time."""
    items, users, interactions = spec.items, spec.users, spec.interactions
    if any(field.html for field in [*items.fields, *users.fields]):
        return True
    texts = [items.id, users.id, interactions.user, interactions.item, interactions.rating, interactions.timestamp]
    texts += [items.available, *(field.column for field in [*items.fields, *users.fields])]
    for source in [*items.sources, *users.sources, *interactions.sources]:
        if isinstance(source, SourceQuery) and source.from_ is None:
            return True
        texts += [each.where for each in (source.one_of if isinstance(source, Alternatives) else [source])]
    return any(text is not None and not PLAIN.fullmatch(text) for text in texts)


def memory_limit() -> int:
    """Bytes that the process may address."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on Windows
        machine = 0
    return max(LEAST_MEMORY, machine // 4)


@contextmanager
def open_isolated(found: DatasetFiles, folder: Path, advance: Callable[[str], None]) -> Iterator[Dataset]:
    """Read a dataset in a process of its own.

    Args:
        folder: An empty folder, which is the working directory of that process.
        advance: Called with the name of each step when it begins.

    Raises:
        DatasetError: A source is not what the specification says, or the process did not survive reading it.
        UnwritableError: There is no room for temporary files.
    """
    summary = _read(found, folder, advance)
    with take_over(found.spec, folder, summary) as dataset:
        yield dataset


def _read(found: DatasetFiles, folder: Path, advance: Callable[[str], None]) -> Summary:
    name, step, is_late = found.spec.name, "sources", threading.Event()
    with subprocess.Popen(
        [*PYTHON, "-m", "mcp_server.reading.isolated_process"],
        cwd=folder,
        env={variable: value for variable, value in os.environ.items() if not variable.startswith("RECSYS_")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        timer = threading.Timer(LONGEST_READING_SECONDS, _end, [child, is_late])
        timer.daemon = True
        timer.start()
        try:
            pickle.dump((replace(found, _fetched=None), memory_limit()), child.stdin)
            child.stdin.flush()
            for line in child.stdout:
                event: Event = json.loads(line)
                if "summary" in event:
                    return Summary.model_validate(event["summary"])
                if "error" in event:
                    raise _error(event)
                step = event["step"]
                advance(step)
            child.wait()
        except BrokenPipeError:
            child.wait()
        finally:
            timer.cancel()
            child.kill()
    if is_late.is_set():
        raise DatasetError(f"dataset {name}: reading it took longer than {LONGEST_READING_SECONDS:.0f} s")
    raise DatasetError(
        f"dataset {name}: the process that reads it broke down over its {step} (code {child.returncode}): a query or "
        f"an expression needs more than {memory_limit() / 2**30:.0f} GiB of memory, or meets a defect of DuckDB. Make "
        "it simpler"
    )


def _end(child: "subprocess.Popen[bytes]", is_late: threading.Event) -> None:
    is_late.set()
    child.kill()


def _error(event: Event) -> Exception:
    kinds = {"DatasetError": DatasetError, "UnwritableError": UnwritableError}
    return kinds.get(event["error"], RuntimeError)(event["text"])
