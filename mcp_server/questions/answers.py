"""Files of questions and of answers, one a line."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from mcp_server.errors import InvalidInputError, quoted, quoted_list
from mcp_server.questions.truth import Question
from recsys_shared.answers import Answer

Line = TypeVar("Line", Question, Answer)

EXAMPLES: dict[type[BaseModel], str] = {
    Answer: '{"id": "lookup-01-1a2b3c", "answer": "It is **Taxi Driver** (ID 23).", "calls": 1}',
    Question: '{"id": "counting-01-1a2b3c", "family": "counting", "question": "How many films are in the catalogue?", '
    '"truth": {"form": "number", "values": [1682]}, "calls": 1}',
}


def read_questions(file: Path) -> list[Question]:
    """The questions of a file, in the order that it has them.

    Raises:
        InvalidInputError: The file cannot be read, has no questions, or a line is not a question.
    """
    questions: dict[str, Question] = {}
    for number, question in _lines(file, Question):
        if question.id in questions:
            raise InvalidInputError(f"{file}, line {number}: there are two questions {quoted(question.id)}")
        questions[question.id] = question
    if not questions:
        raise InvalidInputError(f"{file} has no questions")
    # The report counts the questions of a family together.
    families = list(dict.fromkeys(question.family for question in questions.values()))
    return sorted(questions.values(), key=lambda question: families.index(question.family))


def read_answers(file: Path, known: Collection[str]) -> dict[str, Answer]:
    """The answers of a file, by the ID of their question.

    Args:
        known: IDs of all questions.

    Raises:
        InvalidInputError: The file cannot be read, a line is not an answer, or it answers no question that there is.
    """
    answers: dict[str, Answer] = {}
    for number, answer in _lines(file, Answer):
        if answer.id in answers:
            raise InvalidInputError(f"{file}, line {number}: the question {quoted(answer.id)} is answered twice")
        answers[answer.id] = answer
    if unknown := [identifier for identifier in answers if identifier not in known]:
        raise InvalidInputError(
            f"{file}: there are no questions {quoted_list(unknown)}. Questions belong to a dataset and a seed: name "
            "those that they were written with, or give the file of questions by --questions"
        )
    return answers


def _lines(file: Path, kind: type[Line]) -> Iterator[tuple[int, Line]]:
    """The lines of a file with their numbers, without empty ones."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")  # not splitlines: texts may have other line separators
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{file} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, kind.model_validate_json(line)
        except ValidationError as error:
            raise InvalidInputError(
                f"{file}, line {number}: {_problem(error, kind)}. A line looks like {EXAMPLES[kind]}"
            ) from None


def _problem(error: ValidationError, kind: type[BaseModel]) -> str:
    """The first problem of a line."""
    first = error.errors()[0]
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return f"there is no key {quoted(first['loc'][0])}; there are {', '.join(kind.model_fields)}"
    if first["type"] == "missing":
        return f"the key {quoted('.'.join(map(str, first['loc'])))} is missing"
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first["loc"] else "it is no JSON object"
