#!/usr/bin/env python3
"""Set up and run, with nothing but Python 3.11 to 3.13: `python3 run.py demo`, `python3 run.py test`.

Makes virtual environments beside this file, installs pinned versions when they have changed, and runs commands in them:
.venv holds the server, training and tests, .venv-agent the agent, whose libraries need the older line of the MCP SDK.
Where npm is installed, programs of others that talk to the server in tests come into tests/clients/node_modules.
`python3 run.py recsys-mcp ...` and `python3 run.py recsys-agent ...` run any command of the two programs.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent

PROCESSES = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")
"""Of the tests."""

SLOWEST_FIRST = ("tests/integration", "tests/clients", "tests/hosts", "tests/plugins", "tests/e2e", "tests")
"""The server's tests: a file goes to one process, and none should be left with a long one at the end."""

AGENT_TESTS = ("tests/agent", "tests/agent_web")

PROTOCOL_TESTS = (
    "tests/generations",
    "tests/clients/test_conformance.py",
    "tests/e2e/test_protocol.py",
    "tests/e2e/test_transports.py",
    "tests/tools/test_schemas.py",
)
"""They run in both environments, with both lines of the MCP SDK."""

CLIENTS = ROOT / "tests" / "clients"
"""Their package.json names programs of others."""

USAGE = """usage: python3 run.py demo            prepare MovieLens-100k and ask it a dozen questions
       python3 run.py test            run the linters and the tests
       python3 run.py recsys-mcp …    any command of the server
       python3 run.py recsys-agent …  any command of the agent"""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> None:
    say(f"run.py: {text}")
    sys.exit(2)


class Environment:
    """A virtual environment of its own pins."""

    def __init__(self, folder: str, constraints: str) -> None:
        self._folder, self._constraints = ROOT / folder, ROOT / constraints
        self._bin = self._folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self._bin / ("python.exe" if os.name == "nt" else "python")

    def set_up(self, extras: str) -> None:
        """Make it, or bring it up to date."""
        wanted = hashlib.sha256(extras.encode())
        for file in (ROOT / "pyproject.toml", self._constraints):
            wanted.update(file.read_bytes())
        stamp = self._folder / f"installed-{extras}"
        if self.python.exists() and stamp.exists() and stamp.read_text() == wanted.hexdigest():
            return
        if not self.python.exists():
            say(f"making the virtual environment {self._folder.name} ...")
            made = subprocess.run([sys.executable, "-m", "venv", str(self._folder)], check=False)
            if made.returncode != 0:
                shutil.rmtree(self._folder, ignore_errors=True)
                fail("the virtual environment cannot be made; on Debian and Ubuntu: sudo apt install python3-venv")
        say(f"installing recsys-mcp[{extras}] ...")
        install = ("pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", str(self._constraints))
        if self.module(*install, "--editable", f"{ROOT}[{extras}]") != 0:
            fail("the installation failed; what pip says above tells why")
        stamp.write_text(wanted.hexdigest())

    @property
    def name(self) -> str:
        return self._folder.name

    def module(self, *command: str) -> int:
        return subprocess.run([str(self.python), "-m", *command], cwd=ROOT, check=False).returncode

    def output(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Of a module that says what it has found on stdout."""
        return subprocess.run(
            [str(self.python), "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
        )

    def script(self, name: str, *arguments: str) -> int:
        return subprocess.run([str(self._bin / name), *arguments], check=False).returncode


SERVER = Environment(".venv", "constraints.txt")
AGENT = Environment(".venv-agent", "constraints-agent.txt")


def set_up_clients() -> None:
    """Install the programs of others, or bring them up to date; without them their tests are skipped."""
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
    say(f"{environment.name}: pytest {' '.join(arguments)}")
    return environment.module("pytest", *PROCESSES, *arguments)


def at_once(works: Iterable[Callable[[], T]]) -> list[T]:
    """Do several things beside one another; most of the time each waits for a disk or has a core to itself."""
    with ThreadPoolExecutor() as threads:
        return [done.result() for done in [threads.submit(work) for work in works]]


def check() -> None:
    """Run the linters."""
    checks = [(SERVER, "ruff", "check", "."), (SERVER, "ruff", "format", "--check", ".")]
    checks += [(SERVER, "mypy", "-p", "mcp_server"), (AGENT, "mypy", "-p", "agent_client")]
    for ended, (environment, *command) in zip(at_once(partial(e.output, *c) for e, *c in checks), checks, strict=True):
        say(f"{environment.name}: {' '.join(command)}\n{ended.stdout.strip()}")
        if ended.returncode != 0:
            fail(f"{' '.join(command)} found something")


def test(arguments: list[str]) -> int:
    """Linters, the agent's tests, then the server's; with arguments for pytest, the server's tests alone."""
    at_once([lambda: SERVER.set_up("train,test"), lambda: AGENT.set_up("web,test-agent"), set_up_clients])
    check()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("RECSYS_TEST_STATE", scratch)
        if SERVER.script("recsys-mcp", "prepare", "--state", os.environ["RECSYS_TEST_STATE"]) != 0:
            fail("MovieLens-100k cannot be prepared")
        failed = 0 if arguments else run_tests(AGENT, SERVER, *AGENT_TESTS, *PROTOCOL_TESTS)
        return run_tests(SERVER, AGENT, *(arguments or SLOWEST_FIRST)) or failed


def main(arguments: list[str]) -> int:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        fail(f"Python 3.11 to 3.13 is needed; this is {sys.version.split()[0]}")
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
            return AGENT.script("recsys-agent", *rest)
    print(USAGE)
    return 0 if arguments[:1] in ([], ["--help"], ["-h"]) else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
