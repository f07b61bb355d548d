"""Weights of events, and of opinions in words, by what their names say."""

import re
from collections.abc import Callable

from mcp_server.discovery.profiles import Profile
from mcp_server.discovery.roles import EVENT_WORDS
from mcp_server.discovery.words import has_word, words_of

MOST_EVENTS = 30

WEIGHTS = {
    "view": 1.0, "click": 1.0, "visit": 1.0, "open": 1.0, "impression": 0.0, "show": 0.0, "search": 0.0,
    "play": 2.0, "listen": 2.0, "watch": 2.0, "read": 2.0, "rate": 2.0, "comment": 2.0, "follow": 3.0,
    "cart": 3.0, "basket": 3.0, "wishlist": 3.0, "favorite": 3.0, "favourite": 3.0, "bookmark": 3.0, "save": 3.0,
    "like": 4.0, "share": 4.0, "download": 4.0, "install": 4.0, "complete": 4.0, "finish": 4.0, "subscribe": 4.0,
    "buy": 5.0, "purchase": 5.0, "order": 5.0, "transaction": 5.0, "checkout": 5.0, "pay": 5.0, "book": 5.0,
    "rent": 5.0, "borrow": 5.0, "loan": 5.0, "sale": 5.0,
    "skip": -1.0, "remove": -2.0, "delete": -2.0, "dislike": -4.0, "hide": -4.0, "unlike": -4.0,
    "return": -5.0, "refund": -5.0, "cancel": -5.0, "uninstall": -4.0, "unsubscribe": -4.0,
}  # fmt: skip
"""Weights of events by the words in their names."""

STRONG = 3.0
"""Weight from which on an event means liking, where there are weaker ones."""

OPINIONS = {
    "excellent": 5.0, "amazing": 5.0, "perfect": 5.0, "love": 5.0, "loved": 5.0, "outstanding": 5.0, "superb": 5.0,
    "great": 4.0, "good": 4.0, "liked": 4.0, "positive": 4.0, "recommended": 4.0, "satisfied": 4.0, "enjoyed": 4.0,
    "ok": 1.0, "okay": 1.0, "average": 1.0, "fair": 1.0, "neutral": 0.0, "mixed": 0.0, "mediocre": -1.0,
    "boring": -2.0, "bad": -3.0, "poor": -3.0, "disappointing": -3.0, "disappointed": -3.0, "dissatisfied": -4.0,
    "negative": -4.0, "disliked": -4.0, "awful": -5.0, "horrible": -5.0, "terrible": -5.0, "worst": -5.0, "hate": -5.0,
    "hated": -5.0,
}  # fmt: skip
"""Weights of opinions by the words in their names."""

STATUS_WORDS = frozenset({"state", "status"})

UNDONE_WORDS = frozenset({"abandoned", "canceled", "cancelled", "declined", "deleted", "draft", "expired", "failed",
                          "refunded", "rejected", "returned", "reversed", "unpaid", "void", "voided"})  # fmt: skip
"""Words in the status of a purchase or a loan that has not taken place, or was taken back."""

_WEIGHT = re.compile(r"\s*(.+?)\s*=\s*([+-]?\d+(?:\.\d+)?)\s*(?:,|$)")

NOT_WORDS = frozenset({"don", "didn", "no", "not"})
"""Words that turn an opinion into its opposite."""


def looks_like_events(column: Profile) -> bool:
    """True for a column of a few names, of which most are known as events or as opinions."""
    if column.share_numbers > 0.1 or not 1 < column.n_distinct <= MOST_EVENTS or column.mean_words > 3:
        return False
    known = sum(weight_of(name, None) is not None for name, _ in column.common)
    return known >= column.n_distinct / 2 or (has_word(column.name, EVENT_WORDS) and known > 0)


def undone_of(column: Profile) -> list[str]:
    """The values of a status that say that a row does not count; none if all say so, or the column is no status."""
    if not has_word(column.name, STATUS_WORDS) or not 1 < column.n_distinct <= MOST_EVENTS:
        return []
    found = [value for value, _ in column.common if UNDONE_WORDS & set(words_of(value))]
    return sorted(found) if len(found) < column.n_distinct else []


def weight_of(event: str, otherwise: float | None = 1.0) -> float | None:
    """The usual weight of an event or of an opinion, by the words in its name."""
    words = words_of(event)
    found = [known[word] for known in (WEIGHTS, OPINIONS) for word in words if word in known]
    if found and NOT_WORDS & set(words):
        return -abs(max(found, key=abs))
    found += [weight for word in words for name, weight in WEIGHTS.items() if len(name) > 3 and name in word]
    if any(weight < 0 for weight in found):
        return min(found)
    return max(found, default=otherwise)


def parse_weights(names: set[str]) -> Callable[[str], dict[str, float]]:
    """Reads weights such as ``view=1, buy=5`` for these events."""

    def parse(text: str) -> dict[str, float]:
        found = {name.strip(): float(amount) for name, amount in _WEIGHT.findall(text)}
        if _WEIGHT.sub("", text).strip() or not set(found) <= names:
            raise ValueError(f"write a weight for each event, as in {sorted(names)[0]}=1")
        if set(found) != names or max(found.values()) <= 0:
            raise ValueError(f"weights are needed for {', '.join(sorted(names))}, at least one of them above 0")
        return found

    return parse
