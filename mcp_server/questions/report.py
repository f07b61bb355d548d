"""The outcome of a grading, counted by family."""

import statistics
from collections.abc import Sequence

from pydantic import BaseModel

from mcp_server.questions.grading import Verdict


class Count(BaseModel, frozen=True):
    """The answers to the questions of a family, or to all."""

    family: str
    right: int
    questions: int
    unanswered: int
    """Questions without an answer, which count as wrong."""
    share: float
    """Right ones among all questions, in percent."""
    median_calls: float | None
    """None where no answer says how many calls of tools it took."""
    most_calls: int | None


class WrongAnswer(BaseModel, frozen=True):
    """An answer that is wrong, or missing."""

    id: str
    question: str
    why: str
    answer: str | None


class GradingReport(BaseModel, frozen=True):
    """All that is said of the answers of an assistant."""

    dataset: str
    seed: int
    families: list[Count]
    total: Count
    wrong: list[WrongAnswer]

    @classmethod
    def of(cls, dataset: str, seed: int, verdicts: Sequence[Verdict]) -> "GradingReport":
        """Count verdicts.

        Args:
            verdicts: At least one, those of a family together.
        """
        names = list(dict.fromkeys(verdict.question.family for verdict in verdicts))
        families = [_count(name, [each for each in verdicts if each.question.family == name]) for name in names]
        wrong = [
            WrongAnswer(
                id=verdict.question.id,
                question=verdict.question.words,
                why=verdict.why,
                answer=None if verdict.answer is None else verdict.answer.answer,
            )
            for verdict in verdicts
            if verdict.why is not None
        ]
        return cls(dataset=dataset, seed=seed, families=families, total=_count("all", verdicts), wrong=wrong)


def _count(family: str, verdicts: Sequence[Verdict]) -> Count:
    calls = [each.answer.calls for each in verdicts if each.answer is not None and each.answer.calls is not None]
    right = sum(each.is_right for each in verdicts)
    return Count(
        family=family,
        right=right,
        questions=len(verdicts),
        unanswered=sum(each.answer is None for each in verdicts),
        share=round(100 * right / len(verdicts), 1),
        median_calls=statistics.median(calls) if calls else None,
        most_calls=max(calls, default=None),
    )
