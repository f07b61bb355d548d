"""The texts that models write, taken apart: thoughts, prose, and tool calls written as text.

Where an endpoint does not know a model's own form of tool calls, they come as text: bare or fenced JSON, <tool_call>
(Hermes, Qwen), [TOOL_CALLS] (Mistral), <|python_tag|> and <function=name> (Llama), name(argument=1) (Gemma), tokens of
DeepSeek, Kimi and gpt-oss, "Action: name" (ReAct), XML (Qwen3-Coder, GLM, <invoke>, <name>). Calls in YAML are seen,
but not read.
"""

import ast
import json
import re
import tomllib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recsys_shared.patterns import Patterns

Call = tuple[str, dict[str, Any]]
"""A tool's name, and its arguments."""

_NAMES = ("name", "tool", "tool_name", "action", "function")
_ARGUMENTS = ("arguments", "parameters", "args", "action_input")
_OF_CALLS = {*_NAMES, *_ARGUMENTS, "id", "type"}
_pattern = Patterns(tomllib.loads(Path(__file__).with_name("written.toml").read_text("utf-8")), {})
_LONGEST_XML = 5_000
_JSON = json.JSONDecoder(strict=False)
_NOT_PARSED = (ValueError, TypeError, SyntaxError, RecursionError, MemoryError)
_LONGEST_MARK = 100


class Written(NamedTuple):
    """A text taken apart."""

    thought: str
    prose: str
    """The text before any call: a model that writes on after a call has not read the result."""
    calls: Sequence[Call] = ()
    unreadable: bool = False
    """True if the text tries to call a tool, but no call can be read."""


def taken_apart(raw: str, tools: Collection[str], whole: bool = True) -> Written:
    """The parts of a text. Without tools, nothing in it is a call.

    Args:
        whole: False while the text is still being written; what may then become a call or a thought is left out.
    """
    thoughts, text = [], raw if whole else _pattern.unfinished.sub("", raw)
    if tools:  # other ways to write <function=name>
        names, open_end = "|".join(map(re.escape, tools)), "" if whole else r"|\Z"
        element = rf"<({names})>(?=\s*(?:[<{{]|\Z)|[^<]*(?:</\1>{open_end}))"
        other = rf"{element}|(?m:^)Action:\s*({names})\s*Action Input:"
        text = re.sub(other, lambda found: f"<function={found[1] or found[2]}>", text)
    if end := begun_thought(text):
        thoughts, text = [text[: end.start()]], text[end.end() :]
    thoughts += [match[2] for match in _pattern.thought.finditer(text)]
    text = _pattern.around_answer.sub("", _pattern.thought.sub("", text)).lstrip()
    calls, unreadable = _calls_in(text, tools) if whole and tools else ([], False)
    if tools and (not whole or calls or unreadable):
        text = text[: _calls_begin(text, tools, whole)].rstrip()
    return Written("".join(thoughts), text, calls, unreadable)


def begun_thought(raw: str) -> re.Match[str] | None:
    """The end of a thought without a beginning, which some templates write themselves."""
    end = _pattern.end_of_thought.search(raw)
    return None if end and _pattern.thought.search(raw, 0, end.start()) else end


def _calls_begin(text: str, tools: Collection[str], whole: bool) -> int:
    """The place from which on a text is, or may become, tool calls; its length if there is none."""
    bare = _pattern.before_bare.sub("", text)
    if any(tool.startswith(bare) or re.match(rf"{re.escape(tool)}\s*([({{]|\Z)", bare) for tool in ("print(", *tools)):
        return 0
    if _is_labelled(bare, tools, whole):
        return 0
    for beginning, value, _ in _beginnings(text, whole):
        if value is None or any(_calls_of(value, tools)):
            return beginning.start()
    part = _pattern.part_of_one.search(text, max(0, len(text) - _LONGEST_MARK))
    return part.start() if part else len(text)


def _calls_in(text: str, tools: Collection[str]) -> tuple[list[Call], bool]:
    """The calls in a text; if there are none, also whether it tries to make one."""
    calls: list[Call] = []
    in_quotes = re.compile(rf"[\"'](?:{'|'.join(map(re.escape, tools))})[\"']")
    tried, last = False, 0
    for beginning, value, end in _beginnings(text, True):
        tried = tried or bool(beginning["mark"]) or (value is None and bool(in_quotes.search(text, end)))
        start = max(beginning.start("json"), 0)
        before = _pattern.name_before.search(text[max(last, start - 2 * _LONGEST_MARK) : start])
        named = before["name"] if before and (before["mark"] or before["name"] in tools) else ""
        found = list(_calls_of(value, tools, named))
        if readable := [call for call in found if isinstance(call[1], dict)]:
            calls, last = [*calls, *readable], end
        tried = tried or found != readable
    bare = _pattern.around_bare.sub("", text).strip()
    calls = calls or _python_calls(bare, tools) or list(_xml_calls(text))
    tried = tried or _is_labelled(bare, tools)
    return calls, not calls and (tried or any(bare.startswith(f"{tool}(") for tool in tools))


def _beginnings(text: str, whole: bool) -> Iterator[tuple[re.Match[str], Any, int]]:
    """The places where calls may begin, each with the JSON that is there, or None, and where that ends."""
    at = 0
    while sign := _pattern.sign.search(text, at):
        at = sign.end()
        if text.startswith("```", sign.start()) and text.count("```", 0, sign.start()) % 2:
            at += 2  # the end of a block of code, which is none of a call
        elif beginning := _pattern.beginning.match(text, sign.start()):
            found = (None, beginning.end()) if beginning["mark"] else _json_at(text, beginning.start("json"), whole)
            yield beginning, *found
            at = found[1]


def _json_at(text: str, start: int, whole: bool) -> tuple[Any, int]:
    """The JSON at a place, and where it ends; None if it cannot be read. In a whole text it may lack its end."""
    try:
        return _JSON.raw_decode(text, start)
    except _NOT_PARSED:
        end = after.start() if (after := _pattern.after_json.search(text, start)) else len(text)
    for closing in ("", "}", "}}", "}]", "}}]") if whole else ():
        for parsed in (_JSON.decode, ast.literal_eval):
            try:
                return parsed(text[start:end].strip() + closing), end
            except _NOT_PARSED:
                continue
    return None, start + 1


def _calls_of(value: Any, tools: Collection[str], named: str = "") -> Iterator[tuple[str, Any]]:
    """The calls that a JSON value stands for; none if it is something else. Arguments may be unreadable: no object.

    Args:
        named: The tool, if its name is written before the JSON.
    """
    if isinstance(value, list):
        for each in value:
            yield from _calls_of(each, tools)
    if not isinstance(value, dict):
        return
    if isinstance(value.get("tool_calls"), list):
        yield from _calls_of(value["tool_calls"], tools)
    asked = value["function"] if isinstance(value.get("function"), dict) else value
    name = str(next((asked[key] for key in _NAMES if isinstance(asked.get(key), str)), "")).removeprefix("functions.")
    given: Any = next((asked[key] for key in _ARGUMENTS if asked.get(key) is not None), None)
    if isinstance(given, str):
        parsed, _ = _json_at(given, 0, True)
        given = given if parsed is None else parsed
    elif name in tools and given is None and ("name" not in asked or set(asked) <= _OF_CALLS):
        given = {key: argument for key, argument in asked.items() if key not in _OF_CALLS}
    like_a_call = isinstance(given, dict) and name[:1].islower() and set(asked) <= _OF_CALLS
    if like_a_call or (name in tools and given is not None):
        yield name, given
    elif named:
        yield named, value


def _is_labelled(text: str, tools: Collection[str], whole: bool = True) -> bool:
    """True if a text begins as calls in YAML do, with the name of a tool and nothing else in a line."""
    line, _, rest = text[:_LONGEST_MARK].casefold().partition("\n")
    openings = [f"{label}: {tool.casefold()}" for label in _NAMES for tool in tools]
    return line.rstrip() in openings or (not whole and not rest and any(each.startswith(line) for each in openings))


def _xml_calls(text: str) -> Iterator[Call]:
    """The calls whose arguments are elements; a value that is no JSON is a text."""
    _, *parts = _pattern.xml_call.split(text)
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        elements = _pattern.xml_argument.finditer(body[:_LONGEST_XML])
        given = {each["key"]: _value(each["value"].strip()) for each in elements}
        if given or not re.sub(r"</[^<>]*>|\s", "", body):
            yield name, given


def _value(text: str) -> Any:
    try:
        return _JSON.decode(text)
    except _NOT_PARSED:
        return text


def _python_calls(text: str, tools: Collection[str]) -> list[Call]:
    """The calls in a text that is nothing but calls in Python's form, all arguments by name."""
    try:
        body = ast.parse(text, mode="eval").body
        found = []
        for node in body.elts if isinstance(body, ast.List | ast.Tuple) else [body]:
            if not isinstance(node, ast.Call) or node.args or (name := ast.unparse(node.func)) not in tools:
                return []
            found.append((name, {each.arg or "": ast.literal_eval(each.value) for each in node.keywords}))
        return found
    except _NOT_PARSED:
        return []
