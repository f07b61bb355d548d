"""Results of tools as tables for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from recsys_shared.plain_text import cut, one_line
from recsys_shared.terminal import PlainConsole

LONGEST_CELL = 160


def render_result(result: Mapping[str, Any]) -> RenderableType:
    """A result's message, its other values, and its lists as tables."""
    parts: list[RenderableType] = [Text(str(result.get("message", "")), style="bold")]
    shown = {name: value for name, value in result.items() if name not in ("message", "corrections", "not_found")}
    tables = [value for value in shown.values() if isinstance(value, list) and all(map(_is_row, value))]
    for name, value in shown.items():
        if value not in tables:
            parts.append(Text(f"{_label(name)}: {_cell(value)}", style="dim"))
    return Group(*parts, *(_table(rows) for rows in tables if rows))


def _is_row(value: Any) -> bool:
    return isinstance(value, Mapping)


def _table(items: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    columns = list(dict.fromkeys(name for item in items for name in item))
    for name in columns:
        numbers = [item.get(name) for item in items]
        numeric = all(isinstance(each, int | float | None) and not isinstance(each, bool) for each in numbers)
        table.add_column(_label(name), justify="right" if numeric else "left", header_style="dim")
    for item in items:
        table.add_row(*(_cell(item.get(name)) for name in columns))
    return table


def _label(name: str) -> str:
    return {"item_id": "ID", "n_interactions": "count"}.get(name, name.replace("_", " "))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        text = str(value["title"]) if "title" in value else ", ".join(f"{k}: {_cell(v)}" for k, v in value.items())
    elif isinstance(value, list):
        text = ", ".join(_cell(part) for part in value) or "-"
    elif isinstance(value, float):
        text = f"{value:g}"
    else:
        text = str(value)
    return one_line(text, LONGEST_CELL)


def say_call(tool: str, arguments: Mapping[str, Any]) -> Text:
    """A call as code; long lists are cut."""
    shown = ", ".join(f"{name}={_argument(value)}" for name, value in arguments.items())
    return Text(f"{tool}({shown})", style="cyan")


def _argument(value: Any) -> str:
    if isinstance(value, list) and len(value) > 6:
        return f"[{', '.join(map(repr, value[:4]))}, … {len(value)} in all]"
    return cut(repr(value), LONGEST_CELL)


def wide_console(width: int = 140) -> PlainConsole:
    """A console on stdout, with this width if stdout is not a terminal."""
    console = PlainConsole()
    return console if console.is_terminal else PlainConsole(width=width)
