"""A configuration file of another program: read as it is, and replaced in one step after a copy of it was made."""

import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from mcp_server.errors import RecsysError

KEPT_BACKUPS = 3

BYTE_ORDER_MARK = "\ufeff"


class ConfigFileError(RecsysError):
    """A host's file cannot be read, or cannot be changed without risk; it was left as it is."""


class UnchangeableError(ConfigFileError):
    """The place of a change is written in a form that we cannot change."""

    def __init__(self, key: str) -> None:
        super().__init__(f"is written in a way that this program cannot change at {key!r}")


class ConfigFile:
    """A configuration file. A symbolic link stays, and its target is changed.

    Raises:
        ConfigFileError: The file cannot be read as text.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._target = path.resolve()
            self._bytes = self._target.read_bytes() if self._target.exists() else None
            decoded = None if self._bytes is None else self._bytes.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigFileError(f"{path} is not text in UTF-8, and was left as it is ({error.reason})") from error
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            raise ConfigFileError(f"{path} cannot be read: {_reason(error)}") from error
        self._mark = BYTE_ORDER_MARK if decoded is not None and decoded.startswith(BYTE_ORDER_MARK) else ""
        self.text = None if decoded is None else decoded.removeprefix(BYTE_ORDER_MARK)
        """The file's text; None if there is no file."""

    def replace(self, text: str | None) -> Path | None:
        """Replace the text, or with None remove the file, after making a copy beside it.

        Returns:
            The copy; None if there was nothing to copy.

        Raises:
            ConfigFileError: The file cannot be written, or another program has changed it meanwhile.
        """
        backup = None
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            backup = self._back_up()
            if text is None:
                self._check_unchanged()
                self._target.unlink()
            else:
                self._write((self._mark + text).encode("utf-8"))
        except (OSError, ConfigFileError) as error:
            if backup is not None:  # nothing was changed, so the copy is not needed
                backup.unlink(missing_ok=True)
            if isinstance(error, ConfigFileError):
                raise
            raise ConfigFileError(f"{self.path} cannot be written: {_reason(error)}") from error
        for old in self._backups()[KEPT_BACKUPS:]:
            old.unlink(missing_ok=True)
        return backup

    def earlier_texts(self) -> list[str]:
        """Texts of the copies, newest first."""
        texts = []
        for backup in self._backups():
            try:
                texts.append(backup.read_bytes().decode("utf-8").removeprefix(BYTE_ORDER_MARK))
            except (OSError, UnicodeDecodeError):  # copies are a convenience
                continue
        return texts

    def _backups(self) -> list[Path]:
        folder, name = self._target.parent, self._target.name
        found = (
            [path for path in folder.iterdir() if path.name.startswith(f"{name}.recsys-")] if folder.is_dir() else []
        )
        return sorted((path for path in found if path.suffix == ".bak"), reverse=True)

    def _back_up(self) -> Path | None:
        if self._bytes is None:
            return None
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
        backup = self._target.with_name(f"{self._target.name}.recsys-{stamp}.bak")
        shutil.copy2(self._target, backup)
        return backup

    def _write(self, content: bytes) -> None:
        descriptor, name = tempfile.mkstemp(prefix=f".{self._target.name}.", dir=self._target.parent)
        aside = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            if self._bytes is not None:
                shutil.copymode(self._target, aside)
            self._check_unchanged()
            aside.replace(self._target)
        finally:
            aside.unlink(missing_ok=True)

    def _check_unchanged(self) -> None:
        """Refuse to overwrite another program's change: hosts write their files too, some of them often."""
        now = self._target.read_bytes() if self._target.exists() else None
        if now != self._bytes:
            raise ConfigFileError(f"{self.path} was changed by another program meanwhile: close it, and try again")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
