"""The grading of answers: right or wrong, by the truth of each question.

A text is read strictly. What it names first, or in its list, is its answer; an answer that leaves a choice ("5 or 6")
is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mcp_server.questions.answer_texts import AnswerTexts, Given, is_one_of
from mcp_server.questions.ledger import Ledger
from mcp_server.questions.refusals import asks_back, says_there_is_none
from mcp_server.questions.truth import ListTruth, NamesTruth, NumberTruth, Question, RefusalTruth
from mcp_server.types import Id
from recsys_shared.answers import Answer

MOST_SHOWN = 8
"""IDs that an explanation names."""


@dataclass(frozen=True)
class Verdict:
    """A graded answer."""

    question: Question
    answer: Answer | None
    """None where there is no answer to the question."""
    why: str | None
    """The fault of it; None if it is right."""

    @property
    def is_right(self) -> bool:
        return self.why is None


class Grader:
    """Grades answers about one catalogue.

    Args:
        ledger: The records that the questions were made of.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._texts = ledger, AnswerTexts(ledger)

    def grade(self, question: Question, answer: Answer | None) -> Verdict:
        """Tell whether an answer is right, and if not, why."""
        if answer is None:
            return Verdict(question, None, "no answer")
        if answer.error is not None:
            return Verdict(question, answer, answer.error)
        match question.truth:
            case NumberTruth() as truth:
                why = self._number(question, truth, answer)
            case NamesTruth() as truth:
                why = self._names(question, truth, answer)
            case ListTruth() as truth:
                why = self._list(question, truth, answer)
            case RefusalTruth() as truth:
                why = self._refusal(question, truth, answer)
        return Verdict(question, answer, why)

    def _number(self, question: Question, truth: NumberTruth, answer: Answer) -> str | None:
        expected = " or ".join(f"{value:,.10g}" for value in truth.values) + ("%" if truth.percent else "")
        if answer.number is not None:
            right = is_one_of(truth, [answer.number])
            return None if right else f"{expected} was expected, not {answer.number:,.10g}"
        numeral = self._texts.number(answer.answer, question, truth)
        if numeral is None:
            return f"{expected} was expected; the text does not say so"
        if not is_one_of(truth, numeral.readings):
            return f"{expected} was expected, not {numeral}"
        if numeral.is_alternative or numeral.to:
            return f"{expected} was expected, and no other beside it"
        return None

    def _names(self, question: Question, truth: NamesTruth, answer: Answer) -> str | None:
        if answer.names is not None:
            given = Given([frozenset([name]) for name in answer.names], len(answer.names) > 1)
        else:
            given = self._texts.names(answer.answer, question, truth)
        names = [_folded(str(key)) for keys in given.things for key in keys]
        right = {_folded(name) for name in truth.names}
        is_first = not right.isdisjoint(names[:1]) and not given.is_several
        is_right = set(names) == right if truth.whole else is_first
        instead = f", not {', '.join(names[:MOST_SHOWN])}" if names else "; the answer does not say so"
        return None if is_right else f"{', '.join(truth.names)} was expected{instead}"

    def _list(self, question: Question, truth: ListTruth, answer: Answer) -> str | None:
        values = answer.items if truth.part == "items" else answer.users
        if values is None:
            return self._check(truth, self._texts.listed(answer.answer, question, truth))
        known = self._position_of.keys() if truth.part == "items" else self._users
        return self._check(truth, Given([frozenset([each]) & known for each in values], len(values) > 1))

    def _check(self, truth: ListTruth, given: Given) -> str | None:
        nouns, things = self._ledger.spec.nouns, given.things
        noun = nouns.items if truth.part == "items" else nouns.users
        if not things:
            expected = _ids(truth.first or truth.all_of) if truth.first or truth.all_of else f"a list of {truth.count}"
            return f"{expected} was expected; the answer names no {noun}"
        if not all(things):
            return f"the answer names {noun} that do not exist, or a title beside the ID of another"
        if missing := [each for each in truth.all_of if not any(each in keys for keys in things)]:
            return f"{_ids(missing)} is missing"
        allowed, none_of = None if truth.allowed is None else set(truth.allowed), set(truth.none_of)
        for keys in things:
            if allowed is not None and not keys & allowed:
                return f"{_ids(sorted(keys, key=str))} does not belong there"
            if keys <= none_of:
                return f"{_ids(sorted(keys, key=str))} must not be named"
        n_given = len({self._same(keys, truth.part) for keys in things})
        if truth.count is not None and n_given != truth.count:
            return f"{truth.count} {noun} were expected, not {n_given}"
        if truth.first and not things[0] & set(truth.first):
            return f"{_ids(truth.first)} was expected first"
        if truth.first and truth.count is None and given.is_several:
            return f"{_ids(truth.first)} was expected, and no other beside it"
        return None

    def _refusal(self, question: Question, truth: RefusalTruth, answer: Answer) -> str | None:
        expected = "to be asked back" if truth.asks_back else "to be told that there is no such thing"
        if answer.items or answer.users or answer.number or (answer.names and not truth.may_suggest):
            return f"{expected} was expected, not an answer"
        if not truth.may_suggest and (claims := self._texts.claims(answer.answer, question)):
            return f"{expected} was expected, not {claims[0]}"
        if truth.asks_back:
            is_right = asks_back(answer.answer)
        else:
            nouns = self._ledger.spec.nouns
            is_right = says_there_is_none(answer.answer, [nouns.item, nouns.items], [nouns.user, nouns.users])
        return None if is_right else f"{expected} was expected; the text does not do so"

    @cached_property
    def _position_of(self) -> dict[Id, int]:
        return {identifier: position for position, identifier in enumerate(self._ledger.items.ids)}

    @cached_property
    def _users(self) -> frozenset[Id]:
        return frozenset(self._ledger.users.ids)

    def _same(self, keys: frozenset[Id], part: str) -> frozenset[Id]:
        """The same for items that are listed under several IDs."""
        if part == "users":
            return keys
        return frozenset(int(self._ledger.canonical[self._position_of[key]]) for key in keys)


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _ids(ids: Sequence[Id]) -> str:
    more = f" and {len(ids) - MOST_SHOWN} more" if len(ids) > MOST_SHOWN else ""
    return f"ID {', '.join(map(str, ids[:MOST_SHOWN]))}{more}"
