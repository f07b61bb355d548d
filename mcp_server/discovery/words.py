"""Words in the names of files and columns: what they stand for, and their singular and plural."""

import re
from collections.abc import Collection

from mcp_server.dataset.fields import RESERVED_NAMES
from mcp_server.discovery.foreign_words import ENDS, ENGLISH

USER_WORDS = frozenset({
    "account", "borrower", "buyer", "client", "customer", "followee", "follower", "friend", "household", "listener",
    "member", "patron", "person", "player", "profile", "reader", "reviewer", "shopper", "student", "subscriber",
    "user", "username", "viewer", "visitor",
})  # fmt: skip

ITEM_WORDS = frozenset({
    "album", "anime", "app", "article", "artist", "asin", "beer", "book", "business", "course", "ean", "film", "game",
    "hotel", "isbn", "item", "job", "movie", "news", "paper", "place", "podcast", "product", "recipe", "restaurant",
    "series", "show", "sku", "song", "stock", "title", "track", "video", "wine",
})  # fmt: skip

ID_WORDS = frozenset({"asin", "code", "ean", "gtin", "guid", "id", "ids", "isbn", "key", "no", "nr", "number", "oid",
                      "pk", "sku", "upc", "uuid"})  # fmt: skip

PERSONAL_WORDS = frozenset({
    "address", "birthname", "email", "fax", "firstname", "fullname", "ip", "lastname", "mail", "mobile", "passwd",
    "password", "phone", "ssn", "street", "surname", "telephone", "token",
})  # fmt: skip
"""Words in the names of columns of users that no assistant needs to know."""

CONTACT_WORDS = frozenset({"author", "brand", "category", "company", "contact", "creator", "department", "director",
                           "file", "publisher", "seller", "store", "supplier", "user", "vendor"})  # fmt: skip
"""Words in the names of columns that name something else than the item itself."""

GENERIC_WORDS = frozenset({
    "all", "bx", "catalog", "catalogue", "clean", "cleaned", "csv", "data", "dataset", "db", "detail", "details", "dim",
    "export", "fact", "feature", "features", "final", "full", "info", "information", "latest", "list", "meta",
    "metadata", "new", "processed", "properties", "raw", "sample", "small", "table", "tbl", "test", "train",
})  # fmt: skip
"""Words in the names of files that do not say what is in them."""

_IRREGULAR = {"people": "person", "children": "child", "series": "series", "news": "news", "anime": "anime",
              "movies": "movie", "cookies": "cookie", "games": "game", "wines": "wine", "recipes": "recipe",
              "purchases": "purchase", "houses": "house", "courses": "course", "articles": "article",
              "analyses": "analysis", "shoes": "shoe"}  # fmt: skip


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: ``movieId``, ``movie_id`` and ``movie-ID`` are ``("movie", "id")``."""
    spaced = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3 \2\4", name)
    found: list[str] = []
    for word in re.findall(r"[^\W_]+", spaced.lower()):
        end = next((end for end in ("id", "name", *ENDS) if word.endswith(end)), "")
        stem = word.removesuffix(end)
        is_compound = end and word not in USER_WORDS and english(stem) in USER_WORDS | ITEM_WORDS
        found += [stem, ENDS.get(end, end)] if is_compound else [word]
    return tuple(found)


def is_nameless(column: str) -> bool:
    """True for a column that only has a number, as in files without a header line."""
    return re.fullmatch(r"(column)?\d+", column) is not None


def singular(word: str) -> str:
    """The singular of an English noun, or the word itself."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(ss|sh|ch|x|z)es$", word):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def english(word: str) -> str:
    """A word of another language in English; the singular of all others."""
    return ENGLISH.get(word) or ENGLISH.get(singular(word)) or singular(word)


def plural(word: str) -> str:
    """The plural of an English noun."""
    for many, one in _IRREGULAR.items():
        if word == one:
            return many
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    if re.search(r"(s|sh|ch|x|z)$", word):
        return word + "es"
    return word + "s"


def has_word(name: str, wanted: Collection[str]) -> bool:
    """True if one of the words of a name, its singular or what it is in English is wanted."""
    return any(word in wanted or singular(word) in wanted or english(word) in wanted for word in words_of(name))


def noun_of(name: str) -> str | None:
    """The noun in the name of a file or of a column of IDs; None where it says nothing."""
    kept = [word for word in words_of(name) if word not in GENERIC_WORDS | ID_WORDS and not word.isdigit()]
    return singular(kept[-1]) if kept else None


def field_name(column: str, taken: Collection[str], prefix: str) -> str:
    """A name for the field of a column, which no other field has. What MongoDB adds to names is left out.

    Args:
        prefix: A word put before names that the program itself uses, or that begin with a digit.
    """
    name = "_".join(words_of(re.sub(r"\.\$\w+$", "", column)))[:40].rstrip("_")
    name = re.sub(r"[^a-z0-9_]", "", name)
    if not name or not name[0].isalpha() or name in RESERVED_NAMES:
        name = f"{prefix}_{name}"[:40].rstrip("_")
    number, chosen = 2, name
    while chosen in taken or chosen in RESERVED_NAMES:
        chosen, number = f"{name[:36]}_{number}", number + 1
    return chosen
