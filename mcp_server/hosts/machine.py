"""The user's machine, as far as the places of programs' files depend on it."""

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
        platform: As Python names it: linux, darwin, win32.
    """

    platform: str
    home: Path
    environment: Mapping[str, str]

    @classmethod
    def here(cls) -> "Machine":
        return cls(sys.platform, Path.home(), os.environ)

    @property
    def application_data(self) -> Path:
        """Where programs with a window keep their settings."""
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        if self.platform == "win32":
            return self._folder("APPDATA", "AppData/Roaming")
        return self.configuration

    @property
    def local_data(self) -> Path:
        """On Windows: what does not follow the user to other machines."""
        return self._folder("LOCALAPPDATA", "AppData/Local")

    @property
    def configuration(self) -> Path:
        """On Linux and other Unixes: the folder of settings."""
        return self._folder("XDG_CONFIG_HOME", ".config")

    def has_program(self, name: str) -> bool:
        return shutil.which(name, path=self.environment.get("PATH", "")) is not None

    def _folder(self, variable: str, otherwise: str) -> Path:
        """The folder that a variable names; relative ones are of no meaning there."""
        named = Path(self.environment.get(variable, ""))
        return named if named.is_absolute() else self.home / otherwise
