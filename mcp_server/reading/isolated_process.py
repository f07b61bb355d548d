"""The process that reads a dataset with SQL of its own: ``isolation`` starts it in the folder that it reads into.

Stdin holds the dataset's files and a limit of memory; it stays open until the parent is gone, with which this process
ends. Events are JSON lines on stdout: steps, then an error or the summary of what was left in the folder.
"""

import contextlib
import json
import os
import pickle
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from mcp_server.errors import RecsysError
from mcp_server.reading.dataset import read_into
from mcp_server.reading.handover import hand_over

OOM_SCORE = Path("/proc/self/oom_score_adj")


def main() -> None:
    """Read what stdin says, and tell how it went."""
    found, limit = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _limit_memory(limit)
    folder = Path.cwd()
    try:
        with read_into(folder, found, lambda step: _emit({"step": step})) as dataset:
            summary = hand_over(dataset, folder)
    except RecsysError as error:
        _emit({"error": type(error).__name__, "text": str(error)})
    except MemoryError:
        text = f"dataset {found.spec.name} needs more than {limit / 2**30:.0f} GiB of memory to be read"
        _emit({"error": "DatasetError", "text": text})
    except Exception:
        _emit({"error": "", "text": traceback.format_exc()})
    else:
        _emit({"summary": summary.model_dump()})


def _emit(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _limit_memory(n_bytes: int) -> None:
    """Let the system refuse more memory, and end this process before others if it runs out itself."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    with contextlib.suppress(OSError, ValueError):  # a lower limit is set already
        resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        OOM_SCORE.write_text("1000")


if __name__ == "__main__":
    main()
