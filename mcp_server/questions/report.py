"""The outcome of a grading, counted by family."""

import statistics
from collections.abc import Sequence

from pydantic import BaseModel

from mcp_server.questions.grading import Verdict
from recsys_shared.answers import Step

CONFIDENCE = 0.95


class Count(BaseModel, frozen=True):
    """The answers to the questions of a family, or to all. Figures that no answer has given are None."""

    family: str
    right: int
    questions: int
    unanswered: int
    """Questions without an answer, which count as wrong."""
    errors: int
    """Questions that were asked and brought an error; they are unanswered, too."""
    share: float
    """Right ones among all questions, in percent."""
    interval: tuple[float, float]
    """Wilson's 95% interval of the share, in percent."""
    median_calls: float | None
    most_calls: int | None
    failed_calls: int
    median_seconds: float | None
    tokens_in: float | None
    """Mean of the tokens that an assistant reads for an answer, those in a provider's cache included."""
    tokens_out: float | None
    dollars: float | None
    """The cost of all answers; None if it is not known for each of them."""
    remarked: int
    """Answers of which the program around the assistant had something to say."""


class WrongAnswer(BaseModel, frozen=True):
    """An answer that is wrong, or missing."""

    id: str
    family: str
    question: str
    why: str
    answer: str | None
    steps: list[Step]
    remarks: list[str]


class GradingReport(BaseModel, frozen=True):
    """All that is said of the answers of an assistant."""

    dataset: str
    seed: int | None
    """None where the questions come from a file."""
    assistant: str
    families: list[Count]
    total: Count
    wrong: list[WrongAnswer]

    @classmethod
    def of(cls, dataset: str, seed: int | None, assistant: str, verdicts: Sequence[Verdict]) -> "GradingReport":
        """Count verdicts.

        Args:
            assistant: The name of an assistant that does not give one with its answers.
            verdicts: At least one, those of a family together.
        """
        names = list(dict.fromkeys(verdict.question.family for verdict in verdicts))
        families = [_count(name, [each for each in verdicts if each.question.family == name]) for name in names]
        given = next((each.answer.by for each in verdicts if each.answer is not None and each.answer.by), None)
        wrong = [
            WrongAnswer(
                id=verdict.question.id,
                family=verdict.question.family,
                question=verdict.question.words,
                why=verdict.why,
                answer=None if verdict.answer is None else verdict.answer.answer,
                steps=[] if verdict.answer is None else verdict.answer.steps,
                remarks=[] if verdict.answer is None else verdict.answer.remarks,
            )
            for verdict in verdicts
            if verdict.why is not None
        ]
        return cls(
            dataset=dataset,
            seed=seed,
            assistant=given or assistant,
            families=families,
            total=_count("all", verdicts),
            wrong=wrong,
        )


def _count(family: str, verdicts: Sequence[Verdict]) -> Count:
    answers = [each.answer for each in verdicts if each.answer is not None]
    calls = [each.calls for each in answers if each.calls is not None]
    seconds = [each.seconds for each in answers if each.seconds is not None]
    read = [each.tokens_in for each in answers if each.tokens_in is not None]
    written = [each.tokens_out for each in answers if each.tokens_out is not None]
    costs = [each.dollars for each in answers if each.dollars is not None]
    right = sum(each.is_right for each in verdicts)
    errors = sum(each.error is not None for each in answers)
    return Count(
        family=family,
        right=right,
        questions=len(verdicts),
        unanswered=len(verdicts) - len(answers) + errors,
        errors=errors,
        share=round(100 * right / len(verdicts), 1),
        interval=_interval(right, len(verdicts)),
        median_calls=statistics.median(calls) if calls else None,
        most_calls=max(calls, default=None),
        failed_calls=sum(step.error is not None for each in answers for step in each.steps),
        median_seconds=statistics.median(seconds) if seconds else None,
        tokens_in=statistics.mean(read) if read else None,
        tokens_out=statistics.mean(written) if written else None,
        dollars=sum(costs) if costs and len(costs) == len(answers) else None,
        remarked=sum(bool(each.remarks) for each in answers),
    )


def _interval(right: int, n: int) -> tuple[float, float]:
    """The interval that holds a share with CONFIDENCE, in percent (Wilson 1927)."""
    z = statistics.NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, scale = right / n, 1 + z**2 / n
    middle = (share + z**2 / (2 * n)) / scale
    half = z * (share * (1 - share) / n + (z / (2 * n)) ** 2) ** 0.5 / scale
    return round(100 * max(0.0, middle - half), 1), round(100 * min(1.0, middle + half), 1)
