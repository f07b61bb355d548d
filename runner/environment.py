"""A virtual environment of the project, which has pinned versions and is updated when those change."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from runner.messages import fail, say
from runner.pip import Pip
from runner.pytorch import install_cpu_build, is_smaller_by_cpu_index, pinned_version

ROOT = Path(__file__).resolve().parents[1]


class Environment:
    """A virtual environment with its own pins.

    Args:
        folder: Name of its folder in ``root``.
        constraints: The file of pins, in ``root``.
        root: The project to install.
    """

    def __init__(self, folder: str, constraints: str, root: Path = ROOT) -> None:
        self._root, self._folder, self._constraints = root, root / folder, root / constraints
        self._bin = self._folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self._bin / ("python.exe" if os.name == "nt" else "python")

    def set_up(self, extras: str, bars: bool = True) -> None:
        """Make the environment, or bring it up to date.

        Args:
            extras: Extras of the project, separated by commas.
            bars: Whether to show progress bars, because nothing else writes to the terminal meanwhile.
        """
        wanted = hashlib.sha256(extras.encode())
        for file in (self._root / "pyproject.toml", self._constraints):
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
        pip = Pip(self.python, self.name, bars)
        say(f"installing recsys-mcp[{extras}] into {self.name} ...")
        version = pinned_version(self._constraints)
        if version is not None and not self._has_torch(version) and is_smaller_by_cpu_index():
            install_cpu_build(pip, version)
        if not pip.install(("--constraint", str(self._constraints), "--editable", f"{self._root}[{extras}]")):
            fail("the installation failed; what pip says above tells why")
        stamp.write_text(wanted.hexdigest())

    def _has_torch(self, version: str) -> bool:
        """True if PyTorch is installed in any build: pip then leaves it as it is."""
        return any(self._folder.glob(f"[lL]ib/**/site-packages/torch-{version}[-+.]*dist-info"))

    @property
    def name(self) -> str:
        return self._folder.name

    def module(self, *command: str) -> int:
        return subprocess.run([str(self.python), "-m", *command], cwd=self._root, check=False).returncode

    def output(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The result of an installed program that reports on stdout."""
        command = [str(self._bin / program), *arguments]
        return subprocess.run(command, cwd=self._root, stdout=subprocess.PIPE, text=True, check=False)

    def script(self, name: str, *arguments: str) -> int:
        return subprocess.run([str(self._bin / name), *arguments], check=False).returncode
