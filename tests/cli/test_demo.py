"""`demo`: questions answered without a language model."""

import re
from pathlib import Path
from typing import Any

import yaml

from mcp_server.dataset.spec import bundled_folder
from tests.cli.shop_on_servers import Commands
from tests.cli.terminal import Terminal, shop_options
from tests.e2e.test_several_processes import Shop
from tests.names import RECOMMEND


def says_something(result: dict[str, Any]) -> bool:
    """A list that is not empty; a share that is not zero; fields that are known."""
    if "items" in result:
        return bool(result["items"])
    values = [value for name, value in result.items() if name != "message"]
    return bool(values) and all(values)


def test_the_demo_answers_all_questions_about_films(terminal: Terminal, films_state: list[object]) -> None:
    answers = terminal.run("demo", "--json", *films_state).json
    questions = yaml.safe_load((bundled_folder() / "ml-100k" / "demo.yaml").read_text(encoding="utf-8"))
    assert [answer["ask"] for answer in answers] == [question["ask"] for question in questions]
    for answer, question in zip(answers, questions, strict=True):
        assert [call["tool"] for call in answer["calls"]] == [step["tool"] for step in question["steps"]]
        assert all(says_something(call["result"]) for call in answer["calls"]), answer
    tools = {call["tool"] for answer in answers for call in answer["calls"]}
    assert len(tools) == 10


def test_the_demo_finds_questions_for_a_dataset_without_any(terminal: Terminal, shop_state: Path) -> None:
    ended = terminal.run("demo", *shop_options(shop_state))
    assert ended.code == 0, ended.err
    questions = re.findall(r"^\W*\d+\. (.+\?)", ended.out, re.MULTILINE)
    assert len(questions) >= 4
    assert any("customer anna" in question for question in questions)
    assert ended.out.count(f"{RECOMMEND}(") >= 2


def test_the_demo_asks_the_servers(plain: Shop, terminal: Terminal) -> None:
    answers = Commands(terminal, plain).run("demo", "--json").json
    assert len(answers) >= 4
    assert any("customer anna" in answer["ask"] for answer in answers)
    assert all(says_something(call["result"]) for answer in answers for call in answer["calls"])
