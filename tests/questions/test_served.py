"""The tools, asked the questions: what they answer is true by records that they have not read."""

import re
from typing import Any

from mcp_server.questions.grading import Grader
from mcp_server.questions.ledger import Ledger
from mcp_server.questions.truth import Question
from mcp_server.questions.writing import FAMILIES, write_questions
from mcp_server.serving.service import Service
from recsys_shared.answers import Answer


def _conditions(clauses: str, ledger: Ledger) -> dict[str, Any]:
    """Arguments of the filter for "whose genres include Comedy and whose duration is above 90 minutes"."""
    name_of = {field.title.casefold(): field.name for field in ledger.items.fields.values()}
    arguments: dict[str, Any] = {}
    for clause in clauses.split(" and whose "):
        match = re.fullmatch(r"(?:whose )?(.+?) (?:includes?|is|are) (.+)", clause)
        assert match is not None
        name = name_of[match[1].casefold()]
        limit = re.match(r"(above|after|below|before) ([\d.,]+)", match[2])
        if limit is None:
            arguments[name] = [*arguments.get(name, []), *match[2].split(" or ")]
        else:
            side = "gt" if limit[1] in ("above", "after") else "lt"
            arguments[name] = {side: float(limit[2].replace(",", ""))}
    return arguments | ({"match": "any"} if " or " in clauses else {})


async def _answer(service: Service, question: Question, ledger: Ledger) -> Answer | None:
    """The answer of the tools, for questions that one or two calls answer; None for others."""

    async def call(tool: str, **arguments: Any) -> dict[str, Any]:
        return await service.call(tool, arguments)

    def items(result: dict[str, Any]) -> Answer:
        return Answer(id=question.id, items=[item["item_id"] for item in result["items"]])

    words = question.words
    if " at least " in words or " from " in words or "leave out" in words:
        return None
    if match := re.fullmatch(r"List all films (whose .+)\.", words):
        return items(await call("item_filter_tool", **_conditions(match[1], ledger)))
    if match := re.fullmatch(r'What percentage of all viewers like the film "(.+)" \(.+\)\?', words):
        chosen = [ledger.items.ids[ledger.titles.index(match[1])]]
        share = await call("get_like_percentage_tool", items=chosen)
        return Answer(id=question.id, number=share["percentage"])
    if match := re.fullmatch(r"How many different films are in the history of viewer (\d+)\?", words):
        history = await call("get_interacted_items_tool", user=int(match[1]))
        return Answer(id=question.id, number=history["total"])
    if match := re.fullmatch(r"Which film has the most recent rating of viewer (\d+)\?", words):
        return items(await call("get_interacted_items_tool", user=int(match[1]), k=1))
    if match := re.fullmatch(r"Recommend (\d) films to viewer (\d+) that are not in the history yet\.", words):
        return items(await call("get_top_k_recommendations_tool", user=int(match[2]), k=int(match[1])))
    return None


async def test_the_tools_answer_truly(films: Service, films_ledger: Ledger) -> None:
    grader = Grader(films_ledger)
    questions = [
        question
        for seed in range(3)
        for family in FAMILIES
        for question in write_questions(films_ledger, [], family, seed)
    ]
    graded = [
        grader.grade(question, answer)
        for question in questions
        if (answer := await _answer(films, question, films_ledger)) is not None
    ]
    assert {verdict.question.family for verdict in graded} == {"filter", "history", "liking", "recommendation"}
    assert [(verdict.question.words, verdict.why) for verdict in graded if not verdict.is_right] == []
