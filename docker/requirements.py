"""Prints the project's requirements, one a line: what serving needs, or what the extras named as arguments add."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = sys.argv[1:]
wanted = [project["optional-dependencies"][name] for name in extras] if extras else [project["dependencies"]]
print("\n".join(requirement for requirements in wanted for requirement in requirements))
