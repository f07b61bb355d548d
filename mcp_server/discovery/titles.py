"""The title of items: the text by which people know one, and the year that may be in it."""

import re
from collections.abc import Sequence

from mcp_server.discovery.profiles import Profile
from mcp_server.discovery.questions import Choose, Question
from mcp_server.discovery.words import CONTACT_WORDS, ID_WORDS, english, has_word, is_nameless, words_of

YEAR_IN_TITLE = r"\((\d{4})\)\s*$"

LEAST_SCORE = 4.0

CLOSE = 0.6
"""Difference of scores below which the user is asked."""


def choose_title(columns: Sequence[Profile], table: str, noun: str, choose: Choose) -> Profile | None:
    """The column with the titles of items; None where no column looks like one."""
    scored = sorted(((_score(column, noun), column) for column in columns), key=lambda each: -each[0])
    likely = [(score, column) for score, column in scored if score >= LEAST_SCORE]
    if not likely:
        likely = [(0.0, column) for column in columns if is_nameless(column.name) and _reads_like_title(column)]
    if not likely:
        return None
    best = likely[0][0]
    close = [column for score, column in likely if best - score < CLOSE]
    if len(close) == 1:
        return close[0]
    answer = choose(
        Question(
            key="title",
            text=f"Which column of {table} has the title by which people know a {noun}?",
            choices={column.name: f"such as {', '.join(column.examples)}" for column in close},
            default=close[0].name,
        )
    )
    return next(column for column in close if column.name == answer)


def _score(column: Profile, noun: str) -> float:
    if column.share_urls > 0.3 or column.share_numbers > 0.5 or column.share_lists + column.share_objects > 0.1:
        return 0.0
    words = tuple(map(english, words_of(column.name)))
    score = 4.0 * ("title" in words) + 3.5 * ("name" in words) + 2 * bool({"description", "label"} & set(words))
    score += 1.5 * (words in (("title",), ("name",), (noun,), (noun, "title"), (noun, "name")))
    score += 2 * column.n_distinct / max(column.n_known, 1) + 2 * column.known_share
    score -= 2 * has_word(column.name, {"original", "short", "sub", "sort", "seo", "url"} | CONTACT_WORDS)
    score -= 3 * has_word(column.name, ID_WORDS)
    score -= 3 * (column.mean_words > 15) + 3 * (column.mean_length < 2)
    return score


def _reads_like_title(column: Profile) -> bool:
    """True for a column of short texts that are mostly different."""
    is_text = column.share_numbers < 0.2 and column.share_urls < 0.3 and column.share_lists + column.share_objects < 0.1
    is_list = column.separated.get("|", 0.0) > 0.1
    return is_text and not is_list and 1.2 < column.mean_words < 15 and column.n_distinct > 0.5 * column.n_known


def has_year(column: Profile) -> bool:
    """True if most titles end in a year, as in "Toy Story (1995)"."""
    titles = [value for value, _ in column.common]
    return bool(titles) and sum(re.search(YEAR_IN_TITLE, title) is not None for title in titles) > 0.6 * len(titles)
