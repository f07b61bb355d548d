"""What a specification may call its files, folders and encodings.

A dataset.yaml may come from a stranger, so none of its names leads out of the folders that a dataset reads from, and
none makes this program import anything.
"""

import codecs
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from mcp_server.errors import quoted

LONGEST_PATH = 500


def _inside(path: str) -> str:
    """Refuses what may lead out of the folder that a path begins in."""
    parts = re.split(r"[/\\]", path)
    outside = not path or path[0] in "/\\~" or ".." in parts or re.match(r"[A-Za-z]:", path)
    if outside or any(ord(character) < 32 for character in path) or len(path) > LONGEST_PATH:
        raise ValueError(
            f"{quoted(path)} does not lead to a place inside the folder: a dataset reads from its own folder, from "
            "installed packages (package:NAME/PATH) and from the folder that --data or RECSYS_DATA names"
        )
    return path


def _folder(path: str) -> str:
    if not path.startswith("package:"):
        return _inside(path)
    name, _, inside = path.removeprefix("package:").partition("/")
    if not name.isidentifier():
        raise ValueError(
            f"{quoted(path)}: package:NAME/PATH was expected, with the name of a package and no dots in it"
        )
    if inside:
        _inside(inside)
    return path


def _encoding(name: str) -> str:
    try:
        known = codecs.lookup(name)
    except (LookupError, ValueError):
        raise ValueError(f"there is no encoding {quoted(name)}") from None
    if not known._is_text_encoding:
        raise ValueError(f"{quoted(name)} is not an encoding of text")
    return name


Inside = Annotated[str, AfterValidator(_inside)]
"""Path of a file inside a folder."""

Folder = Annotated[str, AfterValidator(_folder)]

Encoding = Annotated[str, AfterValidator(_encoding)]


class SourceFile(BaseModel, extra="forbid", frozen=True):
    """One file of records."""

    file: Inside
    """File, looked for in the folders of the dataset; ``prices/2024.csv`` is in a folder of theirs."""
    format: Literal["jsonl", "delimited", "atomic"]
    """jsonl: an object a line; delimited: CSV and the like; atomic: RecBole's tab-separated ``name:type``."""
    separator: str = Field(",", min_length=1)
    """Of a delimited file: what stands between two columns. A comma's columns may be quoted."""
    columns: list[str] | None = None
    """Of a delimited file without a header line: the names of its columns."""
    encoding: Encoding = "utf-8"
    flags: dict[str, list[str]] = {}
    """Lists made of 0/1 columns: ``{genres: [Action, Comedy]}`` collects the columns that hold 1."""


class Alternatives(BaseModel, extra="forbid", frozen=True):
    """The first of several files that exists is read."""

    one_of: list[SourceFile] = Field(min_length=1)
