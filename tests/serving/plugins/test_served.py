"""Plug-ins in a real server: over stdio, in commands, and from one state to the next."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.errors import InvalidInputError
from mcp_server.protocol.client import stdio_session
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.tool_testing import open_tools
from tests.conftest import SHOP
from tests.names import LIKE
from tests.running_servers import PATIENCE_SECONDS, own_environment
from tests.serving.plugins.files import GREETING, greeting, write

NOISY = f"""
import os, subprocess, sys
print("at import")
print("unflushed", end="")
os.write(1, b"by the system\\n")
subprocess.run([sys.executable, "-c", "print('by a child')"], check=True)
NAME = "noisy_tool"
{GREETING.replace("    return make_tool(", "    print('in build')" + chr(10) + "    return make_tool(")}
"""

READS = f"""
import os, sys
NAME = f"read_{{len(os.read(0, 100))}}_{{len(sys.stdin.readlines())}}"
{GREETING}
"""

FAILS = greeting("failing_tool").replace("    return Result(", "    print('in run')\n    return 1 / 0 or Result(")

COUNTS = (
    greeting("counting_tool").replace('"Greets {users}."', 'f"Greets {facts.card.n_users}."')
    + """
from pathlib import Path
with (Path(__file__).parent / "imports.txt").open("a") as file:
    file.write("x")
"""
)


def run(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command, without the settings of whoever runs the tests."""
    return subprocess.run(
        [sys.executable, "-m", "mcp_server", *map(str, words)],
        env=own_environment(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
        check=False,
    )


async def test_what_plugins_print_and_read_is_kept_from_the_protocol(shop_settings: Settings, tmp_path: Path) -> None:
    folder = write(tmp_path / "tools", noisy=NOISY, reads=READS, fails=FAILS)
    with (tmp_path / "log").open("w+") as log:
        command = ["serve", "--state", str(shop_settings.state_folder)]
        async with stdio_session(command, {"RECSYS_TOOLS_PATH": str(folder)}, log) as session:
            names = [tool["name"] for tool in await session.list_tools()]
            answer = await session.call("noisy_tool", {})
            failed = await session.call("failing_tool", {})
    said = (tmp_path / "log").read_text()
    assert names[-3:] == ["failing_tool", "noisy_tool", "read_0_0"]
    assert answer["structuredContent"] == {"message": "hello from noisy_tool"}
    for text in ("at import", "unflushed", "by the system", "by a child", "in build", "in run"):
        assert text in said
    assert failed["isError"]
    assert failed["content"][0]["text"].startswith("failing_tool failed by a defect")
    assert "failing_tool failed" in said
    assert f'File "{folder / "fails.py"}"' in said
    assert "ZeroDivisionError" in said


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
async def test_a_result_that_json_cannot_hold_is_an_error_of_its_tool(
    shop_settings: Settings, tmp_path: Path, number: str
) -> None:
    source = greeting("measuring_tool").replace(
        "class Nobody", "class Measured(Result):\n    share: float\n\n\nclass Nobody"
    )
    source = source.replace("return Result(", f"return Measured(share=float('{number}'), ")
    folder = write(tmp_path / "tools", measures=source, greets=greeting("greeting_tool"))
    with (tmp_path / "log").open("w+") as log:
        command = ["serve", "--state", str(shop_settings.state_folder)]
        async with stdio_session(command, {"RECSYS_TOOLS_PATH": str(folder)}, log) as session:
            failed = await session.call("measuring_tool", {})
            greeted = await session.call("greeting_tool", {})
    assert failed["isError"]
    assert failed["content"][0]["text"].startswith("measuring_tool failed by a defect")
    assert "structuredContent" not in failed
    assert "not JSON compliant" in (tmp_path / "log").read_text()
    assert not greeted["isError"]


async def test_a_tool_that_changes_something_is_announced_as_such(shop_settings: Settings, tmp_path: Path) -> None:
    writes = greeting("writing_tool").replace("run=greet,", "run=greet, read_only=False,")
    folder = write(tmp_path / "tools", writes=writes, reads=greeting("reading_tool"))
    with (tmp_path / "log").open("w+") as log:
        command = ["serve", "--state", str(shop_settings.state_folder)]
        async with stdio_session(command, {"RECSYS_TOOLS_PATH": str(folder)}, log) as session:
            hints = {tool["name"]: tool["annotations"] for tool in await session.list_tools()}
    assert hints["writing_tool"] == {"readOnlyHint": False}
    assert hints["reading_tool"] == hints[LIKE]
    assert hints[LIKE]["readOnlyHint"]


def test_call_and_doctor_know_the_tools(shop_settings: Settings, tmp_path: Path) -> None:
    folder = write(tmp_path, noisy=NOISY, bad="\n\nimport nothing_such\n")
    options = ["--state", shop_settings.state_folder, "--dataset", SHOP]
    variables = {"RECSYS_TOOLS_PATH": f"{folder}{os.pathsep}{tmp_path / 'nowhere'}"}
    listed = run("call", "list", *options, **variables)
    assert listed.returncode == 0
    assert "noisy_tool()" in listed.stdout
    assert "Greets customers." in listed.stdout
    called = run("call", "noisy_tool", "--json", *options, **variables)
    assert json.loads(called.stdout) == {"message": "hello from noisy_tool"}
    examined = run("doctor", "--json", *options, **variables)
    findings = [finding for finding in json.loads(examined.stdout) if finding["check"] == "tools"]
    assert examined.returncode == 1
    assert {finding["text"]: finding["status"] for finding in findings} == {
        f"{tmp_path / 'nowhere'}: cannot be read (RECSYS_TOOLS_PATH): No such file or directory": "error",
        f"{folder / 'bad.py'}, line 3: ModuleNotFoundError: No module named 'nothing_such'": "error",
        f"noisy_tool from {folder / 'noisy.py'}": "ok",
    }
    (folder / "bad.py").unlink()
    assert run("doctor", *options, RECSYS_TOOLS_PATH=str(folder)).returncode == 0


def test_the_doctor_looks_at_plugins_before_anything_is_prepared(tmp_path: Path) -> None:
    folder = write(tmp_path / "tools", early=greeting("early_tool"))
    options = ["--json", "--state", tmp_path / "state", "--dataset", SHOP]
    findings = json.loads(run("doctor", *options, RECSYS_TOOLS_PATH=str(folder)).stdout)
    assert {"check": "tools", "status": "ok", "text": f"early_tool from {folder / 'early.py'}"} in findings


def test_the_doctor_does_not_speak_of_plugins_where_there_are_none(shop_settings: Settings) -> None:
    findings = json.loads(run("doctor", "--json", "--state", shop_settings.state_folder, "--dataset", SHOP).stdout)
    assert "tools" not in {finding["check"] for finding in findings}


def test_a_tool_is_served_where_the_dataset_has_what_it_needs(shop_settings: Settings, tmp_path: Path) -> None:
    def needing(feature: str) -> str:
        source = greeting("needy_tool").replace("import Arguments", "import Feature, Arguments")
        return source.replace("run=greet,", f"run=greet, needs=Feature.{feature},")

    write(tmp_path, grouped=needing("USER_GROUPS"), rated=needing("RATINGS"))
    service = Service(shop_settings.model_copy(update={"tools_path": [tmp_path]}), prepare_if_needed=False)
    assert "needy_tool" in service.tools
    (tmp_path / "grouped.py").unlink()
    service = Service(shop_settings.model_copy(update={"tools_path": [tmp_path]}), prepare_if_needed=False)
    assert "needy_tool" not in service.tools


async def test_a_new_state_builds_tools_anew_from_files_imported_once(shop_settings: Settings, tmp_path: Path) -> None:
    data, state = tmp_path / "shop", tmp_path / "state"
    shutil.copytree(SHOP, data)
    shutil.copytree(shop_settings.state_folder, state)
    folder = write(tmp_path / "tools", counts=COUNTS)
    settings = Settings(dataset=str(data), state=state, tools_path=[folder])
    service = Service(settings, prepare_if_needed=False)
    n_customers = len((SHOP / "customers.csv").read_text("utf-8").splitlines()) - 1
    assert service.tools["counting_tool"].description == f"Greets {n_customers}."
    with (data / "customers.csv").open("a", encoding="utf-8") as file:
        file.write("zoe,Lyon,g\n")
    prepare_with_progress(settings, Console(stderr=True))
    assert await service.call("counting_tool", {}) == {"message": "hello from counting_tool"}
    assert service.tools["counting_tool"].description == f"Greets {n_customers + 1}."
    assert (folder / "imports.txt").read_text() == "x"
    await service.close()


async def test_files_import_those_beside_them_and_leave_the_path_of_modules_alone(tmp_path: Path) -> None:
    path, modules = list(sys.path), set(sys.modules)
    sources = {"_shared": "SUFFIX = '_tool'\n", "test_own": "1 / 0\n", "conftest": "1 / 0\n"}
    own = (
        f"from pathlib import Path\nfrom ._shared import SUFFIX\nNAME = Path(__file__).parent.name + SUFFIX\n{GREETING}"
    )
    folders = [write(tmp_path / name, tool=own, **sources) for name in ("one", "two")]
    settings = Settings(dataset=str(SHOP), state=tmp_path / "nothing", tools_path=[*folders, folders[0]])
    service = Service(settings, prepare_if_needed=True)
    assert list(service.tools)[-2:] == ["one_tool", "two_tool"]
    assert sys.path == path
    added = {name for name in set(sys.modules) - modules if not name.startswith("mcp_server.")}
    assert {name.partition(".")[2] for name in added} == {"", "tool", "_shared"}
    await service.close()


async def test_one_file_can_be_named_instead_of_its_folder(tmp_path: Path) -> None:
    folder = write(tmp_path, one=greeting("one_tool"), two=greeting("two_tool"))
    settings = Settings(dataset=str(SHOP), state=tmp_path / "nothing", tools_path=str(folder / "two.py"))
    service = Service(settings, prepare_if_needed=True)
    assert "two_tool" in service.tools
    assert "one_tool" not in service.tools
    await service.close()


async def test_a_test_calls_tools_without_a_host(shop_settings: Settings, tmp_path: Path) -> None:
    folder = write(tmp_path, mine=greeting("my_tool"))
    place: dict[str, Any] = {"dataset": str(SHOP), "state": shop_settings.state_folder}
    async with open_tools(tools_path=folder.name, **place) as call:
        with pytest.raises(InvalidInputError, match="there is no tool 'my_tool'"):
            await call("my_tool", {})
    async with open_tools(tools_path=[folder], **place) as call:
        assert await call("my_tool", {}) == {"message": "hello from my_tool"}
        assert (await call(LIKE, {"items": ["KIT-01"]}))["n_items"] == 1
        with pytest.raises(InvalidInputError, match="my_tool: there is no argument 'user'"):
            await call("my_tool", {"user": "anna"})


# The setting


def test_folders_are_separated_as_in_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECSYS_TOOLS_PATH", os.pathsep.join(["/one", "", "two"]))
    assert Settings().tools_path == [Path("/one"), Path("two")]
    monkeypatch.delenv("RECSYS_TOOLS_PATH")
    assert Settings().tools_path == []


def test_what_plugins_import_is_light() -> None:
    """A host waits for the list of tools."""
    program = (
        "import sys; from mcp_server.tool_api import *; "
        "print(sorted({'numpy', 'sqlalchemy', 'fastembed', 'qdrant_edge', 'qdrant_client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
