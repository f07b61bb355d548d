"""The recognition of names, IDs and sets in any catalogue: by their keys, and by their words alone."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

NAME_KEYS = re.compile(r"(^|_)(title|name)s?$", re.IGNORECASE)
ID_KEYS = re.compile(r"^(?!n_|per_)(.*_)?(id|sku|user|item)s?$", re.IGNORECASE)
SET_KEYS = re.compile(r"^(item_|result_)?(set|handle|selection)$", re.IGNORECASE)


def name_in(data: Mapping[str, Any]) -> str | None:
    """The first text under a key of names; None where there is none."""
    return next((value for key, value in data.items() if NAME_KEYS.search(key) and isinstance(value, str)), None)


def fold(text: str) -> str:
    """The text without accents, case and punctuation: "THE LION-KING" becomes "the lion king"."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join(re.findall(r"\w+", plain.casefold()))
