"""The streams that a command writes to."""

import io
import sys


def accept_any_text() -> None:
    """Let what the encoding of stdout lacks be written as an escape: a title in another script ends no command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
