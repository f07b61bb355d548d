"""The writing of questions: so many of each family, drawn from a catalogue by a seed."""

import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcp_server.questions.draw import Draft, Draw, NothingFitsError, Template
from mcp_server.questions.families import (
    filters,
    follow_ups,
    history,
    languages,
    lookup,
    negative,
    popularity,
    recommendation,
    search,
    statistics,
)
from mcp_server.questions.ledger import Ledger
from mcp_server.questions.sentences import KnownSentence
from mcp_server.questions.truth import NumberTruth, Question

MOST_ROUNDS = 40
"""Times in a row that a template may find nothing to ask about before it is given up."""

DIGITS = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True)
class Family:
    """A kind of questions: its templates, which take turns, and how many questions it has."""

    name: str
    templates: Sequence[Template]
    n: int


FAMILIES = (
    Family("lookup", lookup.TEMPLATES, 12),
    Family("filter", filters.FILTER, 12),
    Family("exclusion", filters.EXCLUSION, 8),
    Family("counting", filters.COUNTING, 10),
    Family("popular", popularity.POPULAR, 12),
    Family("history", history.TEMPLATES, 16),
    Family("liking", popularity.LIKING, 8),
    Family("statistics", statistics.TEMPLATES, 16),
    Family("recommendation", recommendation.RECOMMENDATION, 10),
    Family("two_users", recommendation.TWO_USERS, 4),
    Family("search", search.TEMPLATES, 8),
    Family("similar", recommendation.SIMILAR, 4),
    Family("audience", recommendation.AUDIENCE, 6),
    Family("negative", negative.TEMPLATES, 12),
    Family("languages", languages.TEMPLATES, 12),
    Family("follow_up", follow_ups.TEMPLATES, 8),
)
"""All families. A catalogue has no questions of those that it lacks the data for."""


def write_questions(ledger: Ledger, sentences: Sequence[KnownSentence], family: Family, seed: int) -> list[Question]:
    """The questions of a family: the same ones for the same catalogue and seed, whatever other families there are."""
    rng = np.random.default_rng([seed, zlib.crc32(family.name.encode())])
    draw = Draw(ledger, sentences, rng)
    known: set[str] = set()
    written: list[Question] = []
    n_misses: dict[Template, int] = dict.fromkeys(family.templates, 0)
    while len(written) < family.n and min(n_misses.values()) < MOST_ROUNDS:
        for template in family.templates:
            if len(written) == family.n or n_misses[template] >= MOST_ROUNDS:
                continue
            draft = _try(template, draw)
            if draft is None or _text(draft) in known:
                n_misses[template] += 1
                continue
            n_misses[template] = 0
            known.add(_text(draft))
            written.append(_question(draft, family.name, len(written) + 1))
    return written


def choose(questions: Sequence[Question], n: int) -> list[Question]:
    """The first n questions if families take turns, in the order that they had."""
    turns = Counter[str]()
    turn_of: dict[str, int] = {}
    for question in questions:
        turn_of[question.id] = turns[question.family]
        turns[question.family] += 1
    chosen = {question.id for question in sorted(questions, key=lambda each: turn_of[each.id])[:n]}
    return [question for question in questions if question.id in chosen]


def _try(template: Template, draw: Draw) -> Draft | None:
    """A draft, if the draw had luck and the question does not give its answer away."""
    try:
        draft = template(draw)
    except NothingFitsError:
        return None
    if isinstance(draft.truth, NumberTruth):
        named = {_number(found) for found in DIGITS.findall(_text(draft))}
        if named & set(draft.truth.values):
            return None
    return draft


def _number(text: str) -> float:
    return float(text.replace(",", "").rstrip(".") if text.count(".") <= 1 else "nan")


def _text(draft: Draft) -> str:
    return draft.words if isinstance(draft.words, str) else "\n".join(draft.words)


def _question(draft: Draft, family: str, number: int) -> Question:
    digest = hashlib.sha256(_text(draft).encode()).hexdigest()[:6]
    return Question(
        id=f"{family}-{number:02}-{digest}",
        family=family,
        language=draft.language,
        question=draft.words if isinstance(draft.words, str) else None,
        turns=None if isinstance(draft.words, str) else draft.words,
        truth=draft.truth,
        calls=draft.calls,
    )
