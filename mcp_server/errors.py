"""The errors that people see. Each text says what is wrong and what to do about it.

Tools turn them into MCP tool errors, commands into one line on stderr and exit code 2.
Anything else that is raised is a defect of the server, and is logged with its traceback.
"""

import reprlib
from collections.abc import Iterable

MOST_CHARACTERS = 200
"""Of one quotation, its quotation marks included."""

MOST_QUOTATIONS = 5
"""Of a list of wrong values."""

_brief = reprlib.Repr()
_brief.maxlevel = 4
_brief.maxdict = _brief.maxlist = _brief.maxtuple = _brief.maxset = 20
_brief.maxstring = _brief.maxlong = _brief.maxother = 2 * MOST_CHARACTERS


class RecsysError(Exception):
    """Base of every error whose text is meant for the user of an assistant or of a command."""


class InvalidInputError(RecsysError):
    """An argument is wrong: unknown ID, value out of range, wrong type."""


class DatasetError(RecsysError):
    """The dataset specification or one of its files cannot be used."""


class NotPreparedError(RecsysError):
    """There is no prepared state yet, or it belongs to another version of this program."""


class TrainingError(RecsysError):
    """A model cannot be trained or cannot be exported for serving."""


class BackendError(RecsysError):
    """The database or the vector store cannot be reached or read."""


class UnwritableError(BackendError):
    """A place on disk cannot be written: it is full, read-only, or another user's. What is there can still be read."""


class DamagedPartError(BackendError):
    """A part of a state is missing or not what it should be, though its place can be reached: it can be made again."""


class ArtifactError(DamagedPartError):
    """A trained artifact is missing, corrupt, of another format or of other data."""


def quoted(value: object) -> str:
    """A value as Python writes it, which leaves no control character and no change of direction as it is; "…" stands
    for what is cut. Takes no longer for a value of any size.
    """
    text = repr(value[:MOST_CHARACTERS]) if isinstance(value, str) else _brief.repr(value)
    whole = len(text) <= MOST_CHARACTERS and (not isinstance(value, str) or len(value) <= MOST_CHARACTERS)
    return text if whole else f"{text[: MOST_CHARACTERS - 2]}…{text[0] if isinstance(value, str) else ''}"


def quoted_list(values: Iterable[object]) -> str:
    """Some values, of which the first are quoted and the others counted."""
    known = list(values)
    shown = ", ".join(map(quoted, known[:MOST_QUOTATIONS]))
    return f"{shown} and {len(known) - MOST_QUOTATIONS} more" if len(known) > MOST_QUOTATIONS else shown
