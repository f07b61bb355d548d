"""Warnings of libraries, which are meant for programmers, hidden from the people who run the program."""

import sys
import warnings


def hide_library_warnings() -> None:
    """Show no warnings from now on, in any thread, unless Python was told to show some (-W, PYTHONWARNINGS).

    Call it before libraries are imported. Filters and `warnings.showwarning` would not last: libraries replace them for
    a while with `warnings.catch_warnings`, in several threads at once, and the last thread to finish restores what it
    found. The text of a warning is the one thing that they leave alone.
    """
    if not sys.warnoptions:
        warnings.formatwarning = _nothing


def _nothing(*_: object, **__: object) -> str:
    return ""
