"""The fuzzer's messages. Each follows from the seed and its number alone, so that any of them can be sent again."""

import base64
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import hostile
from benchmarks.hostile import Answered

Json = dict[str, Any]

WORDS = ["Tom Cruise", "Tom Cruize", "Comedy", "comedies", "Drama", "USA", "United States", "Spielberg", "heat", "1995",
         "a man is kidnapped", "love", "Star Wars", "the", "é", "Amelie"]  # fmt: skip

KINDS = {
    "tools/call, valid": 30,
    "tools/call, mutated": 30,
    "tools/call, hostile": 5,
    "prompts/get": 5,
    "resources/read": 6,
    "completion/complete": 5,
    "lists and cursors": 3,
    "logging/setLevel": 1,
    "ping": 1,
    "unknown methods": 2,
    "parameters of a wrong form": 2,
    "cancelled": 2,
    "one ID twice": 1,
    "malformed": 7,
}
"""Kinds of messages, with the weight of each."""

LISTS = ("tools/list", "resources/list", "resources/templates/list", "prompts/list")


@dataclass(frozen=True)
class Offers:
    """The tools, prompts and resources that a server lists."""

    tools: Mapping[str, Json]
    prompts: Mapping[str, Json]
    addresses: Sequence[str]
    item_sets: Sequence[str]


@dataclass(frozen=True)
class Message:
    """One message, or several that are sent together.

    Args:
        raw: Lines, or bodies, to send.
        answered: The answer that each of them must get.
        id: ID of the request, if it has one.
        tool: Name of the tool that is called, if any.
    """

    kind: str
    raw: tuple[bytes, ...]
    answered: Answered
    id: int | str
    tool: str | None = None


class Fuzzer:
    """Draws messages.

    Args:
        seed: The seed, which decides all messages.
    """

    def __init__(self, seed: int, offers: Offers) -> None:
        self._seed, self._offers = seed, offers

    def message(self, number: int) -> Message:
        rng = random.Random(f"{self._seed}:{number}")
        (kind,) = rng.choices(list(KINDS), list(KINDS.values()))
        identifier = number if number % 3 else f"n{number}"
        if kind == "malformed":
            broken = hostile.malformed(rng, self._request(rng, "tools/call, mutated", identifier))
            return Message(kind, (broken.raw,), broken.answered, identifier)
        request = self._request(rng, kind, identifier)
        tool = request["params"].get("name") if request["method"] == "tools/call" else None
        raw = json.dumps(request, ensure_ascii=rng.random() < 0.5).encode()
        if kind == "cancelled":
            params = {"requestId": identifier, "reason": rng.choice(["", hostile.long_text(rng)])}
            given_up = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
            return Message(kind, (raw, json.dumps(given_up).encode()), "at most once", identifier, tool)
        if kind == "one ID twice":
            return Message(kind, (raw, raw), "id", identifier, tool)
        padding = rng.choice([b"", b"", b"", b" ", b"\r", b"\t"])
        return Message(kind, (raw + padding,), "id", identifier, tool if isinstance(tool, str) else None)

    def _request(self, rng: random.Random, kind: str, identifier: int | str) -> Json:
        method, params = self._asked(rng, kind)
        return {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}

    def _asked(self, rng: random.Random, kind: str) -> tuple[str, Any]:
        match kind:
            case "tools/call, hostile":
                name = rng.choice([rng.choice(list(self._offers.tools)), hostile.key(rng)])
                return "tools/call", {"name": name, "arguments": {hostile.key(rng): hostile.value(rng)}}
            case "tools/call, mutated":
                name, arguments = self._call(rng)
                for _ in range(rng.choice([1, 1, 1, 2, 3])):
                    arguments = self._mutated(rng, arguments, self._offers.tools[name]["inputSchema"])
                return "tools/call", {"name": name, "arguments": arguments}
            case "prompts/get":
                return self._prompt(rng)
            case "resources/read":
                return "resources/read", {"uri": self._address(rng)}
            case "completion/complete":
                return self._completion(rng)
            case "lists and cursors":
                cursors = [None, "", "x", "Mg==", base64.urlsafe_b64encode(b"9" * 5_000).decode(), hostile.key(rng)]
                cursor = rng.choice(cursors)
                return rng.choice(LISTS), {} if cursor is None else {"cursor": cursor}
            case "logging/setLevel":
                return "logging/setLevel", {"level": rng.choice(["debug", "error", "error", hostile.value(rng)])}
            case "ping":
                return "ping", {}
            case "unknown methods":
                return rng.choice(["tools/x", "resources/subscribe", "", hostile.key(rng)]), {}
            case "parameters of a wrong form":
                method = rng.choice([*LISTS, "tools/call", "resources/read", "prompts/get", "completion/complete"])
                return method, {rng.choice(["name", "uri", "arguments", "ref", "_meta"]): hostile.value(rng)}
            case _:
                name, arguments = self._call(rng)
                params: Json = {"name": name, "arguments": arguments}
                if rng.random() < 0.1:
                    params["_meta"] = {
                        "progressToken": rng.choice([1, "p", hostile.long_text(rng), hostile.value(rng)])
                    }
                return "tools/call", params

    # Calls of tools

    def _call(self, rng: random.Random) -> tuple[str, Json]:
        """A tool, with arguments that fit its schema."""
        name = rng.choice(list(self._offers.tools))
        schema = self._offers.tools[name]["inputSchema"]
        required = schema.get("required", [])
        chosen = [each for each in schema["properties"] if each in required or rng.random() < 0.3]
        return name, {each: self._valid(rng, each, schema["properties"][each]) for each in chosen}

    def _valid(self, rng: random.Random, name: str, schema: Json) -> Any:
        if "enum" in schema:
            return rng.choice(schema["enum"])
        match schema.get("type"):
            case "integer":
                return rng.randint(1, 100 if name in ("k", "limit") else 900)
            case "number":
                return rng.choice([rng.randint(1, 10), rng.randint(1900, 2000), round(rng.uniform(0, 10), 1)])
            case "boolean":
                return rng.random() < 0.5
            case "array":
                return [self._valid(rng, name, schema["items"]) for _ in range(rng.choice([1, 1, 2, 5, 30]))]
            case "object":
                given = {each: self._valid(rng, each, of) for each, of in schema.get("properties", {}).items()}
                return {each: given[each] for each in given if rng.random() < 0.4} or dict(list(given.items())[:1])
            case _:
                return rng.choice(self._offers.item_sets if name == "item_set" else WORDS)

    def _mutated(self, rng: random.Random, arguments: Json, schema: Json) -> Json:
        changed = dict(arguments)
        name = rng.choice([*schema["properties"], hostile.key(rng)])
        match rng.randrange(6):
            case 0:
                changed.pop(name, None)
            case 1:
                changed[name] = [changed.get(name)]
            case 2:
                changed[name] = {name: changed.get(name)}
            case 3 if isinstance(changed.get(name), list):
                changed[name] = [*changed[name], hostile.value(rng)]
            case _:
                changed[name] = hostile.value(rng)
        return changed

    # The other requests

    def _prompt(self, rng: random.Random) -> tuple[str, Any]:
        name = rng.choice([*self._offers.prompts, *self._offers.prompts, hostile.key(rng)])
        known = [each["name"] for each in self._offers.prompts.get(name, {}).get("arguments", [])]
        given = {each: rng.choice(["4", *WORDS, hostile.value(rng)]) for each in known if rng.random() < 0.8}
        if rng.random() < 0.1:
            given[hostile.key(rng)] = hostile.value(rng)
        return "prompts/get", {"name": name, "arguments": given}

    def _address(self, rng: random.Random) -> str:
        scheme = rng.choice(["item", "user", "itemset", "dataset", "ui", hostile.key(rng)])
        rest = rng.choice([str(rng.randint(1, 900)), *self._offers.item_sets, hostile.key(rng), hostile.long_text(rng)])
        return rng.choice([rng.choice(self._offers.addresses), rng.choice(hostile.URIS), f"{scheme}://{rest}"])

    def _completion(self, rng: random.Random) -> tuple[str, Any]:
        name = rng.choice([*self._offers.prompts, hostile.key(rng)])
        known = [each["name"] for each in self._offers.prompts.get(name, {}).get("arguments", [])] or ["id"]
        templates = ["item://{id}", "user://{id}", "itemset://{handle}", self._address(rng)]
        prompt, template = {"type": "ref/prompt", "name": name}, {"type": "ref/resource", "uri": rng.choice(templates)}
        typed = rng.choice(["", "T", "1", *WORDS, hostile.value(rng)])
        argument = {"name": rng.choice([*known, *known, "id", hostile.key(rng)]), "value": typed}
        return "completion/complete", {"ref": rng.choice([prompt, template]), "argument": argument}
