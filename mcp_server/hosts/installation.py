"""Our server entered into a host's file and taken out again, with everything else in the file as it was.

A change is first planned as a new text, and checked: apart from our entry, the new text has to say what the old one
said. Only then is it written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mcp_server.errors import InvalidInputError
from mcp_server.hosts.config_file import ConfigFile, ConfigFileError
from mcp_server.hosts.host import Entry, Host, describe_damage
from mcp_server.hosts.json_text import JsonText
from mcp_server.hosts.server_entry import LocalServer, RemoteServer, is_secret
from mcp_server.hosts.toml_text import TomlText

Action = Literal["added", "updated", "unchanged", "removed", "absent"]

INPUTS = "inputs"
"""Key of the values that VS Code asks for, in its file."""

OUR_KEYS = frozenset({"type", "command", "args", "env", "url", "serverUrl", "httpUrl", "headers", "http_headers"})
"""Keys of an entry that we write. Others, such as "disabled" or "timeout", are the user's and stay."""


@dataclass(frozen=True)
class Change:
    """A planned change of a host's file.

    Args:
        old: Our entry before.
        new: Our entry afterwards.
        text: The file's text afterwards; None takes the file away.
    """

    file: ConfigFile
    action: Action
    old: Entry | None
    new: Entry | None
    text: str | None


def plan_install(host: Host, file: ConfigFile, name: str, server: LocalServer | RemoteServer) -> Change:
    """The change that enters a server, or updates its entry.

    Raises:
        ConfigFileError: The file is damaged, or written in a way that we cannot change without risk.
        InvalidInputError: The host does not know this kind of server.
    """
    new, inputs = host.entry(server), []
    if isinstance(server, LocalServer) and server.secrets and host.asks_for_secrets:
        inputs = [_input(name, variable) for variable in server.secrets]
        asked = {v: f"${{input:{item['id']}}}" for v, item in zip(server.secrets, inputs, strict=True)}
        new["env"] = {**new.get("env", {}), **asked}
    try:
        document = _read(host, file.text or "")
        old = _entry(host, document.content, name)
        if old is not None:
            new = _with_users_own(old, new)
        if new == old:
            return Change(file, "unchanged", old, new, file.text)
        text = _with_entry(host, file.text or "", name, new, inputs)
    except ConfigFileError as error:
        raise ConfigFileError(
            f"{file.path} {error}. It was left as it is; mend it and try again, or add this yourself:\n\n"
            f"{host.snippet(name, new)}"
        ) from error
    return Change(file, "added" if old is None else "updated", old, new, text)


def plan_uninstall(host: Host, file: ConfigFile, name: str) -> Change:
    """The change that takes a server out; if possible, the file becomes what it was before the server was entered.

    Raises:
        ConfigFileError: The file is damaged, or written in a way that we cannot change without risk.
    """
    if file.text is None:
        return Change(file, "absent", None, None, None)
    try:
        content = _read(host, file.text).content
        old = _entry(host, content, name)
        if old is None:
            return Change(file, "absent", None, None, file.text)
        inputs = _inputs_of(content, name, old)
        for earlier in file.earlier_texts():  # exactly as it was, empty objects included
            if _would_become(file.text, host, earlier, name, old, inputs):
                return Change(file, "removed", old, None, earlier)
        if _would_become(file.text, host, "", name, old, inputs):
            return Change(file, "removed", old, None, None)
        return Change(file, "removed", old, None, _without_entry(host, file.text, name, inputs))
    except ConfigFileError as error:
        raise ConfigFileError(f"{file.path} {error}. It was left as it is; take {name!r} out yourself") from error


def _read(host: Host, text: str) -> JsonText | TomlText:
    try:
        return host.read(text)
    except ValueError as error:
        raise ConfigFileError(f"is damaged, {describe_damage(error)}") from error
    except RecursionError as error:
        raise ConfigFileError("is nested too deeply to be read") from error


def _entry(host: Host, content: Any, name: str) -> Entry | None:
    servers = content.get(host.servers_key, {}) if isinstance(content, Mapping) else None
    if not isinstance(servers, Mapping):
        raise ConfigFileError(f"has no object of servers at {host.servers_key!r}")
    entry = servers.get(name)
    if entry is not None and not isinstance(entry, Mapping):
        raise ConfigFileError(f"has something other than a server at {host.servers_key}.{name}")
    return None if entry is None else dict(entry)


def _with_users_own(old: Entry, new: Entry) -> Entry:
    """The new entry with the user's own additions to the old one: settings of the host, and secrets."""
    secrets = {key: value for key, value in _env(old).items() if is_secret(key)}
    if "command" in new and secrets:
        new = {**new, "env": {**new.get("env", {}), **secrets}}
    return new | {key: value for key, value in old.items() if key not in OUR_KEYS}


def _input(name: str, variable: str) -> dict[str, Any]:
    words = variable.removeprefix("RECSYS_").lower().replace("_", " ")
    identifier = f"{name}-{words.replace(' ', '-')}"
    return {"type": "promptString", "id": identifier, "description": f"{name}: {words}", "password": True}


def _inputs_of(content: Mapping[str, Any], name: str, entry: Entry) -> list[dict[str, Any]]:
    """Inputs of VS Code that only our entry uses."""
    used = [value for value in _env(entry).values() if isinstance(value, str)]
    return [
        dict(item)
        for item in _items(content)
        if isinstance(item, Mapping)
        and str(item.get("id")).startswith(f"{name}-")
        and f"${{input:{item['id']}}}" in used
    ]


def _items(content: Mapping[str, Any]) -> list[Any]:
    items = content.get(INPUTS)
    return items if isinstance(items, list) else []


def _env(entry: Entry) -> Mapping[str, Any]:
    env = entry.get("env")
    return env if isinstance(env, Mapping) else {}


def _with_entry(host: Host, text: str, name: str, entry: Entry, inputs: list[dict[str, Any]]) -> str:
    document = _read(host, text)
    expected = {**document.content, host.servers_key: {**document.content.get(host.servers_key, {}), name: entry}}
    changed = document.put([host.servers_key, name], entry)
    known = [item.get("id") for item in _items(expected) if isinstance(item, Mapping)]
    for item in inputs:
        if item["id"] not in known:
            changed = JsonText(changed, comments=True).append([INPUTS], item)
            expected[INPUTS] = [*_items(expected), item]
    return _checked(host, changed, expected)


def _without_entry(host: Host, text: str, name: str, inputs: list[dict[str, Any]]) -> str:
    document = _read(host, text)
    others = {key: value for key, value in document.content[host.servers_key].items() if key != name}
    expected = {**document.content, host.servers_key: others}
    changed = document.take([host.servers_key, name])
    for item in inputs:
        index = expected[INPUTS].index(item)
        expected[INPUTS] = [*expected[INPUTS][:index], *expected[INPUTS][index + 1 :]]
        changed = JsonText(changed, comments=True).take([INPUTS, index])
    return _checked(host, changed, expected)


def _would_become(text: str, host: Host, earlier: str, name: str, entry: Entry, inputs: list[dict[str, Any]]) -> bool:
    """True if entering our server into an earlier text gives the present one."""
    try:
        if _entry(host, _read(host, earlier).content, name) is not None:
            return False
        return _with_entry(host, earlier, name, entry, inputs) == text
    except ConfigFileError:
        return False


def _checked(host: Host, changed: str, expected: Any) -> str:
    """The new text, after a check that it says what is expected.

    Raises:
        ConfigFileError: It does not, because the file is written in a way that was not foreseen.
    """
    try:
        content = host.read(changed).content
    except ValueError as error:
        raise ConfigFileError("is written in a way that this program cannot change") from error
    if content != expected and _without_empty(content, host) != _without_empty(expected, host):
        raise ConfigFileError("is written in a way that this program cannot change")
    return changed


def _without_empty(content: Any, host: Host) -> Any:
    """The content without an empty table of servers: in TOML it disappears with the last server."""
    if host.notation != "toml" or content.get(host.servers_key):
        return content
    return {key: value for key, value in content.items() if key != host.servers_key}


def check_name(name: str) -> None:
    """Check the name of a server.

    Raises:
        InvalidInputError: Some host would not accept the name.
    """
    if not (0 < len(name) <= 64 and name.isascii() and all(c.isalnum() or c in "-_" for c in name)):
        raise InvalidInputError(f"--name {name!r}: up to 64 letters, digits, - and _ were expected")
