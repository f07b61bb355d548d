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
        {"id": count["id"], "answer": "There are 12\u2028products.", "calls": 1},
        {"id": other_count["id"], "answer": "About 1,000.", "calls": 4},
        {"id": missing["id"], "answer": "There is no such customer."},
    ]
    answers.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in given), encoding="utf-8")
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


def test_answers_are_graded_by_the_file_of_questions_that_were_asked(terminal: Terminal, tmp_path: Path) -> None:
    written, answers = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    assert terminal.run("questions", "--dataset", SHOP, "--seed", 5, "--n", 16, "--output", written).code == 0
    own = {"id": "own", "family": "mine", "question": "Products?", "truth": {"form": "number", "values": [12]}}
    lines = [{**own, "calls": 1}, *_lines(written.read_text(encoding="utf-8")), {**own, "id": "own-2", "calls": 1}]
    written.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    answers.write_text('{"id": "own", "answer": "There are 12."}\n{"id": "own-2", "answer": "13."}', encoding="utf-8")
    grade = ["questions", "--dataset", SHOP, "--grade", answers, "--json"]
    ended = terminal.run(*grade, "--questions", written)
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    mine = report["families"][0]
    assert (mine["family"], mine["right"], mine["questions"], mine["share"]) == ("mine", 1, 2, 50.0)
    assert report["total"]["questions"] == len(lines)
    assert report["seed"] is None
    assert "give the file of questions by --questions" in terminal.refused(*grade, "--family", "counting")
    assert "takes the place of --seed" in terminal.refused(*grade, "--questions", written, "--seed", 5)
    assert "goes with --grade" in terminal.refused("questions", "--dataset", SHOP, "--questions", written)
    written.write_text('{"id": "own", "family": "mine", "question": "?", "calls": 1}', encoding="utf-8")
    assert "line 1: the key 'truth' is missing" in terminal.refused(*grade, "--questions", written)


def test_several_assistants_are_compared_and_a_page_is_written(terminal: Terminal, tmp_path: Path) -> None:
    options = ["--dataset", SHOP, "--family", "counting", "--n", 2]
    questions = _lines(terminal.run("questions", *options).out)
    good, bad, page = tmp_path / "good.jsonl", tmp_path / "bad.jsonl", tmp_path / "report.html"
    right = [{"id": each["id"], "answer": f"There are {each['truth']['values'][0]:g}."} for each in questions]
    wrong = [
        {"id": questions[0]["id"], "error": "the endpoint has failed", "by": "a worse one", "seconds": 1.5},
        {"id": questions[1]["id"], "answer": "None.", "seconds": 2, "tokens_in": 900, "tokens_out": 9, "calls": 1,
         "steps": [{"tool": "item_filter_tool", "arguments": {"genre": "x"}, "error": "no genre"}]},
    ]  # fmt: skip
    for file, answers in ((good, right), (bad, wrong)):
        file.write_text("\n".join(map(json.dumps, answers)), encoding="utf-8")
    graded = terminal.run("questions", *options, "--grade", good, "--grade", bad, "--page", page, "--json")
    assert graded.code == 0, graded.err
    better, worse = json.loads(graded.out)
    assert (better["assistant"], better["total"]["right"], better["total"]["tokens_in"]) == ("good", 2, None)
    total = worse["total"]
    assert (worse["assistant"], total["right"], total["errors"], total["unanswered"]) == ("a worse one", 0, 1, 1)
    assert (total["failed_calls"], total["tokens_in"], total["median_seconds"]) == (1, 900, 1.75)
    assert worse["wrong"][0]["why"] == "the endpoint has failed"
    assert worse["wrong"][1]["steps"][0]["error"] == "no genre"
    # Wilson's interval for 2 of 2: from 1 / (1 + z^2 / 2)
    assert better["total"]["interval"] == [34.2, 100.0]
    assert "a worse one" in page.read_text(encoding="utf-8")

    table = terminal.run("questions", *options, "--grade", good, "--grade", bad).out
    rows = {line.split("  ")[0]: line.split() for line in table.splitlines() if line}
    assert rows["good"][1] == "100%"
    assert rows["a worse one"][3:8] == ["0%", "0", "to", "66%", "1"]
    assert rows["counting"] == ["counting", "2", "/", "2", "0", "/", "2"]
    assert "--page goes with --grade" in terminal.refused("questions", *options, "--page", page)


def test_what_cannot_be_graded_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    grade = ["questions", "--dataset", SHOP, "--family", "counting", "--grade", answers]
    assert "cannot be read" in terminal.refused(*grade)
    answers.write_text('{"id": "counting-01-000000", "answer": "12"}', encoding="utf-8")
    assert "there are no questions 'counting-01-000000'" in terminal.refused(*grade)
    answers.write_text('\n{"id": "x", "text": "12"}', encoding="utf-8")
    assert (
        "line 2: there is no key 'text'; there are id, answer, items, users, names, number, calls, by"
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
