"""Plug-ins, the tools that users add: Python files in folders, and entry points of installed packages.

Each is imported once, and builds its tools for every dataset that is served. A broken plug-in is named with its problem
and harms neither the others nor the server. Plug-ins import ``tool_api``.
"""

import contextlib
import hashlib
import importlib
import importlib.metadata
import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.files.permissions import all_can_replace_in, all_can_write
from mcp_server.tools.tool import Tool

logger = logging.getLogger(__name__)

ENTRY_POINTS = "recsys_mcp.tools"
"""Group of entry points, each of which names a module with a ``build``, or such a function."""

TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
"""Names that the protocol allows, since its revision 2025-11-25."""

LONGEST_REASON = 300
"""Characters of a problem's text."""


@dataclass(frozen=True)
class Problem:
    """Something wrong with a plug-in. It serves in spite of a warning."""

    place: str
    """A file and the line, or an entry point."""
    text: str
    status: Literal["warning", "error"] = "error"

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(frozen=True)
class _Plugin:
    """A plug-in that has been imported."""

    place: str
    package: str
    """Package whose modules are the plug-in's own."""
    build: Callable[[DatasetFacts], object]


@dataclass(frozen=True)
class PluginTools:
    """The tools of all plug-ins for one dataset."""

    tools: dict[str, Tool]
    """Tools by name, in the order of the plug-ins."""
    places: dict[str, str]
    """The place that each tool comes from."""
    problems: list[Problem]


class Plugins:
    """All plug-ins of a process, imported.

    Args:
        paths: Folders with Python files, or such files. Entry points of installed packages come after them.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._problems: list[Problem] = []
        self._plugins: list[_Plugin] = []
        for path in dict.fromkeys(path.expanduser().absolute() for path in paths):
            for file in self._files(path):
                self._import_file(file)
        for entry_point in self._entry_points():
            self._import_entry_point(entry_point)

    def build(self, facts: DatasetFacts, taken: Collection[str]) -> PluginTools:
        """The tools for a dataset.

        Args:
            taken: Names of other tools.
        """
        found = PluginTools({}, {}, list(self._problems))
        for plugin in self._plugins:
            try:
                with _away_from_stdio():
                    built = plugin.build(facts)
            except BaseException as error:
                found.problems.append(_problem(plugin.place, plugin.package, error))
                continue
            tools: list[Any] = list(built) if isinstance(built, list | tuple) else [built]
            for tool in tools:
                if tool is None:
                    continue
                flaw = _flaw(tool) or _clash(tool, taken, found.places)
                if flaw is None and tool.needs in facts.features:
                    found.tools[tool.name], found.places[tool.name] = tool, plugin.place
                elif flaw is not None:
                    found.problems.append(Problem(plugin.place, flaw))
        return found

    def add_to(self, tools: dict[str, Tool], facts: DatasetFacts) -> dict[str, Tool]:
        """The server's tools and, after them, those of the plug-ins. What is wrong with a plug-in is logged."""
        added = self.build(facts, taken=tools)
        for problem in added.problems:
            level = logging.ERROR if problem.status == "error" else logging.WARNING
            logger.log(level, "tools of your own: %s", problem)
        return tools | added.tools

    def _files(self, path: Path) -> list[Path]:
        """The files to import, in the order of their names, without tests and files for others to import."""
        if path.is_file():
            return [path]
        try:
            names = sorted(file.name for file in path.iterdir() if file.suffix == ".py" and file.is_file())
        except OSError as error:
            self._problems.append(Problem(str(path), f"cannot be read (RECSYS_TOOLS_PATH): {error.strerror}"))
            return []
        self._warn_if_writable(path)
        return [path / name for name in names if not name.startswith(("_", "test_")) and name != "conftest.py"]

    def _warn_if_writable(self, path: Path) -> None:
        """Warn of a path that everybody can change, or can replace by way of a folder above it."""
        above = path.resolve().parents if path.is_dir() else ()
        for place in [*([path] if all_can_write(path) else []), *filter(all_can_replace_in, above)]:
            text = f"everybody on this machine can change what the server runs: chmod o-w {place}"
            self._problems.append(Problem(str(place), text, "warning"))

    def _import_file(self, file: Path) -> None:
        package = _package_of(file.parent)
        if file.suffix != ".py" or not file.stem.isidentifier():
            self._problems.append(Problem(str(file), f"rename it: {file.name!r} is no name of a Python module"))
            return
        self._warn_if_writable(file)
        self._import(str(file), package, lambda: importlib.import_module(f"{package}.{file.stem}"))

    def _entry_points(self) -> list[importlib.metadata.EntryPoint]:
        try:
            found = importlib.metadata.entry_points(group=ENTRY_POINTS)
        except Exception as error:  # a package with damaged metadata
            self._problems.append(_problem("entry points of installed packages", "", error))
            return []
        return sorted(found, key=lambda entry_point: (entry_point.name, entry_point.value))

    def _import_entry_point(self, entry_point: importlib.metadata.EntryPoint) -> None:
        of = f" of {entry_point.dist.name}" if entry_point.dist is not None else ""
        place = f"entry point {entry_point.name}{of} ({entry_point.value})"
        self._import(place, entry_point.value.partition(":")[0].partition(".")[0], entry_point.load)

    def _import(self, place: str, package: str, load: Callable[[], Any]) -> None:
        try:
            with _away_from_stdio():
                loaded = load()
                build = loaded.build if isinstance(loaded, ModuleType) and hasattr(loaded, "build") else loaded
        except BaseException as error:  # SystemExit too: a script that was put here by mistake
            self._problems.append(_problem(place, package, error))
            return
        if callable(build):
            self._plugins.append(_Plugin(place, package, build))
        else:
            self._problems.append(Problem(place, "has no function build(facts)"))


def _package_of(folder: Path) -> str:
    """A package of its own for a folder, so that its files can import one another (``from ._shared import ...``), files
    of two folders may have the same name, and no other import finds them.
    """
    name = f"recsys_tools_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    importlib.invalidate_caches()
    return name


@contextlib.contextmanager
def _away_from_stdio() -> Iterator[None]:
    """A guard around code of others: its prints go to stderr, and it reads nothing. Over stdio transport both streams
    belong to the protocol, from the first byte on.
    """
    sys.stdout.flush()
    kept, nothing = (os.dup(0), os.dup(1)), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        finally:
            for number, descriptor in enumerate(kept):
                os.dup2(descriptor, number)
            for descriptor in (*kept, nothing):
                os.close(descriptor)


def _flaw(tool: Any) -> str | None:
    """The reason why a tool cannot be published; None where it can."""
    if not isinstance(tool, Tool):
        return f"build(facts) gave {type(tool).__name__}, and not a Tool as make_tool gives it, a list of them, or None"
    if not isinstance(tool.name, str) or not TOOL_NAME.fullmatch(tool.name):
        return f"{tool.name!r} is no name of a tool: 1 to 128 letters, digits, and _ - . are"
    for kind, schema in (("arguments", tool.input_schema), ("result", tool.output_schema)):
        if not isinstance(schema, dict) or schema.get("type") != "object" or "properties" not in schema:
            return f"{tool.name}: the schema of its {kind} is not of an object: make it from a model with fields"
        try:
            json.dumps(schema)
        except (TypeError, ValueError) as error:
            return f"{tool.name}: the schema of its {kind} is not JSON: {error}"
    return None


def _clash(tool: Tool, taken: Collection[str], places: dict[str, str]) -> str | None:
    """The reason why a tool cannot have its name; None where it can."""
    if tool.name in taken:
        return f"{tool.name} is a tool of the server itself: choose another name"
    if tool.name in places:
        return f"{tool.name} is there already, from {places[tool.name]}: choose another name"
    return None


def _problem(place: str, package: str, error: BaseException) -> Problem:
    """A raised error in one line, with the plug-in's own line that raised it."""
    if isinstance(error, SyntaxError) and error.filename:
        text = f"{type(error).__name__}: {error.msg}"
    else:
        text = " ".join("".join(traceback.format_exception_only(error)).split())
    if len(text) > LONGEST_REASON:
        text = f"{text[:LONGEST_REASON]}..."
    file, line = _line_of(error, package)
    if file == place:
        return Problem(f"{place}, line {line}", text)
    return Problem(place, f"{text} ({file}, line {line})" if file else text)


def _line_of(error: BaseException, package: str) -> tuple[str, int]:
    """File and line of the last call in a package; an empty name where it has none."""
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 0
    found = ("", 0)
    for frame, line in traceback.walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            found = (frame.f_code.co_filename, line)
    return found
