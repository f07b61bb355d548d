"""The interactions: which column says what a user thinks, what that means, and when it was."""

from collections.abc import Callable
from typing import Any

from mcp_server.discovery.field_kinds import UNDECIDED, time_format
from mcp_server.discovery.links import TIME_WORDS
from mcp_server.discovery.profiles import BOTH_MARKS, Profile
from mcp_server.discovery.proposal import InteractionsProposal, SourceProposal
from mcp_server.discovery.questions import Choose, Question
from mcp_server.discovery.roles import EVENT_WORDS, RATING_WORDS, Roles
from mcp_server.discovery.sources import can_query, query_source, whole_table
from mcp_server.discovery.sql_names import amount, plain_name, with_both_marks
from mcp_server.discovery.tables import FileOrigin
from mcp_server.discovery.words import has_word, is_nameless, words_of
from mcp_server.reading.feedback import COUNT_WORDS, MOST_RATING

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

_SCALES = ((0.5, 5), (1, 5), (0, 5), (1, 10), (0, 10), (0.5, 10), (1, 7), (1, 6), (1, 4), (1, 3), (0, 1), (-1, 1),
           (-10, 10), (0, 100), (1, 100))  # fmt: skip


class InteractionsFinder:
    """Proposes the interactions."""

    def __init__(self, roles: Roles, choose: Choose) -> None:
        self._roles, self._choose = roles, choose
        self._table = roles.interactions
        self._keys: dict[str, Any] = {"user": roles.user, "item": roles.item}
        self._why: dict[str, str] = {}
        self._where: list[str] = []

    def propose(self) -> InteractionsProposal:
        """The interactions of a dataset."""
        others = [
            each for name, each in self._table.columns.items() if name not in (self._roles.user, self._roles.item)
        ]
        self._feedback(others)
        self._time([each for each in others if each.name != self._keys.get("rating")])
        columns = [str(self._keys[key]) for key in ("user", "item", "rating", "timestamp") if key in self._keys]
        source = self._source(columns)
        if self._where:
            source.declared["where"] = " AND ".join(self._where)
        order = ("user", "item", "rating", "feedback", "weights", "rating_range", "like_threshold", "timestamp",
                 "timestamp_format")  # fmt: skip
        keys = {key: self._keys[key] for key in order if key in self._keys}
        return InteractionsProposal([source], keys, self._why)

    def _source(self, columns: list[str]) -> SourceProposal:
        why = f"{self._table.n_rows:,} rows"
        rating = self._table.columns.get(str(self._keys.get("rating")))
        is_query = isinstance(self._table.origin, FileOrigin) and can_query(self._table)
        if rating is None or rating.decimal != BOTH_MARKS or not is_query:
            return whole_table(self._table, columns, why)
        chosen = {column: column for column in columns} | {rating.name: with_both_marks(rating.name)}
        return query_source(self._table, chosen, f"{why}; {rating.name} has decimal points and decimal commas")

    # Feedback

    def _feedback(self, columns: list[Profile]) -> None:
        events = _first(columns, lambda each: _looks_like_events(each))
        ratings = _first(columns, lambda each: _is_number(each) and has_word(each.name, RATING_WORDS))
        counts = _first(columns, lambda each: _is_number(each) and has_word(each.name, COUNT_WORDS))
        unnamed = _first(columns, lambda each: _is_scale(each) and is_nameless(each.name))
        unnamed_counts = _first(columns, lambda each: _may_be_counts(each) and is_nameless(each.name))
        if ratings is not None:
            self._ratings(ratings)
        elif events is not None:
            self._events(events)
        elif counts is not None:
            self._counts(counts)
        elif unnamed is not None:
            self._ratings(unnamed)
        elif unnamed_counts is not None and self._are_counts(unnamed_counts):
            self._counts(unnamed_counts)
        else:
            self._keys["feedback"] = "likes"
            self._why["feedback"] = "no column says how much a user likes something, so every interaction is a like"

    def _ratings(self, column: Profile) -> None:
        least, greatest = column.least or 0.0, column.greatest or 0.0
        if greatest > MOST_RATING and column.n_distinct > 20:
            self._counts(column)
            return
        self._keys["rating"], self._keys["feedback"] = column.name, "ratings"
        shown = ", ".join(f"{value} ({n:,})" for value, n in column.common[:5])
        values = sorted(float(value.replace(",", ".")) for value, _ in column.common)
        above = [value for value in values if value > 0]
        if least in (0.0, -1.0) and above and min(above) >= 1 and greatest >= 4 and column.n_distinct <= 20:
            self._ask_no_rating(column, least, min(above))
            least = min(above) if self._where else least
        low, high = min(
            ((low, high) for low, high in _SCALES if low <= least and high == greatest and least - low <= 1),
            key=lambda scale: least - scale[0],
            default=(least, greatest),
        )
        self._keys["rating_range"] = [_plain(low), _plain(high)]
        self._why["rating"] = f"from {least:g} to {greatest:g}; most frequent: {shown}"
        self._keys["like_threshold"] = self._ask_threshold(column, low, high, values)

    def _ask_no_rating(self, column: Profile, least: float, lowest: float) -> None:
        answer = self._choose(
            Question(
                key="rows without a rating",
                text=f"Does {least:g} in the column {column.name} mean that there is no rating? All others are "
                f"{lowest:g} or more.",
                choices={"yes": "leave such rows out", "no": "it is the worst rating"},
                default="yes",
            )
        )
        if answer == "yes":
            self._where.append(f"{plain_name(column.name)} >= {lowest:g}")
            self._why["where"] = f"{column.name} {least:g} seems to mean that there is no rating"

    def _ask_threshold(self, column: Profile, low: float, high: float, values: list[float]) -> float | int:
        usual = high if high - low <= 2 else low + 0.7 * (high - low)
        default = _plain(min((value for value in values if value >= usual - 1e-9), default=high))
        answer = self._choose(
            Question(
                key="like threshold",
                text=f"From which value of {column.name} on does a user like something ({low:g} to {high:g})?",
                default=f"{default:g}",
                parse=_number_between(low, high),
            )
        )
        self._why["like_threshold"] = f"least value of {column.name} that counts as liking"
        return _plain(float(answer))

    def _are_counts(self, column: Profile) -> bool:
        span = f"from {amount(column.least)} to {amount(column.greatest)}"
        answer = self._choose(
            Question(
                key="what a column counts",
                text=f"Does {column.name} of {self._table.name}, {span}, say how often a user chose an item?",
                choices={"yes": "its numbers are counts, such as of plays", "no": "it says something else"},
                default="yes",
            )
        )
        return answer == "yes"

    def _counts(self, column: Profile) -> None:
        self._keys["rating"], self._keys["feedback"] = column.name, "counts"
        span = f"from {amount(column.least)} to {amount(column.greatest)}, most often around {amount(column.median)}"
        self._why["rating"] = f"{span}; the counts of a user for an item are added up"
        if column.n_negative:
            self._where = [f"{plain_name(column.name)} > 0"]
            self._why["where"] = f"{column.n_negative:,} counts are below 0, as of returns: they are left out"

    def _events(self, column: Profile) -> None:
        proposed = {name: weight_of(name) for name, _ in column.common}
        shown = ", ".join(f"{name} ({n:,})" for name, n in column.common[:8])
        default = ", ".join(f"{name}={weight:g}" for name, weight in proposed.items())
        answer = self._choose(
            Question(
                key="weights of events",
                text=f"How much does each event of {column.name} say for an item? Seen: {shown}",
                default=default,
                parse=parse_weights(set(proposed)),
            )
        )
        weights = parse_weights(set(proposed))(answer)
        self._keys |= {"rating": column.name, "feedback": "events", "weights": weights}
        self._why["weights"] = f"events: {shown}"
        if min(weights.values()) < STRONG <= max(weights.values()) and any(0 < w < STRONG for w in weights.values()):
            self._keys["like_threshold"] = int(STRONG)
            self._why["like_threshold"] = "sum of weights from which on a user likes an item: not for a single view"

    # Time

    def _time(self, columns: list[Profile]) -> None:
        named = [each for each in columns if has_word(each.name, TIME_WORDS)]
        for column in [*named, *(each for each in columns if each not in named)]:
            found = time_format(column, self._choose)
            if found is None and is_nameless(column.name) and _is_epoch(column):
                found = None, "seconds since 1970"
            if found is None:
                continue
            form, why = found
            if form == UNDECIDED:
                self._why["timestamp"] = f"the column {column.name} has times, but {why}: declare timestamp_format"
                continue
            self._keys["timestamp"] = column.name
            self._why["timestamp"] = why
            if form is not None:
                self._keys["timestamp_format"] = form
            return


def _first(columns: list[Profile], fits: Callable[[Profile], bool]) -> Profile | None:
    return next((column for column in columns if fits(column)), None)


def _is_number(column: Profile) -> bool:
    return column.share_numbers > 0.95 and not has_word(column.name, TIME_WORDS) and column.n_distinct > 1


def _is_scale(column: Profile) -> bool:
    return _is_number(column) and 2 <= column.n_distinct <= 20 and (column.greatest or 0) <= MOST_RATING


def _may_be_counts(column: Profile) -> bool:
    return _is_number(column) and column.share_whole == 1.0 and (column.least or 0) > 0 and not _is_epoch(column)


def _is_epoch(column: Profile) -> bool:
    return column.share_whole == 1.0 and 3e8 < (column.median or 0) < 1e10


def _looks_like_events(column: Profile) -> bool:
    if column.share_numbers > 0.1 or not 1 < column.n_distinct <= MOST_EVENTS or column.mean_words > 3:
        return False
    known = sum(weight_of(name, None) is not None for name, _ in column.common)
    return known >= column.n_distinct / 2 or (has_word(column.name, EVENT_WORDS) and known > 0)


def weight_of(event: str, otherwise: float | None = 1.0) -> float | None:
    """The usual weight of an event, by the words in its name."""
    words = words_of(event)
    found = [WEIGHTS[word] for word in words if word in WEIGHTS]
    found += [weight for word in words for name, weight in WEIGHTS.items() if len(name) > 3 and name in word]
    if any(weight < 0 for weight in found):
        return min(found)
    return max(found, default=otherwise)


def parse_weights(names: set[str]) -> Callable[[str], dict[str, float]]:
    """Reads weights such as ``view=1, buy=5`` for these events."""

    def parse(text: str) -> dict[str, float]:
        weights = {}
        for part in text.split(","):
            name, sign, amount = part.rpartition("=")
            if not sign or name.strip() not in names:
                raise ValueError(f"write a weight for each event, as in {sorted(names)[0]}=1")
            weights[name.strip()] = _plain(float(amount))
        if set(weights) != names or max(weights.values()) <= 0:
            raise ValueError(f"weights are needed for {', '.join(sorted(names))}, at least one of them above 0")
        return weights

    return parse


def _number_between(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g} was expected")
        return value

    return parse


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() else float(value)
