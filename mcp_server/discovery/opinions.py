"""Opinions on a scale that are no plain numbers: stars, shares such as 4/5, numbers with a word, yes or no."""

import re
from dataclasses import dataclass

from mcp_server.discovery.profiles import MOST_COMMON, Profile
from mcp_server.discovery.sql_names import plain_name
from mcp_server.discovery.words import has_word
from mcp_server.reading.kinds import TRUE
from mcp_server.reading.sql_text import text_literal

OPINION_WORDS = frozenset({"bought", "click", "clicked", "enjoyed", "favorite", "favorited", "favourite", "interested",
                           "isclick", "like", "liked", "positive", "purchased", "recommend", "recommended", "relevant",
                           "satisfied", "thumb", "upvote", "upvoted"})  # fmt: skip
"""Words in the names of columns that say yes or no to an item."""

_STARS = re.compile("([★⭐🌟*]\ufe0f?)*[☆✩]*")

_SHARE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:/|of|out of)\s*(\d+)")

_WITH_WORD = re.compile(
    r"(\d+(?:[.,]\d+)?)\s*[- ]?\s*(?:stars?|points?|pts\.?|sterne?|étoiles?|estrellas?|stelle?)", re.I
)


@dataclass(frozen=True)
class Scale:
    """A column of opinions as numbers."""

    sql: str
    """DuckDB's SQL for the number."""
    least: float
    """The worst that can be said."""
    greatest: float
    values: tuple[float, ...]
    """Those that occur, in ascending order."""


def scale_of(column: Profile) -> Scale | None:
    """The scale of a column; None for plain numbers and for what is no opinion."""
    if column.n_distinct > MOST_COMMON or column.n_distinct < 2:
        return None
    texts = [value for value, _ in column.common]
    return next(
        (scale for make in (_of_stars, _of_shares, _of_words, _of_booleans) if (scale := make(column, texts))), None
    )


def _of_stars(column: Profile, texts: list[str]) -> Scale | None:
    if not all(_STARS.fullmatch(text) for text in texts):
        return None
    name = plain_name(column.name)
    filled = [float(len(re.sub("[^★⭐🌟*]", "", text))) for text in texts]
    longest = max(len(re.sub("[^★⭐🌟*☆✩]", "", text)) for text in texts)
    sql = f"length(regexp_replace({name}, '[^★⭐🌟*]', '', 'g'))"
    return Scale(sql, min(1.0, *filled), float(longest), tuple(sorted(filled)))


def _of_shares(column: Profile, texts: list[str]) -> Scale | None:
    found = [_SHARE.fullmatch(text) for text in texts]
    wholes = {match[2] for match in found if match}
    if not all(found) or len(wholes) != 1:
        return None
    values = [_number(match[1]) for match in found if match]
    whole = float(wholes.pop())
    return (
        Scale(_leading_number(column), min(1.0, *values), whole, tuple(sorted(values)))
        if max(values) <= whole
        else None
    )


def _of_words(column: Profile, texts: list[str]) -> Scale | None:
    found = [_WITH_WORD.fullmatch(text) for text in texts]
    if not all(found):
        return None
    values = [_number(match[1]) for match in found if match]
    return Scale(_leading_number(column), min(values), max(values), tuple(sorted(values)))


def _of_booleans(column: Profile, texts: list[str]) -> Scale | None:
    is_named = has_word(column.name, OPINION_WORDS)
    if not is_named or column.share_booleans < 1.0 or len({text.lower() for text in texts}) != 2:
        return None
    value = f"lower(CAST({plain_name(column.name)} AS VARCHAR))"
    yes = sorted({text.lower() for text in texts if text.lower() in TRUE})
    no = sorted({text.lower() for text in texts} - set(yes))
    listed = [", ".join(map(text_literal, words)) for words in (yes, no)]
    if not all(listed):
        return None
    return Scale(
        f"CASE WHEN {value} IN ({listed[0]}) THEN 1 WHEN {value} IN ({listed[1]}) THEN 0 END", 0.0, 1.0, (0.0, 1.0)
    )


def _leading_number(column: Profile) -> str:
    found = f"regexp_extract({plain_name(column.name)}, '^[0-9]+([.,][0-9]+)?')"
    return f"TRY_CAST(replace({found}, ',', '.') AS DOUBLE)"


def _number(text: str) -> float:
    return float(text.replace(",", "."))
