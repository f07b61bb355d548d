"""The interactions: which column says what a user thinks, what that means, and when it was."""

from collections.abc import Callable
from typing import Any

from mcp_server.discovery.field_kinds import UNDECIDED, time_format
from mcp_server.discovery.links import TIME_WORDS
from mcp_server.discovery.opinions import OPINION_WORDS, scale_of
from mcp_server.discovery.profiles import BOTH_MARKS, Profile
from mcp_server.discovery.proposal import InteractionsProposal, SourceProposal
from mcp_server.discovery.questions import Choose, Question, says_yes
from mcp_server.discovery.roles import RATING_WORDS, Roles
from mcp_server.discovery.sources import can_query, further_sources, query_source, steady_columns, whole_table
from mcp_server.discovery.sql_names import amount, plain_name, with_both_marks
from mcp_server.discovery.tables import FileOrigin
from mcp_server.discovery.times_of_deeds import is_epoch, is_named_time, rank_of_time
from mcp_server.discovery.weights import STRONG, looks_like_events, parse_weights, undone_of, weight_of
from mcp_server.discovery.words import has_word, is_nameless, words_of
from mcp_server.reading.feedback import COUNT_WORDS, MOST_RATING
from mcp_server.reading.session import Session
from mcp_server.reading.sql_text import text_literal

_SCALES = ((0.5, 5), (1, 5), (0, 5), (1, 10), (0, 10), (0.5, 10), (1, 7), (1, 6), (1, 4), (1, 3), (0, 1), (-1, 1),
           (-10, 10), (0, 100), (1, 100))  # fmt: skip

QUANTITY_WORDS = frozenset({"qty", "quantity", "units"})
"""Words of counts that are of a purchase, even if they never change for an item or a user."""


class InteractionsFinder:
    """Proposes the interactions."""

    def __init__(self, roles: Roles, session: Session, choose: Choose) -> None:
        self._roles, self._session, self._choose = roles, session, choose
        self._table = roles.interactions
        self._columns = [roles.user, roles.item]
        self._keys: dict[str, Any] = {"user": roles.user, "item": roles.item}
        self._why: dict[str, str] = {}
        self._where: list[str] = []
        self._reasons: list[str] = []

    def propose(self) -> InteractionsProposal:
        """The interactions of a dataset."""
        of_user, of_item = (steady_columns(self._session, self._table, key) for key in self._columns)
        others = [each for name, each in self._table.columns.items() if name not in self._columns]
        steady = of_user | of_item
        statuses = [each for each in others if undone_of(each) and each.name not in of_item | self._table.parts]
        for column in statuses:
            self._ask_undone(column)
        changing = [each for each in others if each.name not in steady or has_word(each.name, QUANTITY_WORDS)]
        self._feedback([each for each in changing if each not in statuses])
        of_row = [each for each in others if each.name not in of_item | set(self._columns)]
        self._time([each for each in of_row if each.name not in of_user or is_named_time(each)])
        source = self._source()
        if self._where:
            source.declared["where"] = " AND ".join(self._where)
            self._why["where"] = "; ".join(self._reasons)
        order = ("user", "item", "rating", "feedback", "weights", "rating_range", "like_threshold", "timestamp",
                 "timestamp_format")  # fmt: skip
        keys = {key: self._keys[key] for key in order if key in self._keys}
        sources = [source, *further_sources(self._table)]
        for each in sources[1:]:
            each.declared.update({"where": source.declared["where"]} if self._where else {})
        return InteractionsProposal(sources, keys, self._why, tuple(self._columns))

    def _source(self) -> SourceProposal:
        why, columns = f"{self._table.n_rows:,} rows", self._columns
        rating = self._table.columns.get(str(self._keys.get("rating")))
        is_query = isinstance(self._table.origin, FileOrigin) and can_query(self._table, *columns)
        if rating is None or rating.decimal != BOTH_MARKS or not is_query:
            return whole_table(self._table, columns, why)
        chosen = {column: column for column in columns} | {rating.name: with_both_marks(rating.name)}
        return query_source(self._table, chosen, f"{why}; {rating.name} has decimal points and decimal commas")

    def _ask_undone(self, column: Profile) -> None:
        undone = undone_of(column)
        listed = ", ".join(map(text_literal, undone))
        is_left_out = says_yes(
            self._choose,
            "rows that were undone",
            f"Shall rows whose {column.name} is {', '.join(undone)} be left out?",
            yes="they say nothing for an item",
            no="they count like all others",
        )
        if is_left_out:
            name = plain_name(column.name)
            self._where.append(f"({name} IS NULL OR {name} NOT IN ({listed}))")
            self._columns.append(column.name)
            self._reasons.append(f"rows whose {column.name} is {', '.join(undone)} are left out")

    # Feedback

    def _feedback(self, columns: list[Profile]) -> None:
        events = _first(columns, looks_like_events)
        ratings = min(filter(_looks_like_rating, columns), key=_rank_of_rating, default=None)
        scaled = _first(columns, lambda each: scale_of(each) is not None)
        counts = min(filter(_looks_like_counts, columns), key=lambda each: each.share_whole < 1.0, default=None)
        unnamed = _first(columns, lambda each: _is_scale(each) and is_nameless(each.name))
        unnamed_counts = _first(columns, lambda each: _may_be_counts(each) and is_nameless(each.name))
        if ratings is not None:
            self._ratings(ratings)
        elif scaled is not None:
            self._scaled(scaled)
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

    def _use(self, column: Profile, feedback: str, sql: str | None = None) -> None:
        """Declare the column of feedback, or an expression of it."""
        self._keys |= {"rating": sql or column.name, "feedback": feedback}
        self._columns.append(column.name)

    def _ratings(self, column: Profile) -> None:
        least, greatest = column.least or 0.0, column.greatest or 0.0
        if greatest > MOST_RATING and column.n_distinct > 20:
            self._counts(column)
            return
        self._use(column, "ratings")
        values = sorted(value for text, _ in column.common if (value := _number(text)) is not None)
        above = [value for value in values if value > 0]
        if least in (0.0, -1.0) and above and min(above) >= 1 and greatest >= 4 and column.n_distinct <= 20:
            is_left_out = self._ask_no_rating(column, least, min(above))
            least = min(above) if is_left_out else least
        self._on_scale(column, least, greatest, values)

    def _scaled(self, column: Profile) -> None:
        scale = scale_of(column)
        assert scale is not None
        self._use(column, "ratings", scale.sql)
        self._on_scale(column, scale.least, scale.greatest, list(scale.values))

    def _on_scale(self, column: Profile, least: float, greatest: float, values: list[float]) -> None:
        shown = ", ".join(f"{value} ({n:,})" for value, n in column.common[:5])
        low, high = min(
            ((low, high) for low, high in _SCALES if low <= least and high == greatest and least - low <= 1),
            key=lambda scale: least - scale[0],
            default=(least, greatest),
        )
        self._keys["rating_range"] = [_plain(low), _plain(high)]
        self._why["rating"] = f"from {least:g} to {greatest:g}; most frequent: {shown}"
        self._keys["like_threshold"] = self._ask_threshold(column, low, high, values)

    def _ask_no_rating(self, column: Profile, least: float, lowest: float) -> bool:
        """True if rows with the least value are left out."""
        is_left_out = says_yes(
            self._choose,
            "rows without a rating",
            f"Does {least:g} in the column {column.name} mean that there is no rating? All others are {lowest:g} or "
            "more.",
            yes="leave such rows out",
            no="it is the worst rating",
        )
        if is_left_out:
            self._where.append(f"{plain_name(column.name)} >= {lowest:g}")
            self._reasons.append(f"{column.name} {least:g} seems to mean that there is no rating")
        return is_left_out

    def _ask_threshold(self, column: Profile, low: float, high: float, values: list[float]) -> float | int:
        usual = high if high - low <= 2 else low + 0.7 * (high - low)
        default = _plain(min((value for value in values if value >= usual - 1e-9), default=max(values)))
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
        return says_yes(
            self._choose,
            "what a column counts",
            f"Does {column.name} of {self._table.name}, {span}, say how often a user chose an item?",
            yes="its numbers are counts, such as of plays",
            no="it says something else",
        )

    def _counts(self, column: Profile) -> None:
        self._use(column, "counts")
        span = f"from {amount(column.least)} to {amount(column.greatest)}, most often around {amount(column.median)}"
        self._why["rating"] = f"{span}; the counts of a user for an item are added up"
        if column.n_negative:
            self._where.append(f"{plain_name(column.name)} > 0")
            self._reasons.append(f"{column.n_negative:,} counts are below 0, as of returns: they are left out")

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
        weights = {name: _plain(weight) for name, weight in parse_weights(set(proposed))(answer).items()}
        self._use(column, "events")
        self._keys["weights"] = weights
        self._why["weights"] = f"events: {shown}"
        if min(weights.values()) < STRONG <= max(weights.values()) and any(0 < w < STRONG for w in weights.values()):
            self._keys["like_threshold"] = int(STRONG)
            self._why["like_threshold"] = "sum of weights from which on a user likes an item: not for a single view"

    # Time

    def _time(self, columns: list[Profile]) -> None:
        for column in sorted(columns, key=rank_of_time):
            found = time_format(column, self._choose)
            if found is None and is_nameless(column.name) and is_epoch(column):
                found = None, "seconds since 1970"
            if found is None:
                continue
            form, why = found
            if form == UNDECIDED:
                self._why["timestamp"] = f"the column {column.name} has times, but {why}: declare timestamp_format"
                continue
            self._keys["timestamp"] = column.name
            self._columns.append(column.name)
            self._why["timestamp"] = why
            if form is not None:
                self._keys["timestamp_format"] = form
            return


def _first(columns: list[Profile], fits: Callable[[Profile], bool]) -> Profile | None:
    return next((column for column in columns if fits(column)), None)


def _is_number(column: Profile) -> bool:
    return column.share_numbers > 0.95 and not has_word(column.name, TIME_WORDS) and column.n_distinct > 1


def _looks_like_rating(column: Profile) -> bool:
    is_vote = has_word(column.name, OPINION_WORDS) and column.n_distinct <= 3 and (column.greatest or 0) <= 1
    return _is_number(column) and (has_word(column.name, RATING_WORDS) or is_vote)


def _rank_of_rating(column: Profile) -> tuple[bool, int]:
    """Ratings of the whole before those of a part: numbers of votes last, then the shortest name first."""
    return has_word(column.name, COUNT_WORDS | {"helpful"}), len(words_of(column.name))


def _looks_like_counts(column: Profile) -> bool:
    words = words_of(column.name)
    is_place = len(words) > 1 and words[-1] in ("n", "no", "num", "number")  # of an order, among those of a user
    return _is_number(column) and has_word(column.name, COUNT_WORDS) and not is_place


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _is_scale(column: Profile) -> bool:
    return _is_number(column) and 2 <= column.n_distinct <= 20 and (column.greatest or 0) <= MOST_RATING


def _may_be_counts(column: Profile) -> bool:
    return _is_number(column) and column.share_whole == 1.0 and (column.least or 0) > 0 and not is_epoch(column)


def _number_between(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g} was expected")
        return value

    return parse


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() else float(value)
