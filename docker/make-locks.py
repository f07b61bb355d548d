"""Writes docker/locks/: what images, releases and the site install, by version and hash, from pyproject.toml and
constraints.txt.

    pip install uv && python docker/make-locks.py

Versions are those of constraints.txt. The hashes are of all files that the package index has of a version, so that one
lock serves x86_64 and aarch64. PyTorch is not in them, since its builds differ, nor are the packages of its CUDA build.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "docker" / "locks"
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
PYTHON = "3.11"
"""Of the images, and of constraints.txt."""

OF_CUDA = re.compile(r"nvidia-|cuda-|triton$")

HEADER = """\
# Made by docker/make-locks.py from pyproject.toml and constraints.txt: not to be edited.
# pip install --require-hashes --no-deps --only-binary :all: --requirement docker/locks/{name}.txt
"""

PACKAGE = re.compile(r"^(?P<name>[a-z0-9.-]+)==[^\n]+(?:\n    --hash=[^\n]+)+", re.MULTILINE)


def compiled(requirements: list[str], platform: str) -> dict[str, str]:
    """What the requirements need on a platform: the lines of each package, with its hashes."""
    command = ["uv", "pip", "compile", "-", "--quiet", "--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--constraint", "constraints.txt", "--only-binary", ":all:", "--no-emit-package", "torch"]
    command += ["--python-version", PYTHON, "--python-platform", platform]
    done = subprocess.run(
        command, cwd=ROOT, input="\n".join(requirements), stdout=subprocess.PIPE, text=True, check=True
    )
    return {found["name"]: found[0] for found in PACKAGE.finditer(done.stdout)}


def locked(requirements: list[str]) -> dict[str, str]:
    """Those of all platforms, without the packages of PyTorch's CUDA build."""
    first, *others = (compiled(requirements, platform) for platform in PLATFORMS)
    if any(other != first for other in others):
        sys.exit(f"make-locks.py: {' and '.join(PLATFORMS)} need different packages, which one lock cannot hold")
    return {name: lines for name, lines in first.items() if not OF_CUDA.match(name)}


def main() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, extras = settings["project"], settings["project"]["optional-dependencies"]
    wanted = {
        "serve": project["dependencies"],
        "prepare": [*project["dependencies"], *extras["train"]],
        "build": settings["build-system"]["requires"],
        "release": [*settings["build-system"]["requires"], *extras["release"]],
        "docs": extras["docs"],
    }
    LOCKS.mkdir(exist_ok=True)
    for name, requirements in wanted.items():
        packages = locked(requirements)
        text = HEADER.format(name=name) + "\n".join(packages[package] for package in sorted(packages)) + "\n"
        (LOCKS / f"{name}.txt").write_text(text, encoding="utf-8")
        print(f"{LOCKS.name}/{name}.txt: {len(packages)} packages")


if __name__ == "__main__":
    main()
