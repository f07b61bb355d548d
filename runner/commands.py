"""The commands of run.py: the demo, the tests, and any command of the server and of the agent.

The server, training and tests are in .venv; the agent, whose libraries need the older line of the MCP SDK, is in
.venv-agent. Where npm is installed, third-party clients for the tests come into tests/clients/node_modules.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TypeVar

from runner.environment import ROOT, Environment
from runner.messages import fail, say

T = TypeVar("T")

PROCESSES = ("-n", "4", "--dist", "loadfile", "--no-loadscope-reorder")
"""Options that run the tests in four processes, however few cores there are: most of the time they wait."""

AGENT_TESTS = ("tests/agent", "tests/agent_web")

PROTOCOL_TESTS = (
    "tests/attacks/test_messages.py",
    "tests/attacks/test_sessions.py",
    "tests/generations",
    "tests/clients/test_conformance.py",
    "tests/e2e/test_protocol.py",
    "tests/e2e/test_transports.py",
    "tests/tools/test_schemas.py",
)
"""Tests that run in both environments, with both lines of the MCP SDK."""

PACKAGES = ("mcp_server", "recsys_grounding", "recsys_shared", "runner", "docs_site")
"""Packages whose types are checked in the server's environment."""

CLIENTS = ROOT / "tests" / "clients"
"""Folder whose package.json names third-party clients."""

SCHEMAS = (
    ("github-workflows", tuple(f".github/workflows/{name}.yml" for name in ("docs", "release", "test"))),
    ("dependabot", (".github/dependabot.yml",)),
    ("github-issue-config", (".github/ISSUE_TEMPLATE/config.yml",)),
    ("github-issue-forms", tuple(f".github/ISSUE_TEMPLATE/{name}.yml" for name in ("bug", "catalogue", "idea"))),
    ("compose-spec", ("docker/compose.yaml",)),
)
"""Schemas that check-jsonschema brings, and the files that they check."""

USAGE = """usage: python3 run.py demo            prepare MovieLens-100k and ask it a dozen questions
       python3 run.py test            run the linters and the tests
       python3 run.py recsys-mcp …    any command of the server
       python3 run.py recsys-agent …  any command of the agent"""

SERVER = Environment(".venv", "constraints.txt")
AGENT = Environment(".venv-agent", "constraints-agent.txt")


def set_up_clients() -> None:
    """Install the third-party clients, or bring them up to date; without them their tests are skipped."""
    npm = shutil.which("npm")
    if npm is None or "RECSYS_TEST_NODE_MODULES" in os.environ:
        return
    installed = CLIENTS / "node_modules"
    stamp, wanted = installed / "installed", hashlib.sha256((CLIENTS / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("installing the clients of tests/clients ...")
    install = (npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
    if subprocess.run(install, cwd=CLIENTS, stdout=subprocess.DEVNULL, check=False).returncode == 0:
        stamp.write_text(wanted)
    else:
        shutil.rmtree(installed, ignore_errors=True)
        say("npm could not install them: their tests are skipped")


def run_tests(environment: Environment, other: Environment, *arguments: str) -> int:
    os.environ["RECSYS_TEST_OTHER_PYTHON"] = str(other.python)
    # Tests run beside one another. Threads of BLAS that wait for each other on busy cores slow a training many times.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    say(f"{environment.name}: pytest {' '.join(arguments)}")
    return environment.module("pytest", *PROCESSES, *arguments)


def at_once(works: Iterable[Callable[[], T]]) -> list[T]:
    """Do several things at once; most of the time each waits for a disk or has a core to itself."""
    with ThreadPoolExecutor() as threads:
        return [done.result() for done in [threads.submit(work) for work in works]]


def check() -> None:
    """Run the linters."""
    checks: list[tuple[Environment, tuple[str, ...]]] = [
        (SERVER, ("ruff", "check", ".")),
        (SERVER, ("ruff", "format", "--check", ".")),
        (SERVER, ("mypy", *chain(*(("-p", package) for package in PACKAGES)))),
        (AGENT, ("mypy", "--cache-dir", ".mypy_cache/agent", "-p", "agent_client")),  # both read recsys_shared
        (SERVER, ("lint-imports", "--no-cache")),
        (SERVER, ("zizmor", "--offline", "--no-progress", "--quiet", ".github")),
        *((SERVER, ("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)) for schema, files in SCHEMAS),
    ]
    for ended, (environment, command) in zip(at_once(partial(e.output, *c) for e, c in checks), checks, strict=True):
        say(f"{environment.name}: {' '.join(command)}\n{ended.stdout.strip()}")
        if ended.returncode != 0:
            fail(f"{' '.join(command)} found something")


def prepare_for_tests() -> None:
    """Prepare the films once for all tests."""
    if SERVER.script("recsys-mcp", "prepare", "--state", os.environ["RECSYS_TEST_STATE"]) != 0:
        fail("MovieLens-100k cannot be prepared")


def compile_tests() -> None:
    """Import all tests once, so that the processes that run them need not each compile them."""
    SERVER.output("pytest", "--collect-only", "--quiet")


def test(arguments: list[str]) -> int:
    """Linters, the agent's tests, then the server's; with arguments for pytest, the server's tests alone."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each of hundreds of processes would compile the same modules
    at_once(
        [
            lambda: SERVER.set_up("train,test", bars=False),
            lambda: AGENT.set_up("web,test-agent", bars=False),
            set_up_clients,
        ]
    )
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("RECSYS_TEST_STATE", scratch)
        at_once([check, prepare_for_tests, compile_tests])
        failed = 0 if arguments else run_tests(AGENT, SERVER, *AGENT_TESTS, *PROTOCOL_TESTS)
        return run_tests(SERVER, AGENT, *(arguments or ["tests"])) or failed


def main(arguments: list[str]) -> int:
    match arguments:
        case ["demo", *_]:
            SERVER.set_up("train")
            return SERVER.script("recsys-mcp", *arguments)
        case ["test", *rest]:
            return test(rest)
        case ["recsys-mcp", *rest]:
            SERVER.set_up("train")
            return SERVER.script("recsys-mcp", *rest)
        case ["recsys-agent", *rest]:
            AGENT.set_up("web")
            if rest[:1] == ["evaluate"]:  # its questions are made of the dataset, for which .venv has the libraries
                SERVER.set_up("train")
                program = shlex.join([str(SERVER.python), "-P", "-m", "mcp_server"])
                os.environ.setdefault("RECSYS_AGENT_QUESTIONS_PROGRAM", program)
            return AGENT.script("recsys-agent", *rest)
    print(USAGE)
    return 0 if arguments[:1] in ([], ["--help"], ["-h"]) else 2
