"""The recognition of names, IDs and sets in any catalogue: by their keys, and by their words alone."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

NAME_KEYS = re.compile(r"(^|_)((title|name)s?|titel|titre|t[ií]tulo|titolo|nom|nome|nombre|naam)$", re.IGNORECASE)
NOUN_KEYS = re.compile(r"^(product|film|movie|book|track|song)$", re.IGNORECASE)
ID_KEYS = re.compile(r"^(?!n_|per_)(.*_)?(id|sku|user|item)s?$", re.IGNORECASE)
SET_KEYS = re.compile(r"^(item_|result_)?(set|handle|selection)$", re.IGNORECASE)


def name_in(data: Mapping[str, Any]) -> str | None:
    """The first text under a key of names, or else of things; None where there is none."""
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    named = (text for keys in (NAME_KEYS, NOUN_KEYS) for key, text in texts.items() if keys.search(key))
    return next(named, None)


def fold(text: str) -> str:
    """The text without accents, case and punctuation: "THE LION-KING" becomes "the lion king"."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join(re.findall(r"\w+", plain.casefold()))
