"""Files of a specification, with the names that it may give to files, folders and encodings.

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
    """Refuse a path that may lead out of the folder that it begins in."""
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
    """Path in one of the dataset's folders, as ``prices/2024.csv``."""
    format: Literal["jsonl", "delimited", "atomic"]
    """jsonl: an object on each line; delimited: CSV and the like; atomic: RecBole's tab-separated ``name:type``."""
    separator: str = Field(",", min_length=1)
    """Text between two columns of a delimited file. Columns between commas may be quoted."""
    columns: list[str] | None = None
    """Names of the columns, for a delimited file without a header line."""
    encoding: Encoding = "utf-8"
    flags: dict[str, list[str]] = {}
    """Lists made of 0/1 columns: ``{genres: [Action, Comedy]}`` collects the columns that hold 1."""


class Alternatives(BaseModel, extra="forbid", frozen=True):
    """Several files, of which the first that exists is read."""

    one_of: list[SourceFile] = Field(min_length=1)
