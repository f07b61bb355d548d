"""The recognition of names, IDs and sets in any catalogue: by their keys, and by their words alone."""

import re
import unicodedata

NAME_KEYS = re.compile(r"(^|_)(title|name)s?$", re.IGNORECASE)
ID_KEYS = re.compile(r"^(?!n_|per_)(.*_)?(id|sku|user|item)s?$", re.IGNORECASE)
SET_KEYS = re.compile(r"^(item_|result_)?(set|handle|selection)$", re.IGNORECASE)


def fold(text: str) -> str:
    """The text without accents, case and punctuation: "THE LION-KING" becomes "the lion king"."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join(re.findall(r"\w+", plain.casefold()))
