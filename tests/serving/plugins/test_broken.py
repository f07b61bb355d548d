"""Plug-ins that are broken: each is named with what is wrong, and takes nothing else with it."""

import logging
import os
import re
import sys
from pathlib import Path

import pytest

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.spec import find_spec_file, load_spec
from mcp_server.serving.plugins import Plugins, PluginTools
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.tools import build_tools
from tests.names import FILTER, RECOMMEND, SEARCH
from tests.serving.plugins.files import GREETING, greeting, write

OURS = 10

FACTS = DatasetFacts(load_spec(find_spec_file("ml-100k")), None)


def build(*folders: Path) -> PluginTools:
    return Plugins(folders).build(FACTS, taken=build_tools(FACTS))


def line_of(source: str, part: str) -> int:
    """The number of the line that has a part."""
    return next(number for number, line in enumerate(source.splitlines(), 1) if part in line)


RAISES = greeting("late_tool").replace("    return make_tool(", "    wanted = [][2]\n    return make_tool(")
NO_PLACEHOLDER = greeting("named_tool").replace("{users}", "{viewers}")
NOT_AN_OBJECT = greeting("list_tool").replace(
    "class Nobody(Arguments):", "from pydantic import RootModel\n\n\nclass Nobody(RootModel[list[int]]):"
)
NOT_JSON = (
    greeting("odd_tool")
    .replace("    return make_tool(", "    import dataclasses\n    return dataclasses.replace(make_tool(")
    .replace("run=greet,\n    )", "run=greet,\n    ), output_schema={'type': 'object', 'properties': {'a': {1}}})")
)

BROKEN = {
    "syntax": ("def build(facts:\n    pass\n", 1, r"SyntaxError: '\(' was never closed"),
    "indentation": ("x = 1\n  y = 2\n", 2, r"IndentationError: unexpected indent"),
    "import": ("import json\n\nimport no_such_module\n", 3, r"ModuleNotFoundError: No module named 'no_such_module'"),
    "exception": ("\n\n1 / 0\n", 3, r"ZeroDivisionError: division by zero"),
    "several lines": ("raise ValueError('one\\n  two')", 1, r"ValueError: one two$"),
    "without a text": (
        "class Odd(Exception):\n    __str__ = None\nraise Odd",
        3,
        r"Odd: <exception",
    ),
    "exit": ("import sys\nsys.exit()\n", 2, r"SystemExit"),
    "interrupt": ("raise KeyboardInterrupt\n", 1, r"KeyboardInterrupt"),
    "in build": (RAISES, line_of(RAISES, "[][2]"), r"IndexError: list index out of range"),
    "exit in build": ("def build(facts):\n    raise SystemExit(3)\n", 2, r"SystemExit: 3"),
    "words": (NO_PLACEHOLDER, line_of(NO_PLACEHOLDER, "make_tool("), r"KeyError: 'viewers'"),
    "no build": ("x = 1\n", None, r"has no function build\(facts\)"),
    "build is no function": ("build = 3\n", None, r"has no function build\(facts\)"),
    "build takes nothing": ("def build():\n    pass\n", None, r"TypeError: build\(\) takes 0 positional arguments"),
    "no tool": ("def build(facts):\n    return {'name': 'x'}\n", None, r"gave dict, and not a Tool"),
    "not a tool in a list": ("def build(facts):\n    return [3]\n", None, r"gave int, and not a Tool"),
    "name with a space": (greeting("my tool"), None, r"'my tool' is no name of a tool"),
    "name of another alphabet": (greeting("tööl"), None, r"'tööl' is no name of a tool"),
    "no name": (greeting(""), None, r"'' is no name of a tool"),
    "name that ends the line": (greeting("x\n"), None, r"is no name of a tool"),
    "name that is too long": (greeting("x" * 129), None, r"is no name of a tool"),
    "a name that is a number": (f"NAME = 7\n{GREETING}", None, r"7 is no name of a tool"),
    "arguments are a list": (NOT_AN_OBJECT, None, r"list_tool: the schema of its arguments is not of an object"),
    "schema is no JSON": (NOT_JSON, None, r"odd_tool: the schema of its result is not JSON"),
    "a tool of the server": (greeting(RECOMMEND), None, rf"{RECOMMEND} is a tool of the server itself"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_named_with_its_line_and_left_out(name: str, tmp_path: Path) -> None:
    source, line, text = BROKEN[name]
    built = build(write(tmp_path, a_first=greeting("first_tool"), broken=source, z_last=greeting("last_tool")))
    assert list(built.tools) == ["first_tool", "last_tool"]
    (problem,) = built.problems
    assert problem.status == "error"
    assert problem.place == f"{tmp_path / 'broken.py'}" + (f", line {line}" if line else "")
    assert re.search(text, problem.text)
    assert "\n" not in str(problem)


def test_the_longest_name_and_all_its_characters_are_taken(tmp_path: Path) -> None:
    name = "Az09_-." + "x" * 121
    assert list(build(write(tmp_path, tool=greeting(name))).tools) == [name]


def test_an_error_in_a_file_that_a_plugin_imports_names_both(tmp_path: Path) -> None:
    write(tmp_path, _shared="\n1 / 0\n", tool="from ._shared import x\n", other=f"from . import _text\n{greeting('a')}")
    write(tmp_path, _text="x = (\n")
    places = [str(problem) for problem in build(tmp_path).problems]
    assert places == [
        f"{tmp_path / 'other.py'}: SyntaxError: '(' was never closed ({tmp_path / '_text.py'}, line 1)",
        f"{tmp_path / 'tool.py'}: ZeroDivisionError: division by zero ({tmp_path / '_shared.py'}, line 2)",
    ]


def test_the_first_of_two_tools_of_one_name_stays(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", tool=greeting("same")), write(tmp_path / "two", tool=greeting("same"))
    built = build(one, two)
    assert built.places == {"same": str(one / "tool.py")}
    (problem,) = built.problems
    assert str(problem) == f"{two / 'tool.py'}: same is there already, from {one / 'tool.py'}: choose another name"


def test_a_list_that_names_a_tool_twice_gives_it_once(tmp_path: Path) -> None:
    source = greeting("same").replace("def build", "def make") + "\n\ndef build(facts):\n    return [make(facts)] * 2\n"
    built = build(write(tmp_path, tool=source))
    assert list(built.tools) == ["same"]
    assert "same is there already" in built.problems[0].text


def test_a_file_that_cannot_be_a_module_is_named(tmp_path: Path) -> None:
    write(tmp_path, **{"my-tool": greeting("a"), "a.b": greeting("b")})
    (tmp_path / "notes.txt").write_text("not a tool")
    texts = [str(problem) for problem in build(tmp_path, tmp_path / "notes.txt").problems]
    assert [re.sub(r".*rename it: ", "", text) for text in texts] == [
        "'a.b.py' is no name of a Python module",
        "'my-tool.py' is no name of a Python module",
        "'notes.txt' is no name of a Python module",
    ]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (problem,) = build(tmp_path / "nowhere").problems
    assert problem.place == str(tmp_path / "nowhere")
    assert "RECSYS_TOOLS_PATH" in problem.text
    assert "No such file" in problem.text


@pytest.mark.skipif(os.name != "posix", reason="the permissions of POSIX")
def test_who_can_be_written_by_everybody_is_warned_of_and_serves(tmp_path: Path) -> None:
    write(tmp_path, tool=greeting("open_tool"))
    tmp_path.chmod(0o777)
    (tmp_path / "tool.py").chmod(0o666)
    built = build(tmp_path)
    assert list(built.tools) == ["open_tool"]
    assert [(problem.place, problem.status) for problem in built.problems] == [
        (str(tmp_path), "warning"),
        (str(tmp_path / "tool.py"), "warning"),
    ]


@pytest.mark.skipif(os.name != "posix", reason="the permissions of POSIX")
@pytest.mark.parametrize(("mode", "places"), [(0o777, ["above"]), (0o1777, []), (0o755, [])])
def test_a_folder_above_that_others_can_write_is_warned_of(tmp_path: Path, mode: int, places: list[str]) -> None:
    """Nobody can replace our folder where the folder above has the sticky bit."""
    folder = tmp_path / "above" / "tools"
    folder.mkdir(parents=True)
    write(folder, tool=greeting("open_tool"))
    (tmp_path / "above").chmod(mode)
    warned = [problem.place for problem in build(folder).problems if problem.status == "warning"]
    assert warned == [str(tmp_path / place) for place in places]


def test_the_log_names_what_was_left_out_and_the_server_serves(
    films_settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write(tmp_path, bad="import sys\nsys.exit(1)\n", good=greeting("good_tool"))
    settings = films_settings.model_copy(update={"tools_path": [folder, tmp_path / "nowhere"]})
    with caplog.at_level(logging.WARNING):
        service = Service(settings, prepare_if_needed=False)
    assert len(service.tools) == OURS + 1
    assert list(service.tools)[-1] == "good_tool"
    assert {RECOMMEND, FILTER, SEARCH} <= service.tools.keys()
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2
    assert f"{folder / 'bad.py'}, line 2: SystemExit: 1" in errors[0]
    assert f"{tmp_path / 'nowhere'}: cannot be read" in errors[1]


def test_what_a_broken_file_leaves_behind_is_no_module(tmp_path: Path) -> None:
    before = set(sys.modules)
    build(write(tmp_path, bad="1 / 0\n"))
    assert [name for name in set(sys.modules) - before if name.endswith("bad")] == []
