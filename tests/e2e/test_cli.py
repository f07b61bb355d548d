"""The commands as a person runs them: subprocesses, their output and their exit codes."""

import contextlib
import json
import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_server.cli.call import parse_arguments
from mcp_server.dataset.spec import bundled_folder
from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from tests.commands import Ended, run
from tests.conftest import SHOP, Rating
from tests.running_servers import own_environment

RECOMMEND = "get_top_k_recommendations_tool"
FILTER = "item_filter_tool"
HISTORY = "get_interacted_items_tool"

COMMANDS = ["prepare", "train", "evaluate", "serve", "call", "doctor", "demo", "install", "uninstall", "bundle"]
METRICS = {f"{name}@{k}" for name in ("ndcg", "recall", "hit", "mrr") for k in (5, 10)}


@dataclass(frozen=True)
class Terminal:
    """Runs commands in an empty folder, without the settings of whoever runs the tests."""

    folder: Path

    def run(self, *words: object, **variables: str) -> Ended:
        return run(words, self.folder, own_environment(variables))

    def refused(self, *words: object, **variables: str) -> str:
        """What a command says that is refused: one line on stderr."""
        ended = self.run(*words, **variables)
        assert ended.code == 2
        assert ended.out == ""
        (line,) = [line for line in ended.err.splitlines() if not re.search(r" \.\.\.$|: done in ", line)]
        assert line.startswith("recsys-mcp: ")
        return line


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    (tmp_path / "here").mkdir()
    return Terminal(tmp_path / "here")


@pytest.fixture
def films_state(films_settings: Settings) -> list[object]:
    """Options that name prepared MovieLens."""
    return ["--dataset", "ml-100k", "--state", films_settings.state_folder]


@pytest.fixture
def shop_state(shop_settings: Settings, tmp_path: Path) -> Path:
    """A copy of the prepared corner shop's state."""
    shutil.copytree(shop_settings.state_folder, tmp_path / "state")
    return tmp_path / "state"


def shop_options(state: Path, dataset: Path = SHOP) -> list[object]:
    return ["--dataset", dataset, "--state", state]


def flip_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF
    path.write_bytes(content)


def test_help_lists_the_commands(terminal: Terminal) -> None:
    ended = terminal.run("--help")
    assert ended.code == 0
    assert [name for name in COMMANDS if not re.search(rf"^\W*{name}\b", ended.out, re.MULTILINE)] == []


def test_the_version_is_printed(terminal: Terminal) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", terminal.run("--version").out)


def test_call_list_names_the_tools_and_their_arguments(terminal: Terminal, films_state: list[object]) -> None:
    ended = terminal.run("call", "list", *films_state)
    assert ended.code == 0
    signatures = dict(re.findall(r"^(\w+_tool)\(([^)]*)\)$", ended.out, re.MULTILINE))
    names = {tool: set(re.split(r",\s+", arguments)) for tool, arguments in signatures.items()}
    assert len(names) == 8
    assert names[RECOMMEND] == {"user", "k", "items", "item_set", "liked_items", "exclude_seen", "reasons", "detail"}
    assert {"genres", "actors", "imdb_rating", "release_year", "match"} <= names["item_filter_tool"]


def test_call_prints_a_table(
    terminal: Terminal, films_state: list[object], ratings: list[Rating], movies: dict[int, dict[str, Any]]
) -> None:
    ended = terminal.run("call", HISTORY, "user=90", "k=3", *films_state)
    assert ended.code == 0
    of_user = [rating for rating in ratings if rating.user == 90]
    assert f"total: {len(of_user)}" in ended.out
    rows = ended.out.splitlines()[-3:]
    by_title = {movies[rating.item]["title"]: rating for rating in of_user}
    newest = sorted((rating.timestamp for rating in of_user), reverse=True)[:3]
    for row, timestamp in zip(rows, newest, strict=True):
        matched = re.fullmatch(r"\s*(\d+)  (.+?)\s{2,}(\d)  (\d{4}-\d\d-\d\d)\s*", row)
        assert matched is not None, row
        item, title, rating, _ = matched.groups()
        assert by_title[title].item == int(item)
        assert (by_title[title].rating, by_title[title].timestamp) == (float(rating), timestamp)


def test_call_prints_json(terminal: Terminal, films_state: list[object], ratings: list[Rating]) -> None:
    content = terminal.run("call", RECOMMEND, "user=4", "k=7", "reasons=true", "--json", *films_state).json
    seen = {rating.item for rating in ratings if rating.user == 4}
    assert len(content["items"]) == 7
    assert not seen & {item["item_id"] for item in content["items"]}
    assert all(reason["item_id"] in seen for item in content["items"] for reason in item["because"])
    assert any(item["because"] for item in content["items"])


def test_call_takes_lists_names_numbers_and_keys_inside(
    terminal: Terminal, films_state: list[object], movies: dict[int, dict[str, Any]]
) -> None:
    words = ['genres=["Comedy", "Horror"]', "match=any", "country=France", "imdb_rating.gte=6", "imdb_rating.lt=8"]
    content = terminal.run("call", FILTER, *words, "release_year=1996", "--json", *films_state).json
    expected = {
        number
        for number, movie in movies.items()
        if {"Comedy", "Horror"} & set(movie["genres"])
        and "France" in movie["countries"]
        and movie["imdb_rating"] is not None
        and 6 <= movie["imdb_rating"] < 8
        and movie["year"] == 1996
    }
    assert content["count"] == len(expected) > 0
    assert {item["item_id"] for item in content["items"]} <= expected


@pytest.mark.parametrize("text", ["007", "null", "1996-02-30", "[1", "a=b"])
def test_a_value_of_text_is_left_as_it_is(text: str) -> None:
    assert parse_arguments([f"user={text}"], {"user": {"type": "string"}}) == {"user": text}


def test_a_tools_error_is_one_line_and_exit_code_2(terminal: Terminal, films_state: list[object]) -> None:
    said = terminal.refused("call", RECOMMEND, "user=5000", *films_state)
    assert "user 5000" in said or "viewer 5000" in said
    assert "IDs run from 1 to 943" in said


def test_an_unknown_tool_is_refused_with_the_names_of_tools(terminal: Terminal, shop_state: Path) -> None:
    said = terminal.refused("call", "recommend", *shop_options(shop_state))
    assert "'recommend'" in said
    assert RECOMMEND in said


def test_an_argument_without_a_value_is_refused(terminal: Terminal, shop_state: Path) -> None:
    assert "KEY=VALUE" in terminal.refused("call", HISTORY, "user", *shop_options(shop_state))


@pytest.mark.parametrize("words", [["=5"], ["price=5", "price.gt=3"]])
def test_arguments_that_contradict_their_form_are_refused(words: list[str]) -> None:
    with pytest.raises(InvalidInputError, match=r"price|KEY=VALUE"):
        parse_arguments(words, {"price": {"type": "object"}})


def test_a_value_inside_that_is_no_yaml_is_refused_or_left_to_the_tool() -> None:
    with contextlib.suppress(InvalidInputError):
        assert parse_arguments(["price.gt=[1"], {"price": {"type": "object"}}) == {"price": {"gt": "[1"}}


def test_calling_with_nothing_prepared_says_how_to_prepare(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.refused("call", RECOMMEND, "user=4", "--state", tmp_path / "state")
    assert "nothing has been prepared" in said
    assert "recsys-mcp prepare" in said
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("command", [["prepare"], ["evaluate"], ["serve"], ["demo"]])
def test_an_unknown_dataset_is_refused(terminal: Terminal, tmp_path: Path, command: list[str]) -> None:
    said = terminal.refused(*command, "--dataset", "ml-100m", "--state", tmp_path / "state")
    assert "'ml-100m'" in said
    assert "ml-100k" in said


@pytest.mark.parametrize("command", [["call", "list"], ["serve"]])
def test_a_state_of_another_dataset_is_refused(terminal: Terminal, shop_state: Path, command: list[str]) -> None:
    ended = terminal.run(*command, "--dataset", "ml-100k", "--state", shop_state)
    assert (ended.code, ended.out) == (2, "")
    assert "holds corner-shop, not ml-100k" in ended.err
    assert "Traceback" not in ended.err


def test_the_doctor_finds_that_the_state_is_of_another_dataset(terminal: Terminal, shop_state: Path) -> None:
    ended = terminal.run("doctor", "--json", "--dataset", "ml-100k", "--state", shop_state)
    assert ended.code == 1
    errors = [finding["text"] for finding in json.loads(ended.out) if finding["status"] == "error"]
    assert any("corner-shop" in text and "ml-100k" in text for text in errors)


@pytest.mark.parametrize(("name", "value"), [("RECSYS_LOG_LEVEL", "loud"), ("RECSYS_ITEM_SET_DAYS", "0")])
def test_bad_settings_are_refused_by_name(terminal: Terminal, name: str, value: str) -> None:
    assert name in terminal.refused("doctor", **{name: value})


def test_settings_come_from_the_environment(terminal: Terminal, tmp_path: Path) -> None:
    variables = {"RECSYS_DATASET": str(SHOP), "RECSYS_STATE": str(tmp_path / "by-variable")}
    assert str(tmp_path / "by-variable") in terminal.refused("call", "list", **variables)


def test_settings_come_from_a_file_that_is_named(terminal: Terminal, tmp_path: Path) -> None:
    (terminal.folder / "mine.env").write_text(f"RECSYS_STATE={tmp_path / 'by-file'}\n", encoding="utf-8")
    named = ["call", "list", "--env-file", "mine.env"]
    assert str(tmp_path / "by-file") in terminal.refused(*named)
    assert str(tmp_path / "by-option") in terminal.refused(*named, "--state", tmp_path / "by-option")


def test_the_doctor_finds_prepared_films_well(terminal: Terminal, films_state: list[object]) -> None:
    findings = {finding["check"]: finding for finding in terminal.run("doctor", "--json", *films_state).json}
    assert {"dataset", "embedder", "state", "catalogue", "model", "vectors", "item sets"} <= findings.keys()
    assert "error" not in {finding["status"] for finding in findings.values()}
    assert "1,682 films, 943 viewers" in findings["catalogue"]["text"]


def test_the_doctor_says_that_nothing_has_been_prepared(terminal: Terminal, tmp_path: Path) -> None:
    ended = terminal.run("doctor", *shop_options(tmp_path / "state"))
    assert ended.code == 1
    assert "Traceback" not in ended.err
    (line,) = [line for line in ended.out.splitlines() if line.startswith("error")]
    assert re.match(r"error +state +nothing has been prepared in .*: run `recsys-mcp prepare`", line)


def test_the_doctor_finds_a_corrupt_model(terminal: Terminal, shop_state: Path) -> None:
    state = StateFolder(shop_state)
    flip_last_byte(state.part(state.current().model) / "artifact.safetensors")
    ended = terminal.run("doctor", "--json", *shop_options(shop_state))
    assert ended.code == 1
    errors = [finding for finding in json.loads(ended.out) if finding["status"] == "error"]
    assert [finding["check"] for finding in errors] == ["model"]
    assert "artifact.safetensors has changed" in errors[0]["text"]


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
    assert len(tools) == 8


def test_the_demo_finds_questions_for_a_dataset_without_any(terminal: Terminal, shop_state: Path) -> None:
    ended = terminal.run("demo", *shop_options(shop_state))
    assert ended.code == 0, ended.err
    questions = re.findall(r"^\W*\d+\. (.+\?)", ended.out, re.MULTILINE)
    assert len(questions) >= 4
    assert any("customer anna" in question for question in questions)
    assert ended.out.count(f"{RECOMMEND}(") >= 2


@pytest.fixture
def larger_shop(tmp_path: Path) -> Path:
    """The corner shop with more purchases, so that there are some to test on."""
    shutil.copytree(SHOP, tmp_path / "larger-shop")
    chance = random.Random(4)
    products = [line.split(",")[0] for line in (SHOP / "products.csv").read_text("utf-8").splitlines()[1:]]
    customers, purchases = ["customer,city,tier"], ["customer,sku"]
    for number in range(30):
        customers.append(f"customer{number:02},Lyon,g")
        purchases += [f"customer{number:02},{product}" for product in chance.sample(products, 6)]
    for name, lines in {"customers": customers, "purchases": purchases}.items():
        (tmp_path / "larger-shop" / f"{name}.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return tmp_path / "larger-shop"


def test_evaluate_compares_models_and_serves_nothing(terminal: Terminal, larger_shop: Path, tmp_path: Path) -> None:
    options = ["--models", "ItemKNN, BPR", "--set", "epochs=1", *shop_options(tmp_path / "state", larger_shop)]
    ended = terminal.run("evaluate", *options)
    assert ended.code == 0, ended.err
    report = json.loads((tmp_path / "state" / "evaluation.json").read_text(encoding="utf-8"))
    assert [model["model"] for model in report["models"]] == ["ItemKNN", "BPR"]
    for model in report["models"]:
        assert model["metrics"].keys() == METRICS
        assert all(0 <= value <= 1 for value in model["metrics"].values())
        row = next(line for line in ended.out.splitlines() if re.search(rf"\b{model['model']}\b", line))
        assert all(f"{value:.4f}" in row for value in model["metrics"].values())
    assert list(terminal.folder.iterdir()) == []
    assert StateFolder(tmp_path / "state").published() is None
    assert list((tmp_path / "state" / "parts").iterdir()) == []


async def test_train_serves_another_model(terminal: Terminal, shop_state: Path, shop: Service) -> None:
    options = shop_options(shop_state)
    trained = terminal.run("train", "--model", "BPR", "--set", "epochs=2", "--set", "embedding_size=8", *options)
    assert trained.code == 0, trained.err
    assert trained.out == ""
    assert "BPR" in trained.err
    findings = {finding["check"]: finding for finding in terminal.run("doctor", "--json", *options).json}
    assert findings["model"]["status"] == "ok"
    assert "BPR" in findings["model"]["text"]
    assert "'embedding_size': 8" in findings["model"]["text"]
    content = terminal.run("call", RECOMMEND, "user=anna", "--json", *options).json
    assert len(content["items"]) == 5
    assert content["items"] != (await shop.call(RECOMMEND, {"user": "anna"}))["items"]
    assert list(terminal.folder.iterdir()) == []


def test_train_refuses_an_unknown_model_with_the_names_of_models(terminal: Terminal, shop_state: Path) -> None:
    before = StateFolder(shop_state).current()
    said = terminal.refused("train", "--model", "Nope", *shop_options(shop_state))
    assert "'Nope'" in said
    assert all(name in said for name in ("EASE", "BPR", "LightGCN", "ItemKNN"))
    assert StateFolder(shop_state).current() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "BPR", "--set", "nonsense"], "KEY=VALUE"),
        (["--set", "epochs=2"], "--model"),
        (["--model", "BPR", "--config", "missing.yaml"], "missing.yaml"),
        (["--model", "BPR", "--set", "epochs=[1"], "epochs"),
    ],
)
def test_train_refuses_what_it_cannot_read(terminal: Terminal, shop_state: Path, words: list[str], said: str) -> None:
    assert said in terminal.refused("train", *words, *shop_options(shop_state))


def test_prepare_reports_on_stderr_only(terminal: Terminal, shop_state: Path) -> None:
    state = StateFolder(shop_state)
    shutil.rmtree(state.part(state.current().catalog))
    for expected in ("made: catalog", "everything was up to date"):
        ended = terminal.run("prepare", *shop_options(shop_state))
        assert ended.code == 0
        assert ended.out == ""
        assert f"corner-shop is ready ({expected};" in ended.err
        assert "12 products, 8 customers, 23 purchases" in ended.err
    assert list(terminal.folder.iterdir()) == []
