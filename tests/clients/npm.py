"""Third-party programs that run on node: where they are installed, and how tests run them.

`python3 run.py test` installs what package.json names; by hand it is `npm ci --ignore-scripts` in this folder.
RECSYS_TEST_NODE_MODULES names another folder `node_modules`.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent

PATIENCE_SECONDS = 120.0
"""Time after which a program is ended, so that a test fails rather than waits for ever."""


def node_modules() -> Path | None:
    """The folder with the programs; None where they are not installed."""
    named = os.environ.get("RECSYS_TEST_NODE_MODULES")
    folder = Path(named) if named else FOLDER / "node_modules"
    return folder.resolve() if (folder / ".bin").is_dir() else None


def node() -> Path | None:
    """The node that was installed with the programs, else this machine's own; None where there is neither."""
    folder = node_modules()
    found = folder and (shutil.which("node", path=folder / ".bin") or shutil.which("node"))
    return Path(found) if found else None


def skip_without_node() -> None:
    """Skip the test, and say why, where the programs are not installed."""
    if node() is None:
        pytest.skip("the programs of tests/clients/package.json are not installed: npm ci --ignore-scripts, there")


def program(name: str) -> Path:
    """A program of one of the packages, by the name of its command."""
    folder = node_modules()
    assert folder is not None
    return folder / ".bin" / name


def run_node(
    script: Path, *arguments: object, home: Path, variables: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a script until it ends. It finds the packages by `require`, whatever its own folder is.

    Args:
        home: A scratch folder in place of the home folder, where some programs keep what they are told.
        variables: Of the environment, besides what is not the settings of whoever runs the tests.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RECSYS_", "NODE_"))}
    return subprocess.run(
        [str(node()), str(script), *map(str, arguments)],
        env={**kept, "NODE_PATH": str(node_modules()), "HOME": str(home), **(variables or {})},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
        check=False,
    )
