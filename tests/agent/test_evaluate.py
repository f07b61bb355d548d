"""`recsys-agent evaluate`, as a process: three models that follow rules answer questions about the films, which
`recsys-mcp questions` grades.
"""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_client.errors import AgentError
from agent_client.evaluation.prices import dollars, parse_prices
from agent_client.models.address import ModelAddress
from recsys_shared.answers import Answer
from tests.agent.commands import COMMAND, PATIENCE_SECONDS, run
from tests.agent.conftest import TOKEN
from tests.agent.scripted_models import Reading, Refuse, Say, Step, usage
from tests.agent.three_models import ThreeModels
from tests.names import USER
from tests.running_servers import HttpServer

OTHER_PYTHON = os.environ.get("RECSYS_TEST_OTHER_PYTHON")


def _question(identifier: str, words: str | list[str], **truth: Any) -> dict[str, Any]:
    said = {"question": words} if isinstance(words, str) else {"turns": words}
    return {"id": identifier, "family": identifier.partition("-")[0], **said, "truth": truth, "calls": 1}


TITLES = {200: "The Shining", 50: "Star Wars", 100: "Fargo", 258: "Contact", 181: "Return of the Jedi"}

QUESTIONS = [
    *(
        _question(f"title-{number}", f"What is the title of film {number}?", form="names", part="items", field="title",
                  names=[title])
        for number, title in TITLES.items()
    ),
    _question(
        "follow-1",
        ["How many films are there whose director includes Alfred Hitchcock?",
         "And how many of them are films whose IMDb votes are below 130,000?"],
        form="number", values=[5], context=[12],
    ),
    _question("count-1", "How many films are in the catalogue?", form="number", values=[1663, 1682]),
]  # fmt: skip


class Watched(ThreeModels):
    """The three models, which may be told to fail, and tell the questions that they were asked."""

    refusal: Refuse | None = None
    """The answer to every request about a number in `refused`."""
    refused: tuple[int, ...] = ()
    slow = 0.0

    def next_step(self, reading: Reading) -> Step:
        step = super().next_step(reading)
        time.sleep(self.slow)
        if self.refusal is not None and any(f"film {number}?" in reading.questions[-1] for number in self.refused):
            return self.refusal
        return step

    def begun(self) -> Counter[str]:
        """Times that each question was asked, without the requests after its tool calls."""
        return Counter(reading.questions[0] for reading in self.readings if len(reading.messages) == 2)


@pytest.fixture
def models() -> Iterator[Watched]:
    served = Watched()
    yield served
    served.close()


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "given.jsonl"
    file.write_text("\n".join(map(json.dumps, QUESTIONS)), encoding="utf-8")
    return file


@pytest.fixture
def program() -> list[str]:
    """Options that name the recsys-mcp of an environment that can read datasets."""
    if importlib.util.find_spec("duckdb") is not None:
        return []
    if OTHER_PYTHON is None:
        pytest.skip("RECSYS_TEST_OTHER_PYTHON names no Python with the extra train")
    return ["--questions-program", f"{OTHER_PYTHON} -P -m mcp_server"]


def words(model: str, models: Watched, server: HttpServer, out: Path, *more: str) -> list[str]:
    names = [word for name in model.split() for word in ("--model", f"openai:{name}")]
    there = ["--server", f"{server.base}/mcp", "--token", TOKEN]
    return ["evaluate", *names, "--base-url", f"{models.url}/v1", *there, "--out", str(out), *more]


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_models_are_compared_by_what_is_right_and_what_it_took(
    models: Watched,
    running_server: HttpServer,
    environment: dict[str, str],
    program: list[str],
    questions: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    more = ["--questions", str(questions), *program, "--price", "openai:careful=2/8", "--jobs", "3", "--json"]
    ended = run(words("broken careful", models, running_server, out, *more), environment)
    assert ended.returncode == 1, ended.stderr  # of the broken model's errors
    broken, careful = json.loads(ended.stdout)
    assert (broken["assistant"], careful["assistant"]) == ("openai:broken", "openai:careful")
    assert careful["total"]["right"] == len(QUESTIONS), careful["wrong"]
    assert broken["total"]["right"] < len(QUESTIONS) - 1
    assert [(each["family"], each["right"], each["questions"]) for each in careful["families"]] == [
        ("title", 5, 5),
        ("follow", 1, 1),
        ("count", 1, 1),
    ]
    answers = {line["id"]: line for line in lines(out / "openai-careful.jsonl")}
    follow_up = answers["follow-1"]
    assert [step["arguments"]["director"] for step in follow_up["steps"]] == [["Alfred Hitchcock"]] * 2
    assert follow_up["calls"] == 2
    used = [(answer["tokens_in"], answer["tokens_out"]) for answer in answers.values()]
    assert all(read > 2_000 and written >= 20 for read, written in used)
    assert careful["total"]["dollars"] == pytest.approx(sum((2 * read + 8 * out) / 1e6 for read, out in used))
    assert broken["total"]["dollars"] is None
    assert broken["total"]["errors"] > 0
    assert any(wrong["why"].endswith("roles must alternate") for wrong in broken["wrong"])
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "openai:careful" in page
    assert not re.search(r"\bsrc=|\bhref=|url\(|@import", page)


def test_tokens_of_plans_are_counted(
    models: Watched,
    running_server: HttpServer,
    environment: dict[str, str],
    program: list[str],
    tmp_path: Path,
) -> None:
    file, plan = (
        tmp_path / "one.jsonl",
        {"tool_calls": [{"name": USER, "arguments": {"user": 198, "get": ["age"]}}]},
    )
    file.write_text(json.dumps(QUESTIONS[-1]))
    readings: list[Reading] = []

    def next_step(reading: Reading) -> Step:
        readings.append(reading)
        return Say("There are 1682." if "Result of" in reading.questions[-1] else json.dumps(plan))

    models.next_step = next_step  # type: ignore[method-assign]
    more = ["--questions", str(file), *program, "--plan"]
    ended = run(words("careful", models, running_server, tmp_path, *more), environment)
    assert ended.returncode == 0, ended.stderr
    (answer,) = lines(tmp_path / "openai-careful.jsonl")
    assert [bool(reading.body.get("stream")) for reading in readings] == [False, True]
    assert answer["tokens_in"] == sum(usage(reading.body)["prompt_tokens"] for reading in readings)
    assert answer["tokens_out"] == 20


def test_questions_are_written_and_a_table_is_shown(
    models: Watched, running_server: HttpServer, environment: dict[str, str], program: list[str], tmp_path: Path
) -> None:
    chosen = ["--family", "two_users", "--family", "lookup", "--n", "3", "--seed", "7"]
    ended = run(words("careful sloppy", models, running_server, tmp_path / "out", *chosen, *program), environment)
    assert ended.returncode == 0, ended.stderr
    assert [line["family"] for line in lines(tmp_path / "out" / "questions.jsonl")] == ["lookup", "lookup", "two_users"]
    rows = {line.split()[0]: line.split() for line in ended.stdout.splitlines() if line}
    assert rows["openai:careful"][1] == "100%"
    assert rows["lookup"][1:4] == ["2", "/", "2"]
    assert "report.html" in ended.stderr


def test_a_killed_run_goes_on_where_it_was(
    models: Watched,
    running_server: HttpServer,
    environment: dict[str, str],
    program: list[str],
    questions: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    command = words("careful", models, running_server, out, "--questions", str(questions), *program)
    file = out / "openai-careful.jsonl"
    models.slow = 0.5
    process = subprocess.Popen([*COMMAND, *command], env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not file.exists() or len(lines(file)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = lines(file)
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "title-181", "answer": "cut o')
    models.slow = 0.0
    models.readings.clear()
    ended = run([*command, "--json"], environment)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["total"]["right"] == len(QUESTIONS)
    assert len(models.begun()) == len(QUESTIONS) - len(kept)
    assert {key: kept[0][key] for key in kept[0] if key != "dollars"}.items() <= lines(file)[0].items()

    models.readings.clear()
    assert run(command, environment).returncode == 0
    assert models.readings == []


def test_questions_that_brought_an_error_are_asked_again(
    models: Watched,
    running_server: HttpServer,
    environment: dict[str, str],
    program: list[str],
    questions: Path,
    tmp_path: Path,
) -> None:
    command = words("careful", models, running_server, tmp_path, "--questions", str(questions), *program, "--json")
    models.refusal, models.refused = Refuse(400, "the template has failed"), (100, 258)
    ended = run(command, environment)
    assert ended.returncode == 1
    report = json.loads(ended.stdout)
    assert (report["total"]["right"], report["total"]["errors"]) == (len(QUESTIONS) - 2, 2)
    assert {wrong["id"] for wrong in report["wrong"]} == {"title-100", "title-258"}
    assert all("the template has failed" in wrong["why"] for wrong in report["wrong"])
    models.refusal = None
    models.readings.clear()
    ended = run(command, environment)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["total"]["right"] == len(QUESTIONS)
    assert set(models.begun()) == {"What is the title of film 100?", "What is the title of film 258?"}


def refusal(command: list[str], environment: dict[str, str]) -> str:
    """The one line about an evaluation that has ended."""
    ended = run(command, environment)
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("recsys-agent: ")]
    assert "Traceback" not in ended.stderr
    return line


@pytest.mark.parametrize(
    ("refused", "n_asked", "said"),
    [
        (Refuse(401, "Incorrect API key provided"), 1, "does not accept the key"),
        (Refuse(400, "the template has failed"), 5, "5 questions in a row have failed; the last one: openai:careful"),
    ],
)
def test_an_evaluation_ends_where_no_further_question_would_be_answered(
    refused: Refuse,
    n_asked: int,
    said: str,
    models: Watched,
    running_server: HttpServer,
    environment: dict[str, str],
    questions: Path,
    tmp_path: Path,
) -> None:
    models.refusal, models.refused = refused, tuple(TITLES)
    command = words("careful", models, running_server, tmp_path, "--questions", str(questions), "--jobs", "1")
    assert said in refusal(command, environment)
    assert len(models.begun()) == n_asked


def test_answers_of_another_prompt_or_model_are_not_taken_for_these(
    models: Watched, running_server: HttpServer, environment: dict[str, str], questions: Path, tmp_path: Path
) -> None:
    models.refusal, models.refused = Refuse(401, "no more"), (181,)
    command = words("careful", models, running_server, tmp_path, "--questions", str(questions), "--jobs", "1")
    assert "does not accept the key" in refusal(command, environment)
    file = tmp_path / "openai-careful.jsonl"
    answered = lines(file)
    assert len(answered) == 4
    prompt = tmp_path / "prompt.md"
    prompt.write_text("Answer in verse.")
    said = refusal([*command, "--add-prompt", str(prompt)], environment)
    assert f"{file} has 4 answers to other questions, or given with another prompt" in said
    questions.write_text("\n".join(map(json.dumps, [{**QUESTIONS[0], "question": "Who is it?"}, *QUESTIONS[2:]])))
    assert f"{file} has 2 answers to other questions" in refusal(command, environment)
    assert lines(file) == answered


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--price", "openai:x=cheap"], "--price 'openai:x=cheap': write MODEL=IN/OUT, such as openai:gpt-4.1=2/8"),
        (["--price", "ollama:y=0/0"], "--price 'ollama:y=0/0' is for none of the models that are asked: ollama:x"),
        (["--questions", "no-such-file"], "No such file"),
        (["--questions", "pyproject.toml"], "is not a file of `recsys-mcp questions`"),
        (["--questions-program", "no-such-program"], "no-such-program questions cannot be run"),
        (["--questions-program", f"{sys.executable} -c 1/0"], "division by zero (--questions-program names another"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(
    more: list[str], said: str, environment: dict[str, str], tmp_path: Path
) -> None:
    command = ["evaluate", "--model", "ollama:x", "--server", "http://127.0.0.1:9/mcp", "--out", str(tmp_path), *more]
    assert said in refusal(command, environment)


def test_a_price_is_for_a_million_tokens() -> None:
    address = ModelAddress.parse("openai:meta/llama=3:8b", "http://127.0.0.1:9/v1")
    prices = parse_prices(["openai:meta/llama=3:8b=0.5/2", "ollama:x=0/0"], [address, ModelAddress.parse("ollama:x")])
    used = Answer(id="x", tokens_in=3_000_000, tokens_cached=1_000_000, tokens_out=500_000)
    assert dollars(address, prices[str(address)], used) == pytest.approx(2.5)
    assert dollars(address, prices["ollama:x"], used) == 0
    assert dollars(address, prices[str(address)], Answer(id="x")) is None
    assert dollars(address, prices[str(address)], Answer(id="x", error="refused")) == 0
    with pytest.raises(AgentError, match="MODEL=IN/OUT"):
        parse_prices(["openai:x=1/2/3"], [ModelAddress.parse("openai:x")])


def test_prices_of_known_models_are_those_of_their_providers_and_tokens_in_the_cache_cost_less() -> None:
    pytest.importorskip("genai_prices")
    known, elsewhere = ModelAddress.parse("openai:gpt-4.1"), ModelAddress.parse("openai:gpt-4.1", "http://127.0.0.1:9")
    used = Answer(id="x", tokens_in=100_000, tokens_out=1_000)
    whole, cached = (dollars(known, None, used.model_copy(update={"tokens_cached": n})) for n in (0, 90_000))
    assert whole is not None and cached is not None
    assert 0 < cached < whole
    assert dollars(elsewhere, None, used) is None


def test_text_of_an_answer_that_looks_like_markup_stays_text(
    models: Watched, running_server: HttpServer, environment: dict[str, str], program: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps(_question("hostile-1", "Well?", form="number", values=[5])))
    models.next_step = lambda reading: Say("</script><img src=x onerror=alert(1)>\u202e")  # type: ignore[method-assign]
    ended = run(words("careful", models, running_server, tmp_path, "--questions", str(file), *program), environment)
    assert ended.returncode == 0, ended.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "\\u003c/script>\\u003cimg src=x" in page
    assert "\u202e" not in page
