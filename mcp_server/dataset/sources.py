"""Files of a specification, with the names that it may give to files, folders and encodings.

A dataset.yaml may come from a stranger, so none of its names leads out of the folders that a dataset reads from, and
none makes this program import anything.
"""

import codecs
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag

from mcp_server.errors import quoted

LONGEST_PATH = 500


def check_inside(path: str) -> str:
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
        return check_inside(path)
    name, _, inside = path.removeprefix("package:").partition("/")
    if not name.isidentifier():
        raise ValueError(
            f"{quoted(path)}: package:NAME/PATH was expected, with the name of a package and no dots in it"
        )
    if inside:
        check_inside(inside)
    return path


def _encoding(name: str) -> str:
    try:
        known = codecs.lookup(name)
    except (LookupError, ValueError):
        raise ValueError(f"there is no encoding {quoted(name)}") from None
    if not known._is_text_encoding:
        raise ValueError(f"{quoted(name)} is not an encoding of text")
    return name


Inside = Annotated[str, AfterValidator(check_inside)]
"""Path of a file inside a folder."""

Folder = Annotated[str, AfterValidator(_folder)]

Encoding = Annotated[str, AfterValidator(_encoding)]


SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

SourceName = Annotated[str, Field(pattern=f"^{SOURCE_NAME.pattern}$")]
"""Name of a database, for which the user gives the URL."""

Separator = Annotated[str, Field(min_length=1, max_length=4), AfterValidator(lambda text: text.replace("\\t", "\t"))]
"""Text between columns. A tab may be written as in programs."""

FileFormat = Literal["delimited", "jsonl", "json", "parquet", "atomic"]

ENDINGS: dict[str, FileFormat] = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".tab": "delimited",
    ".psv": "delimited",
    ".txt": "delimited",
    ".dat": "delimited",
    ".data": "delimited",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".inter": "atomic",
    ".item": "atomic",
    ".user": "atomic",
}
"""Formats of files by their ending, where none is declared. A further ending .gz or .zst means compression."""

COMPRESSIONS = (".gz", ".zst")


def format_of(path: str) -> FileFormat | None:
    """The format that a file's ending stands for, or None where it stands for none."""
    name = path.lower()
    for compression in COMPRESSIONS:
        name = name.removesuffix(compression)
    return next((found for ending, found in ENDINGS.items() if name.endswith(ending)), None)


class SourceFile(BaseModel, extra="forbid", frozen=True):
    """Records of one file, or of several with the same columns."""

    file: Inside
    """Path in one of the dataset's folders, such as ``prices/2024.csv``; a folder or a pattern such as
    ``prices/*.csv.gz`` stands for all files in it, in the order of their names. Files that end in .gz or .zst are
    decompressed."""
    format: FileFormat | None = None
    """delimited: CSV and the like; jsonl: one object a line; json: one array of objects; parquet; atomic: RecBole's
    tab-separated ``name:type``. By default the file's ending decides."""
    separator: Separator | None = None
    """Text between two columns of a delimited file. By default it is detected."""
    quote: Annotated[str, Field(max_length=1)] = '"'
    """Quotation mark of a delimited file, doubled inside quotations; empty where quotation marks are plain text."""
    escape: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Character before a quotation mark inside a quotation, such as ``\\``, for files that do not double it."""
    columns: list[str] | None = None
    """Names of the columns, for a delimited file without a header line."""
    skip_lines: Annotated[int, Field(ge=0, le=1000)] = 0
    """Number of lines at the top of a delimited file that are neither names of columns nor rows, such as a title."""
    encoding: Encoding | None = None
    """Encoding of the text, such as ``latin-1``. By default UTF-8, with or without a byte order mark."""
    where: str | None = None
    """SQL condition over the columns; rows that do not meet it are left out."""
    flags: dict[str, list[str]] = {}
    """Lists made of 0/1 columns: ``{genres: [Action, Comedy]}`` collects the columns that hold 1."""


class SourceQuery(BaseModel, extra="forbid", frozen=True, serialize_by_alias=True):
    """Records that an SQL query finds."""

    query: Annotated[str, Field(min_length=1, max_length=20_000)]
    """A SELECT in DuckDB's SQL over files of the dataset's folders, such as ``SELECT * FROM 'ratings.csv' JOIN
    'films.json' USING (id)``; with ``from``, a SELECT in the SQL of that database."""
    from_: SourceName | None = Field(None, alias="from")
    """Name of a database. The user gives its URL by ``--source NAME=URL`` or RECSYS_SOURCE_NAME."""
    where: str | None = None
    """SQL condition over the columns that the query finds."""


class Alternatives(BaseModel, extra="forbid", frozen=True):
    """Several files, of which the first that exists is read."""

    one_of: list[SourceFile] = Field(min_length=1)
    """The files, each with keys of its own."""


def _kind_of_source(value: object) -> str:
    declared = value if isinstance(value, dict) else vars(value)
    return next((kind for kind in ("one_of", "query") if kind in declared), "file")


Source = Annotated[
    Annotated[SourceFile, Tag("file")] | Annotated[SourceQuery, Tag("query")] | Annotated[Alternatives, Tag("one_of")],
    Discriminator(_kind_of_source),
]
"""Records from files or from a query. The kind is told by the key that it has: ``file``, ``query`` or ``one_of``."""
