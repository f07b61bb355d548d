"""The texts of answers, read for one catalogue: the numbers, names, items and users that they give as the answer."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mcp_server.questions.conjunctions import between_names
from mcp_server.questions.ledger import Ledger
from mcp_server.questions.mentions import Identifiers, Mention, Names, first_of_lines, merge
from mcp_server.questions.numerals import Numeral, find_numerals
from mcp_server.questions.truth import ListTruth, NamesTruth, NumberTruth, Question
from mcp_server.types import Id

_ITEM_WORDS = ("item", "items", "entry", "entries")
_USER_WORDS = ("user", "users", "nutzer", "utilisateur", "usuario", "utente", "utilizador", "gebruiker")

_GROUP_WORDS = {
    "female": ("woman", "women"),
    "male": ("man", "men"),
    "teenager": ("teen", "teens"),
    "kid": ("child", "children"),
}
"""Usual words for groups, beside their names and the plurals of these."""

_QUOTED = re.compile(r'["“«„‘]\s*([^"”»“’]+?)\s*["”»“’]')

_YEAR_IN_BRACKETS = re.compile(r"\(\s*\d{4}\s*(?=[),])")

_YEARS = (1000, 2999)

ROUNDING = 1e-6
"""Largest difference of two numbers that are the same."""

_QUESTION = re.compile(r"[^.!?\n]*\?")


@dataclass(frozen=True)
class Given:
    """The things that a text gives as its answer."""

    things: list[frozenset[Id]]
    """Each in order: one key, or several where the text does not tell them apart; none for what does not exist."""
    is_several: bool
    """The first two are joined, as in "A or B"."""


class AnswerTexts:
    """Reads the texts of answers.

    Args:
        ledger: The records that the questions were made of.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, nouns = ledger, ledger.spec.nouns
        self._names: dict[tuple[str, str], Names] = {}
        one = "|".join(re.escape(noun) for noun in (nouns.item, nouns.user, "item", "user"))
        self._one_by_id = re.compile(rf"\b(?:{one})[ \t]+\d+\b", re.IGNORECASE)

    def number(self, text: str, question: Question, truth: NumberTruth) -> Numeral | None:
        """The number that a text gives as the answer: the first of its kind that is right, or that the question and the
        catalogue do not explain. None if there is none."""
        asked = _numbers_of(question)
        known = asked | self._sizes | set(truth.context)
        for numeral in _of_its_kind(truth, find_numerals(self._without_names(text, truth), question.language)):
            if is_one_of(truth, numeral.readings):
                return replace(numeral, to=numeral.to - asked)  # "a rating of 1 to 5 of them"
            if not numeral.readings & known:
                return numeral
        return None

    def names(self, text: str, question: Question, truth: NamesTruth) -> Given:
        """The values of a field that a text names."""
        text = _without_quoted(text, question.words, truth.names)
        is_title = truth.part == "items" and truth.field == self._ledger.spec.items.title
        names = self._names_of(truth.part, truth.field)
        mentions = names.find(text, marked=is_title) or names.find(text, marked=False)
        if not truth.whole:
            mentions = _without_options(mentions, text, question)
        return Given([mention.keys for mention in mentions], _are_joined(mentions, text, question))

    def listed(self, text: str, question: Question, truth: ListTruth) -> Given:
        """The items or users that a text names as its answer.

        In a text with a list or a table these are the first of each of its lines; the rest are remarks.
        """
        mentions = self._mentions(text, truth.part)
        in_lines = first_of_lines(text, mentions)
        if truth.part == "users" and not in_lines:
            in_lines = self._identifiers["users"].without_words(text)
        found = in_lines or [each for each in mentions if not each.keys or not each.keys & set(truth.about)]
        return Given([mention.keys for mention in found], _are_joined(found, text, question))

    def claims(self, text: str, question: Question) -> list[str]:
        """The items that a text names as if there were an answer, and numbers that neither the question nor the size of
        the catalogue explains. A question back is no claim.
        """
        text = _QUESTION.sub(" ", text)
        named = {key for mention in self._mentions(text, "items") for key in mention.keys}
        named -= set(self._ledger.items.ids[:1] + self._ledger.items.ids[-1:])
        columns = (self._ledger.items, self._ledger.users)
        ends = {float(each) for of in columns for each in of.ids[:1] + of.ids[-1:] if isinstance(each, int)}
        known = _numbers_of(question) | self._sizes | ends | {0.0}
        numbers = [each for each in find_numerals(text, question.language) if not each.readings & known]
        return [*(f"ID {key}" for key in named), *map(str, numbers)]

    @cached_property
    def _sizes(self) -> set[float]:
        """Numbers of the whole catalogue, of which others are parts."""
        ledger = self._ledger
        n_distinct = len(set(ledger.canonical.tolist()))
        return {float(n) for n in (len(ledger.items), n_distinct, len(ledger.users), len(ledger.user))}

    def _without_names(self, text: str, truth: NumberTruth) -> str:
        """A text without the numbers of names: IDs after a noun, titles of several words, years in brackets."""
        text = self._one_by_id.sub(" ", text)
        if not any(_YEARS[0] <= value <= _YEARS[1] for value in truth.values):
            text = _YEAR_IN_BRACKETS.sub(" ", text)
        for mention in reversed(self._titles.find(text, marked=True)):
            title = text[mention.begin : mention.end]
            if " " in title and re.search(r"\d", title):
                text = f"{text[: mention.begin]}{' ' * len(title)}{text[mention.end :]}"
        return text

    def _mentions(self, text: str, part: str) -> list[Mention]:
        found = self._identifiers[part].find(text)
        if part == "users":
            return found
        named = self._titles.find(text, marked=True)
        if not named and not found:
            named = self._titles.find(text, marked=False)
        return merge(named, found, text)

    @cached_property
    def _titles(self) -> Names:
        ids_of: dict[str, list[Id]] = {}
        for identifier, title in zip(self._ledger.items.ids, self._ledger.titles, strict=True):
            if title:
                ids_of.setdefault(title, []).append(identifier)
        return Names(ids_of)

    @cached_property
    def _identifiers(self) -> dict[str, Identifiers]:
        nouns = self._ledger.spec.nouns
        of_items, of_users = [nouns.item, nouns.items, *_ITEM_WORDS], [nouns.user, nouns.users, *_USER_WORDS]
        return {
            "items": Identifiers(self._ledger.items.ids, of_items, of_users),
            "users": Identifiers(self._ledger.users.ids, of_users, of_items),
        }

    def _names_of(self, part: str, field: str) -> Names:
        if (part, field) not in self._names:
            columns = self._ledger.items if part == "items" else self._ledger.users
            values = columns.terms[field].names if field in columns.terms else columns.texts[field]
            keys_of: dict[str, list[Id]] = {name: [name] for name in values if name}
            if part == "users":
                keys_of = _other_words(list(keys_of)) | keys_of
            self._names[part, field] = Names(keys_of)
        return self._names[part, field]


def is_one_of(truth: NumberTruth, readings: Collection[float]) -> bool:
    """True if a number, in one of its readings, is right."""
    return any(abs(reading - value) <= truth.tolerance + ROUNDING for reading in readings for value in truth.values)


def _numbers_of(question: Question) -> set[float]:
    found = find_numerals(question.words, question.language)
    return {reading for numeral in found for reading in numeral.readings}


def _of_its_kind(truth: NumberTruth, numerals: Sequence[Numeral]) -> list[Numeral]:
    """The numbers that could be the answer: percentages or not, whole or not, as the truth is. A text may say how many
    ratings a mean is of."""
    alike = [each for each in numerals if each.is_percent == truth.percent]
    if truth.percent:
        return alike
    if all(value.is_integer() for value in truth.values):
        return [each for each in alike if each.can_be_whole]
    return [each for each in alike if each.can_be_broken] or alike


def _without_options(mentions: list[Mention], text: str, question: Question) -> list[Mention]:
    """Mentions without those that a text joins at its beginning to choose among them: "Of women and men, women ..."."""
    n_options = 1
    while n_options < len(mentions) and _are_joined(mentions[n_options - 1 :], text, question):
        n_options += 1
    return mentions[n_options:] if 1 < n_options < len(mentions) else mentions


def _are_joined(mentions: Sequence[Mention], text: str, question: Question) -> bool:
    """True if the first two mentions are joined: "A or B"."""
    if len(mentions) < 2:
        return False
    between = text[mentions[0].end : mentions[1].begin]
    return between_names(question.language).fullmatch(between) is not None


def _other_words(groups: Sequence[str]) -> dict[str, list[Id]]:
    """Their plurals and usual words for some groups."""
    return {word: [name] for name in groups for word in (f"{name}s", *_GROUP_WORDS.get(name.casefold(), ()))}


def _without_quoted(text: str, question: str, names: Sequence[str]) -> str:
    """A text without the titles that the question quotes, in which words may be names of another field. A title that is
    itself one of the names, or a part of it, stays.
    """
    for found in _QUOTED.finditer(question):
        if not any(found[1] in name for name in names):
            text = text.replace(found[1], " " * len(found[1]))
    return text
