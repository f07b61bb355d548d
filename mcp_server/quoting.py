"""Input as error texts repeat it: escaped, and cut."""

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
