"""A file of answers, one a line."""

from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from mcp_server.errors import InvalidInputError, quoted, quoted_list
from mcp_server.questions.truth import Answer


def read_answers(file: Path, known: Collection[str]) -> dict[str, Answer]:
    """The answers of a file, by the ID of their question.

    Args:
        known: IDs of all questions.

    Raises:
        InvalidInputError: The file cannot be read, a line is not an answer, or it answers no question that there is.
    """
    answers: dict[str, Answer] = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{file} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            answer = Answer.model_validate_json(line)
        except ValidationError as error:
            raise InvalidInputError(
                f'{file}, line {number}: {_problem(error)}. A line looks like {{"id": "lookup-01-1a2b3c", "answer": '
                '"It is **Taxi Driver** (ID 23).", "calls": 1}'
            ) from None
        if answer.id in answers:
            raise InvalidInputError(f"{file}, line {number}: the question {quoted(answer.id)} is answered twice")
        answers[answer.id] = answer
    if unknown := [identifier for identifier in answers if identifier not in known]:
        raise InvalidInputError(
            f"{file}: there are no questions {quoted_list(unknown)}. Questions belong to a dataset and a seed: name "
            "those that they were written with"
        )
    return answers


def _problem(error: ValidationError) -> str:
    """The first problem of a line."""
    first = error.errors()[0]
    if first["type"] == "extra_forbidden":
        return f"there is no key {quoted(first['loc'][0])}; there are {', '.join(Answer.model_fields)}"
    if first["type"] == "missing":
        return f"the key {quoted(first['loc'][0])} is missing"
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first["loc"] else "it is no JSON object"
