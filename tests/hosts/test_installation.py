"""Our server in hosts' files: entered, updated and taken out, with everything else as it was."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.hosts.config_file import ConfigFile, ConfigFileError
from mcp_server.hosts.host import Host
from mcp_server.hosts.installation import Change, check_name, plan_install, plan_uninstall
from mcp_server.hosts.known import HOSTS, find_host
from mcp_server.hosts.machine import Machine
from mcp_server.hosts.server_entry import LocalServer, RemoteServer

SERVER = LocalServer("/opt/recsys/bin/recsys-mcp", ("serve", "--state", "/films"), {"RECSYS_LOG_LEVEL": "DEBUG"})
STARTED = {"command": SERVER.command, "args": list(SERVER.args), "env": dict(SERVER.env)}

SERVERS_KEYS = {"vscode": "servers", "vscode-insiders": "servers", "zed": "context_servers", "codex": "mcp_servers"}
TYPED = {"claude-code", "vscode", "vscode-insiders"}
TAKING_COMMENTS = {"vscode", "vscode-insiders", "zed", "gemini-cli"}

every_host = pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
json_hosts = pytest.mark.parametrize("host", [h for h in HOSTS if h.name != "codex"], ids=lambda host: host.name)


@dataclass
class Installation:
    """One host's file on a machine of the test's own."""

    host: Host
    path: Path

    def install(self, server: LocalServer | RemoteServer = SERVER, name: str = "recsys") -> Change:
        change = plan_install(self.host, ConfigFile(self.path), name, server)
        if change.action != "unchanged":
            change.file.replace(change.text)
        return change

    def uninstall(self, name: str = "recsys") -> Change:
        change = plan_uninstall(self.host, ConfigFile(self.path), name)
        if change.action == "removed":
            change.file.replace(change.text)
        return change

    def content(self) -> dict[str, Any]:
        """Read by other means than the program's own."""
        text = self.path.read_text(encoding="utf-8")
        if self.host.name == "codex":
            return tomllib.loads(text)
        content: dict[str, Any] = json.loads(re.sub(r"(?m)(^|\s)//.*$", "", text))
        return content

    @property
    def servers_key(self) -> str:
        return SERVERS_KEYS.get(self.host.name, "mcpServers")

    def write(self, text: str) -> bytes:
        """A file of the user's."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(text.encode("utf-8"))
        return self.path.read_bytes()

    def files(self) -> list[str]:
        return sorted(entry.name for entry in self.path.parent.iterdir()) if self.path.parent.is_dir() else []


@pytest.fixture
def on(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    host = request.node.callspec.params["host"] if hasattr(request.node, "callspec") else find_host("claude-desktop")
    return Installation(host, host.file(Machine("linux", tmp_path, {}), None))


def _filled(on: Installation) -> str:
    """A file as a user has it, with things of other programs."""
    if on.host.name == "codex":
        return '# mine\nmodel = "o4"\n\n[mcp_servers.docs]\ncommand = "npx"\n\n[tui]\ntheme = "dark"\n'
    key = on.servers_key
    return (
        f'{{\n\t"theme": "dark",\n\t"{key}": {{\n\t\t"docs": {{"command": "npx", "args": []}}\n\t}},\n\t"z": [1, 2]\n}}'
    )


@every_host
def test_into_a_missing_file(host: Host, on: Installation) -> None:
    assert on.install().action == "added"
    entry = ({"type": "stdio"} if host.name in TYPED else {}) | STARTED
    assert on.content() == {on.servers_key: {"recsys": entry}}
    assert on.files() == [on.path.name]


@every_host
@pytest.mark.parametrize(
    "text", ["", "\n", "{}", "{ }\n", '{"SERVERS": {}}', '{\n  "SERVERS": {\n  }\n}\n', '{"a": 1}']
)
def test_into_an_empty_file_and_back(host: Host, text: str, on: Installation) -> None:
    if host.name == "codex":
        text = {"{}": "# nothing\n", '{"a": 1}': "a = 1"}.get(text, "\n" if "{" in text else text)
    before = on.write(text.replace("SERVERS", on.servers_key))
    on.install()
    assert on.content()[on.servers_key]["recsys"]["command"] == SERVER.command
    assert on.uninstall().action == "removed"
    assert on.path.read_bytes() == before


@every_host
def test_into_a_filled_file_and_back(host: Host, on: Installation) -> None:
    before = on.write(_filled(on))
    expected = on.content()
    on.install()
    entry = ({"type": "stdio"} if host.name in TYPED else {}) | STARTED
    expected[on.servers_key]["recsys"] = entry
    assert on.content() == expected
    assert list(on.content()) == list(expected)
    on.uninstall()
    assert on.path.read_bytes() == before


@every_host
def test_taken_out_without_the_copies_too(host: Host, on: Installation) -> None:
    before = on.write(_filled(on))
    on.install()
    for copy in on.path.parent.glob("*.bak"):
        copy.unlink()
    on.uninstall()
    assert on.path.read_bytes() == before


@every_host
def test_what_users_add_afterwards_outlives_the_uninstallation(host: Host, on: Installation) -> None:
    on.write(_filled(on))
    on.install()
    text = on.path.read_text(encoding="utf-8")
    later = text + "\n[later]\na = 1\n" if host.name == "codex" else text.replace('"z": [1, 2]', '"z": [1, 2, 3]')
    on.write(later)
    expected = on.content()
    del expected[on.servers_key]["recsys"]
    on.uninstall()
    assert on.content() == expected


@every_host
def test_a_second_time_changes_nothing_and_makes_no_copy(host: Host, on: Installation) -> None:
    on.write(_filled(on))
    on.install()
    text, files = on.path.read_bytes(), on.files()
    assert on.install().action == "unchanged"
    assert (on.path.read_bytes(), on.files()) == (text, files)
    on.uninstall()
    text, files = on.path.read_bytes(), on.files()
    assert on.uninstall().action == "absent"
    assert (on.path.read_bytes(), on.files()) == (text, files)


@every_host
def test_another_entry_of_the_name_is_updated_in_its_place(host: Host, on: Installation) -> None:
    before = on.write(_filled(on))
    on.install(LocalServer("/old/recsys-mcp", ("serve",), {}))
    change = on.install()
    assert change.action == "updated"
    assert change.old is not None
    assert change.new is not None
    assert (change.old["command"], change.new["command"]) == ("/old/recsys-mcp", SERVER.command)
    assert on.content()[on.servers_key]["recsys"]["args"] == list(SERVER.args)
    on.uninstall()
    assert on.path.read_bytes() == before


@every_host
def test_a_file_that_is_ours_alone_goes_with_the_entry(host: Host, on: Installation) -> None:
    on.install()
    assert on.uninstall().text is None
    assert not on.path.exists()
    assert on.uninstall().action == "absent"


@every_host
def test_two_names_are_two_servers(host: Host, on: Installation) -> None:
    on.install()
    on.install(LocalServer("/opt/recsys/bin/recsys-mcp", ("serve", "--state", "/shop"), {}), "shop")
    on.uninstall()
    assert list(on.content()[on.servers_key]) == ["shop"]


@every_host
def test_a_damaged_file_is_refused_with_its_place_and_what_to_paste(host: Host, on: Installation) -> None:
    before = on.write("a = 1\nb = [1 2]\n" if host.name == "codex" else '{\n  "a": 1\n  "b": 2\n}\n')
    place = r"line 2, column 8" if host.name == "codex" else "line 3, column 3"
    with pytest.raises(ConfigFileError, match=place) as raised:
        on.install()
    assert SERVER.command in str(raised.value)
    with pytest.raises(ConfigFileError, match=place):
        on.uninstall()
    assert on.path.read_bytes() == before
    assert on.files() == [on.path.name]


@json_hosts
def test_comments_stay_where_the_host_takes_them_and_are_refused_elsewhere(host: Host, on: Installation) -> None:
    text = f'// mine\n{{\n  // servers\n  "{on.servers_key}": {{\n    "docs": {{}} // the docs\n  }}\n}}\n'
    before = on.write(text)
    if host.name not in TAKING_COMMENTS:
        with pytest.raises(ConfigFileError, match="line 1, column 1: comments are not allowed"):
            on.install()
    else:
        on.install()
        assert [*on.content()[on.servers_key]] == ["docs", "recsys"]
        for comment in ("// mine", "// servers", "// the docs"):
            assert comment in on.path.read_text(encoding="utf-8")
        on.uninstall()
    assert on.path.read_bytes() == before


@json_hosts
@pytest.mark.parametrize("text", ["[]", '{"SERVERS": []}', '{"SERVERS": {"recsys": "x"}}', '"text"'])
def test_a_file_of_another_form_is_refused(host: Host, text: str, on: Installation) -> None:
    before = on.write(text.replace("SERVERS", on.servers_key))
    with pytest.raises(ConfigFileError, match="left as it is"):
        on.install()
    assert on.path.read_bytes() == before


@pytest.mark.parametrize("entry", ["{}", '{"env": null}', '{"env": ["A=b"]}', '{"env": {"A": ["b"]}, "args": "x"}'])
@pytest.mark.parametrize("name", ["claude-desktop", "vscode"])
def test_an_entry_that_no_host_would_take_is_updated_or_taken_out_too(name: str, entry: str, tmp_path: Path) -> None:
    on = Installation(find_host(name), tmp_path / "mcp.json")
    on.write(f'{{"{on.servers_key}": {{"recsys": {entry}}}, "inputs": [null]}}')
    assert on.uninstall().action == "removed"
    assert on.content() == {on.servers_key: {}, "inputs": [None]}
    on.write(f'{{"{on.servers_key}": {{"recsys": {entry}}}, "inputs": []}}')
    assert on.install().action == "updated"
    assert on.content()[on.servers_key]["recsys"]["args"] == list(SERVER.args)


@pytest.mark.parametrize("inputs", ["null", "{}", '"x"'])
def test_inputs_of_another_form_are_left_alone(inputs: str, tmp_path: Path) -> None:
    on = Installation(find_host("vscode"), tmp_path / "mcp.json")
    before = on.write(f'{{"servers": {{}}, "inputs": {inputs}}}')
    with pytest.raises(ConfigFileError, match="left as it is"):
        on.install(SECRET)
    assert on.path.read_bytes() == before


@pytest.mark.parametrize(
    "text", ["mcp_servers = 1\n", 'mcp_servers = {recsys = {command = "x"}}\n', "mcp_servers = {}\n"]
)
def test_toml_that_cannot_be_changed_without_risk_is_refused(text: str, tmp_path: Path) -> None:
    on = Installation(find_host("codex"), tmp_path / "config.toml")
    before = on.write(text)
    with pytest.raises(ConfigFileError, match="left as it is"):
        on.install()
    assert on.path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "over_http", "over_sse"),
    [
        ("claude-code", {"type": "http", "url": "URL", "headers": {}}, {"type": "sse", "url": "URL", "headers": {}}),
        ("cursor", {"url": "URL", "headers": {}}, {"url": "URL", "headers": {}}),
        ("vscode", {"type": "http", "url": "URL", "headers": {}}, {"type": "sse", "url": "URL", "headers": {}}),
        ("windsurf", {"serverUrl": "URL", "headers": {}}, {"serverUrl": "URL", "headers": {}}),
        ("zed", {"url": "URL", "headers": {}}, None),
        ("gemini-cli", {"httpUrl": "URL", "headers": {}}, {"url": "URL", "headers": {}}),
        ("codex", {"url": "URL", "http_headers": {}}, None),
        ("lm-studio", {"url": "URL", "headers": {}}, {"url": "URL", "headers": {}}),
    ],
)
def test_a_running_server_in_each_hosts_form(
    name: str, over_http: dict[str, Any], over_sse: dict[str, Any] | None, tmp_path: Path
) -> None:
    on = Installation(find_host(name), tmp_path / "file")
    for url, form in (("http://films:8000/mcp", over_http), ("https://films/sse", over_sse)):
        if form is None:
            with pytest.raises(InvalidInputError, match="SSE"):
                on.install(RemoteServer(url, None))
            continue
        address = {key: url for key, value in form.items() if value == "URL"}
        kind = {key: value for key, value in form.items() if key == "type"}
        headers = {key: {"Authorization": "Bearer t0ken"} for key, value in form.items() if value == {}}
        on.install(RemoteServer(url, "t0ken"))
        assert on.content()[on.servers_key]["recsys"] == kind | address | headers
        on.install(RemoteServer(url, None))
        assert on.content()[on.servers_key]["recsys"] == kind | address


def test_claude_desktop_takes_no_url(on: Installation) -> None:
    with pytest.raises(InvalidInputError, match="no URLs"):
        on.install(RemoteServer("http://films:8000/mcp", None))
    assert not on.path.exists()


@pytest.mark.parametrize("url", ["films:8000", "ftp://films/mcp", "http://", ""])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError, match="URL"):
        RemoteServer(url, None)


SECRET = LocalServer("/opt/recsys-mcp", ("serve",), {"RECSYS_QDRANT_URL": "http://q:6333"}, ("RECSYS_DATABASE_URL",))


def test_secrets_that_users_add_outlive_updates_and_so_do_their_settings_of_the_host(tmp_path: Path) -> None:
    on = Installation(find_host("cursor"), tmp_path / "mcp.json")
    on.install(SECRET)
    assert on.content()["mcpServers"]["recsys"]["env"] == {"RECSYS_QDRANT_URL": "http://q:6333"}
    mine = on.content()
    mine["mcpServers"]["recsys"]["env"]["RECSYS_DATABASE_URL"] = "mysql+aiomysql://u:p@h/d"
    mine["mcpServers"]["recsys"]["disabled"] = True
    on.write(json.dumps(mine))
    assert on.install(SECRET).action == "unchanged"
    on.install(LocalServer("/new/recsys-mcp", ("serve",), {}, ("RECSYS_DATABASE_URL",)))
    entry = on.content()["mcpServers"]["recsys"]
    assert (entry["command"], entry["disabled"]) == ("/new/recsys-mcp", True)
    assert entry["env"] == {"RECSYS_DATABASE_URL": "mysql+aiomysql://u:p@h/d"}


@pytest.mark.parametrize("name", ["vscode", "vscode-insiders"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        '{\n  // what it asks for\n  "inputs": [\n    {"id": "key", "type": "promptString"} // of another\n  ]\n}\n',
        '{"servers": {"docs": {}}, "inputs": []}',
    ],
)
def test_vscode_asks_for_secrets_and_forgets_to_when_the_server_goes(name: str, text: str, tmp_path: Path) -> None:
    on = Installation(find_host(name), tmp_path / "mcp.json")
    before = on.write(text)
    others = on.content().get("inputs", []) if text else []
    on.install(SECRET)
    content = on.content()
    (ours,) = [item for item in content["inputs"] if item not in others]
    assert content["servers"]["recsys"]["env"]["RECSYS_DATABASE_URL"] == f"${{input:{ours['id']}}}"
    assert (ours["type"], ours["password"]) == ("promptString", True)
    assert on.install(SECRET).action == "unchanged"
    copies = [copy.read_bytes() for copy in tmp_path.glob("*.bak")]
    assert copies == [before]
    on.uninstall()
    assert on.path.read_bytes() == before


def test_inputs_go_without_the_copies_too(tmp_path: Path) -> None:
    on = Installation(find_host("vscode"), tmp_path / "mcp.json")
    before = on.write('{\n  "servers": {\n    "docs": {}\n  },\n  "inputs": [\n    {"id": "key"} // mine\n  ]\n}\n')
    on.install(SECRET)
    for copy in tmp_path.glob("*.bak"):
        copy.unlink()
    on.uninstall()
    assert on.path.read_bytes() == before


@pytest.mark.parametrize("name", ["", "a b", "a.b", "ä", "x" * 65, "a/b"])
def test_names_that_some_hosts_do_not_take_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="--name"):
        check_name(name)
    check_name("recsys_2-b")
