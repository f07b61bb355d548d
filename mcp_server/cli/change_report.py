"""A change of a host's file, as it is told to people and to scripts. Secrets are hidden in both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.text import Text

from mcp_server.hosts.host import Host
from mcp_server.hosts.installation import Change
from mcp_server.hosts.server_entry import is_secret
from recsys_shared.plain_text import json_text
from recsys_shared.terminal import PlainConsole

HIDDEN = "(hidden)"


def print_change(console: PlainConsole, host: Host, change: Change, name: str, backup: Path | None) -> None:
    path = change.file.path
    said = {
        "unchanged": f"is already in {path}; nothing was changed.",
        "absent": f"is not in {path}; nothing was changed.",
        "added": f"was added to {host.title}, in {path}.",
        "updated": f"was updated in {host.title}, in {path}.",
        "removed": f"was removed from {host.title}, in {path}.",
    }
    console.print(Text.assemble((name, "bold"), f" {said[change.action]}"))
    if change.action == "updated":
        console.print(f"  old: {json_text(_without_secrets(change.old))}")
        console.print(f"  new: {json_text(_without_secrets(change.new))}")
    if change.action == "removed" and change.text is None:
        console.print("Nothing else was in the file, so the file was removed too.")
    if backup is not None:
        console.print(f"A copy of the file as it was: {backup}")


def change_as_json(host: Host, change: Change, backup: Path | None) -> dict[str, Any]:
    return {
        "host": host.name,
        "action": change.action,
        "file": str(change.file.path),
        "backup": None if backup is None else str(backup),
        "old": _without_secrets(change.old),
        "new": _without_secrets(change.new),
    }


def _without_secrets(entry: Any) -> Any:
    """An entry fit for a screen that others may see."""
    if not isinstance(entry, Mapping):
        return entry
    return {
        key: HIDDEN if key == "Authorization" or is_secret(key) else _without_secrets(value)
        for key, value in entry.items()
    }
