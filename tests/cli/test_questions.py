"""`questions`: written, answered and graded as a person does."""

import json
from pathlib import Path
from typing import Any

from tests.cli.terminal import Terminal
from tests.conftest import SHOP


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_questions_are_json_lines_with_their_truth(terminal: Terminal) -> None:
    ended = terminal.run("questions", "--dataset", SHOP, "--family", "counting", "--family", "negative", "--n", 5)
    assert ended.code == 0, ended.err
    lines = _lines(ended.out)
    assert [line["family"] for line in lines] == ["counting"] * 3 + ["negative"] * 2
    assert lines[0]["question"] == "How many products are in the catalogue?"
    assert lines[0]["truth"] == {"form": "number", "values": [12.0]}
    assert lines[0]["calls"] == 1


def test_answers_are_counted_by_family(terminal: Terminal, tmp_path: Path) -> None:
    options = ["--dataset", SHOP, "--family", "counting", "--family", "negative", "--n", 4]
    written = tmp_path / "questions.jsonl"
    assert terminal.run("questions", *options, "--output", written).code == 0
    count, other_count, missing, *_ = _lines(written.read_text(encoding="utf-8"))
    answers = tmp_path / "answers.jsonl"
    given = [
        {"id": count["id"], "answer": "There are 12 products.", "calls": 1},
        {"id": other_count["id"], "answer": "About 1,000.", "calls": 4},
        {"id": missing["id"], "answer": "There is no such customer."},
    ]
    answers.write_text("\n".join(map(json.dumps, given)), encoding="utf-8")
    ended = terminal.run("questions", *options, "--grade", answers, "--json")
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    assert [(each["family"], each["right"], each["questions"], each["unanswered"]) for each in report["families"]] == [
        ("counting", 1, 2, 0),
        ("negative", 1, 2, 1),
    ]
    assert (report["total"]["share"], report["total"]["median_calls"], report["total"]["most_calls"]) == (50, 2.5, 4)
    assert [(wrong["id"], wrong["answer"]) for wrong in report["wrong"]] == [
        (other_count["id"], "About 1,000."),
        (report["wrong"][1]["id"], None),
    ]
    assert report["wrong"][0]["why"] == "8 was expected, not 1,000"

    table = terminal.run("questions", *options, "--grade", answers)
    assert table.code == 0
    assert "8 was expected, not 1,000" in table.out
    assert "50%" in table.out


def test_what_cannot_be_graded_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    grade = ["questions", "--dataset", SHOP, "--family", "counting", "--grade", answers]
    assert "cannot be read" in terminal.refused(*grade)
    answers.write_text('{"id": "counting-01-000000", "answer": "12"}', encoding="utf-8")
    assert "there are no questions 'counting-01-000000'" in terminal.refused(*grade)
    answers.write_text('\n{"id": "x", "text": "12"}', encoding="utf-8")
    assert (
        "line 2: there is no key 'text'; there are id, answer, items, users, names, number, calls"
        in terminal.refused(*grade)
    )
    answers.write_text('{"id": "x"}\n{"id": "x"}', encoding="utf-8")
    assert "line 2: the question 'x' is answered twice" in terminal.refused(*grade)
    assert "--output is for questions" in terminal.refused(*grade, "--output", tmp_path / "q")


def test_an_unknown_family_is_refused(terminal: Terminal) -> None:
    assert "There are: lookup, filter" in terminal.refused("questions", "--dataset", SHOP, "--family", "look-up")


def test_families_without_questions_are_named(terminal: Terminal) -> None:
    ended = terminal.run("questions", "--dataset", SHOP)
    assert ended.code == 0
    assert "The catalogue has nothing to ask about for the family search." in ended.err
