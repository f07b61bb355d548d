#!/usr/bin/env python3
"""Set up and run, with nothing but Python 3.11 to 3.13: `python3 run.py demo`, `python3 run.py test`.

Makes a virtual environment in .venv beside this file, installs the pinned versions of constraints.txt when they
have changed, and runs the command in it. `python3 run.py recsys-mcp ...` runs any command of the program.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")

PROCESSES = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
"""Of the tests."""

USAGE = """usage: python3 run.py demo          prepare MovieLens-100k and ask it a dozen questions
       python3 run.py test          run the linters and the tests
       python3 run.py recsys-mcp …  any command of the program"""


def fail(text: str) -> None:
    print(f"run.py: {text}", file=sys.stderr)
    sys.exit(2)


def set_up(extras: str) -> None:
    """Make the environment, or bring it up to date."""
    wanted = hashlib.sha256(extras.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        wanted.update((ROOT / name).read_bytes())
    stamp = ENVIRONMENT / f"installed-{extras}"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted.hexdigest():
        return
    if not PYTHON.exists():
        print("making the virtual environment .venv ...", file=sys.stderr)
        made = subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=False)
        if made.returncode != 0:
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
            fail("the virtual environment cannot be made; on Debian and Ubuntu: sudo apt install python3-venv")
    print(f"installing recsys-mcp[{extras}] ...", file=sys.stderr)
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--constraint", str(ROOT / "constraints.txt"), "--editable", f"{ROOT}[{extras}]"]
    if subprocess.run(command, check=False).returncode != 0:
        fail("the installation failed; what pip says above tells why")
    stamp.write_text(wanted.hexdigest())


def run(*command: str) -> int:
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main(arguments: list[str]) -> int:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        fail(f"Python 3.11 to 3.13 is needed; this is {sys.version.split()[0]}")
    if arguments[:1] == ["demo"]:
        set_up("train")
        return run(str(BIN / "recsys-mcp"), *arguments)
    if arguments[:1] == ["test"]:
        set_up("train,test")
        linters = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))
        for module, *rest in linters:
            if run(str(PYTHON), "-m", module, *rest) != 0:
                fail(f"{module} {' '.join(rest)} found something")
        return run(str(PYTHON), "-m", "pytest", *PROCESSES, *arguments[1:])
    if arguments[:1] == ["recsys-mcp"]:
        set_up("train")
        return run(str(BIN / "recsys-mcp"), *arguments[1:])
    print(USAGE)
    return 0 if arguments[:1] in ([], ["--help"], ["-h"]) else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
