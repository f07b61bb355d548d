"""The user's machine, as far as the folders of programs depend on it."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """Platform, home and environment; the paths of any platform can be asked for on any other.

    Args:
        platform: Python's name of the platform: linux, darwin, win32.
    """

    platform: str
    home: Path
    environment: Mapping[str, str]

    @classmethod
    def here(cls) -> "Machine":
        return cls(sys.platform, Path.home(), os.environ)

    @property
    def application_data(self) -> Path:
        """The folder of settings of programs with a window."""
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        if self.platform == "win32":
            return self._folder("APPDATA", "AppData/Roaming")
        return self.configuration

    @property
    def local_data(self) -> Path:
        """The folder of files that do not follow the user to other machines, on Windows."""
        return self._folder("LOCALAPPDATA", "AppData/Local")

    @property
    def configuration(self) -> Path:
        """The folder of settings on Linux and other Unixes."""
        return self._folder("XDG_CONFIG_HOME", ".config")

    def has_program(self, name: str) -> bool:
        return shutil.which(name, path=self.environment.get("PATH", "")) is not None

    def _folder(self, variable: str, otherwise: str) -> Path:
        """The folder that a variable names; a relative one does not count."""
        named = Path(self.environment.get(variable, ""))
        return named if named.is_absolute() else self.home / otherwise
