"""The errors that people see. Each text says what is wrong and what to do about it.

Tools turn them into MCP tool errors, commands into one line on stderr and exit code 2.
Anything else that is raised is a defect of the server, and is logged with its traceback.
"""

import reprlib
from collections.abc import Iterable

MOST_CHARACTERS = 200
"""Upper bound on a quotation, its quotation marks included."""

MOST_QUOTATIONS = 5
"""Upper bound on the quoted values of a list."""

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
    """A folder or file cannot be written: the disk is full, or it is read-only or of another user. Reading works."""


class DamagedPartError(BackendError):
    """A part of a state is missing or damaged, though its storage can be reached, so it can be made again."""


class ArtifactError(DamagedPartError):
    """A trained artifact is missing, corrupt, of another format or of other data."""


def quoted(value: object) -> str:
    """A value as Python writes it, so with control characters and changes of direction escaped; "…" stands for the part
    that is cut. The time that this takes does not grow with the value.
    """
    text = repr(value[:MOST_CHARACTERS]) if isinstance(value, str) else _brief.repr(value)
    whole = len(text) <= MOST_CHARACTERS and (not isinstance(value, str) or len(value) <= MOST_CHARACTERS)
    return text if whole else f"{text[: MOST_CHARACTERS - 2]}…{text[0] if isinstance(value, str) else ''}"


def quoted_list(values: Iterable[object]) -> str:
    """A list of values: the first ones are quoted, the others counted."""
    known = list(values)
    shown = ", ".join(map(quoted, known[:MOST_QUOTATIONS]))
    return f"{shown} and {len(known) - MOST_QUOTATIONS} more" if len(known) > MOST_QUOTATIONS else shown
