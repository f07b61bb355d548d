"""The log of a server that is started here: what it writes to stderr, in a file that stays small."""

import os
import re
from typing import TextIO

from agent_client.state import state_folder

LONGEST_LOG = 1_000_000
"""Bytes of a log before its older half is dropped."""


class LogFile:
    """A server's log; it is appended to, also by other conversations with a server of this name."""

    def __init__(self, server: str) -> None:
        self.path = state_folder() / "logs" / (re.sub(r"[^\w.-]", "_", server) + ".log")
        self._begin = 0  # of what the server has written since it was started

    def opened(self) -> TextIO:
        """The file; or our own stderr, where no file can be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.trim()
            file = self.path.open("a", encoding="utf-8")
        except OSError:
            return os.fdopen(os.dup(2), "w", encoding="utf-8")
        self._begin = file.tell()
        return file

    def trim(self) -> None:
        """Drop the older half of a log that has grown too long; the server goes on at its new end."""
        if self.path.exists() and self.path.stat().st_size > LONGEST_LOG:
            self.path.write_bytes(self.path.read_bytes()[-LONGEST_LOG // 2 :])
            self._begin = 0

    def __str__(self) -> str:
        """The log's place, and its last line if it has grown since the server was started."""
        text = self.path.read_bytes()[self._begin :].decode(errors="replace").strip() if self.path.exists() else ""
        return f"its log is {self.path}" + (f" and ends with: {text.splitlines()[-1]}" if text else "")
