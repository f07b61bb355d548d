"""The text of a proposed dataset.yaml, with comments that say why it is as it is and what else could be."""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from mcp_server.discovery.field_kinds import FieldProposal, LeftOut
from mcp_server.discovery.proposal import Proposal, SourceProposal
from mcp_server.discovery.words import is_nameless
from mcp_server.errors import MOST_CHARACTERS
from mcp_server.reading.missing import UNKNOWN
from recsys_shared.plain_text import cut, one_line

WIDTH = 118

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_ -]*[A-Za-z0-9_]|[A-Za-z]")

_CLAUSES = re.compile(r" (?=(?:FROM|LEFT JOIN|(?<!LEFT )JOIN|WHERE|GROUP BY) )")
"""Places in a query where a new line begins."""

_NOT_PLAIN = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def scalar(value: Any) -> str:
    """A value as YAML, in flow style."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN:
            return value
        if ("\\" in value or '"' in value) and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {scalar(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(scalar, value)) + "]"
    return str(value)


def render(proposal: Proposal) -> str:
    """The whole file."""
    parts = (_head, _items, _users, _interactions, _search, _model, _left_out)
    return "\n".join(line for part in parts for line in part(proposal)) + "\n"


def _comment(text: str, indent: int = 0) -> Iterator[str]:
    for line in textwrap.wrap(one_line(text), WIDTH - indent - 2, break_long_words=False, break_on_hyphens=False):
        yield f"{' ' * indent}# {line}"


def _head(proposal: Proposal) -> Iterator[str]:
    yield from _comment(
        "The recommender's description of a catalogue, proposed by `recsys-mcp init` from the data. Read it, change "
        "what you know better, and run `recsys-mcp doctor` and `recsys-mcp prepare` with it."
    )
    yield f"name: {scalar(proposal.name)}"
    yield f"title: {scalar(proposal.title)}"
    yield "# description: what this catalogue is, in a sentence for the assistant"
    yield ""
    yield from _comment("Your words for things, which tools and answers use.")
    yield f"nouns: {scalar(proposal.nouns)}"
    yield ""
    if proposal.missing:
        yield from _comment(
            "Texts that stand for an unknown value, in any case. Those that were found in the data come first, then "
            "the usual ones. Take out those that mean something."
        )
        texts = list(dict.fromkeys([*proposal.missing, *UNKNOWN]))
        yield from _wrapped("missing: ", texts)
        yield ""
    if proposal.on_bad_row == "skip":
        yield from _comment("Rows that cannot be used are left out and counted; `fail` would stop at the first ones.")
        for note in proposal.notes:
            yield from _comment(cut(note, 3 * MOST_CHARACTERS))
        yield "on_bad_row: skip"
        yield ""
    elif proposal.notes:
        yield from _comment("What reading the data has found:")
        for note in proposal.notes:
            yield from _comment(f"- {cut(note, 3 * MOST_CHARACTERS)}")
        yield ""


def _wrapped(key: str, values: list[str]) -> Iterator[str]:
    lines = textwrap.wrap(scalar(values), WIDTH - len(key), break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines):
        yield (key if not number else " " * (len(key) + 1)) + line


def _items(proposal: Proposal) -> Iterator[str]:
    items = proposal.items
    yield "items:"
    yield from _comment(f"id_type: {items.id_why}.", 2)
    yield f"  id: {scalar(items.id)}"
    yield f"  id_type: {items.id_type}"
    yield f"  title: {items.title}"
    if items.image is not None:
        yield from _comment("Pages show the pictures that are in this place, and load them from there.", 2)
        yield f"  image: {scalar(items.image.model_dump())}"
    if items.available is not None:
        yield from _comment(
            f"{items.available_why}: what is not available is never recommended, but can be looked up.", 2
        )
        yield f"  available: {scalar(items.available)}"
    else:
        yield from _comment('available: "stock > 0" would keep what is sold out from being recommended.', 2)
    yield from _sources(items.sources)
    kinds = "kind: text, category (many: several), number, boolean or date. filter: the assistant can filter by it."
    yield from _comment(kinds, 2)
    yield "  fields:"
    for field in items.fields:
        yield from _field(field)
    yield from _unused(items.left_out)
    yield ""


def _sources(sources: list[SourceProposal]) -> Iterator[str]:
    yield "  sources:" if sources else "  sources: []"
    for source in sources:
        yield from _comment(f"{source.why}.", 4)
        if set(source.declared) <= {"file", "separator", "encoding", "format"}:
            yield f"    - {scalar(source.declared)}"
            continue
        if "skip_lines" in source.declared:
            yield from _comment("The first lines are no rows, and are skipped.", 4)
        if any(map(is_nameless, source.declared.get("columns", []))):
            yield from _comment("The file has no header line: you may give its columns names, here and wherever they "
                                "are used.", 4)  # fmt: skip
        for number, (key, value) in enumerate(source.declared.items()):
            begins = f"    {'- ' if not number else '  '}{key}: "
            if key == "query":
                yield f"{begins}>-"
                yield from (f"        {clause}" for clause in _CLAUSES.split(value))
            else:
                yield f"{begins}{scalar(value)}"


def _field(field: FieldProposal) -> Iterator[str]:
    if field.why:
        yield from _comment(f"{cut(field.why, MOST_CHARACTERS)}.", 4)
    line = f"    - {scalar(field.declared)}"
    if len(line) <= WIDTH:
        yield line
        return
    for number, (key, value) in enumerate(field.declared.items()):
        yield f"    {'- ' if not number else '  '}{key}: {scalar(value)}"


def _unused(left_out: list[LeftOut]) -> Iterator[str]:
    if left_out:
        yield from _comment("Columns that are not used:", 2)
    for each in left_out:
        yield from _comment(f"- {each.name}: {cut(each.why, MOST_CHARACTERS)}", 2)


def _users(proposal: Proposal) -> Iterator[str]:
    users = proposal.users
    yield "users:"
    yield from _comment(f"id_type: {users.id_why}.", 2)
    yield f"  id: {scalar(users.id)}"
    yield f"  id_type: {users.id_type}"
    if not users.sources:
        yield from _comment("There is no table of users, so they are those who occur in the interactions.", 2)
    yield from _sources(users.sources)
    if users.fields:
        yield "  fields:"
    for field in users.fields:
        yield from _field(field)
    if users.groups:
        yield from _comment("Groups of users that can be asked for what is popular among them.", 2)
        yield f"  groups: {scalar(users.groups)}"
    yield from _unused(users.left_out)
    yield ""


def _interactions(proposal: Proposal) -> Iterator[str]:
    interactions = proposal.interactions
    yield "interactions:"
    if "where" in interactions.why:
        yield from _comment(f"where: {interactions.why['where']}.", 2)
    yield from _sources(interactions.sources)
    for key, value in interactions.keys.items():
        if key in interactions.why:
            yield from _comment(f"{interactions.why[key]}.", 2)
        yield f"  {key}: {scalar(value)}"
    if "timestamp" not in interactions.keys:
        why = interactions.why.get("timestamp", "no column with times was found: nothing is called newest")
        yield from _comment(f"{why}.", 2)
    yield from _unused(proposal.unused)
    yield ""


def _search(proposal: Proposal) -> Iterator[str]:
    search = proposal.search
    yield "search:"
    yield from _comment(f"{search.why}.", 2)
    yield f"  texts: {scalar(search.texts)}"
    if search.keywords:
        yield from _comment("More fields whose words are found.", 2)
        yield f"  keywords: {scalar(search.keywords)}"
    yield f"  language: {search.language}"
    if search.language != "english":
        yield from _comment(
            "The bundled embedding model knows English only. With network access, search by meaning works better with "
            "RECSYS_EMBEDDING_MODEL=sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2.",
            2,
        )
    yield ""


def _model(_: Proposal) -> Iterator[str]:
    yield from _comment("auto chooses by the size of the catalogue. Any model can be named instead: docs/ranking.md.")
    yield "model: {name: auto}"
    yield ""


def _left_out(proposal: Proposal) -> Iterator[str]:
    if proposal.left_out:
        yield from _comment("Tables that are not used:")
    for each in proposal.left_out:
        yield from _comment(f"- {each.name}: {cut(each.why, 2 * MOST_CHARACTERS)}")
