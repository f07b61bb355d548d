"""The streams that a command writes to."""

import io
import sys


def accept_any_text() -> None:
    """Write characters that stdout's encoding lacks as escapes, so that no title in another script ends a command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
