"""Warnings that libraries give to those who write programs, kept from those who run them."""

import sys
import warnings


def hide_library_warnings() -> None:
    """Show none from now on, in any thread; where Python was told to show some (-W, PYTHONWARNINGS), it still does.

    To be called before libraries are imported. Filters and `warnings.showwarning` would not hold: by
    `warnings.catch_warnings`, libraries change them for a while, in several threads at once, and the last one to end
    puts back what it has found. What a warning is written as is the one thing that they leave alone.
    """
    if not sys.warnoptions:
        warnings.formatwarning = _nothing


def _nothing(*_: object, **__: object) -> str:
    return ""
