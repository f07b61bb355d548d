"""The inner side of a training process that ``jobs`` starts in a scratch folder.

Its argument is the module that runs the job, which is imported last, because that may take seconds. The first line of
stdin is the job, as JSON. Stdin then stays open; when it closes, the parent is gone and this process ends. Events are
JSON lines on the original stdout. Everything else that is printed goes to stderr.
"""

import gc
import importlib
import json
import os
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from traceback import format_exception_only
from typing import Any

from mcp_server.recommender.training.jobs import EvaluateJob, TrainJob, parse_job
from mcp_server.recommender.training.reporting import Emit, UnsuitableError

Run = Callable[[TrainJob | EvaluateJob, Path, Emit], dict[str, Any]]
"""Runs a job in a folder, and returns its result."""


def main() -> None:
    """Read the job, run it, send its result, and end the process."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing that a library prints may mix with the events
    module, sys.argv = sys.argv[1], ["recsys-mcp"]  # which RecBole parses
    warnings.simplefilter("ignore")
    job = parse_job(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def emit(event: Mapping[str, Any]) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    try:
        gc.disable()  # looking through all that is being imported, again and again, takes a sixth of that time
        run: Run = importlib.import_module(f"mcp_server.recommender.training.{module}").run
        gc.enable()
        result = run(job, Path.cwd(), emit)
    except UnsuitableError as error:
        emit({"event": "refused", "text": str(error)})
    except Exception as error:
        # Not by stderr: other threads of a library may fail at the same time, and end it with words of their own.
        emit({"event": "failed", "text": format_exception_only(error)[-1].strip()})
        raise
    else:
        emit({"event": "done", "result": result})
    events.close()
    os._exit(0)  # the thread on stdin, and those of libraries, have nothing to finish


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
