"""The tables of a catalogue, generated from its specification.

A field with one number, boolean, text or date is a column of ``items`` or ``users``. A field of names is normalised:
``terms`` holds each name once, ``item_terms`` says which items have it. Texts that can be filtered (titles) are terms,
too, so that one index and one fuzzy search serve every name. What is asked of all items at once is in ``arrays``, too.

A catalogue is written once and then only read, so there are no foreign keys, whose checks would slow the writing down.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.spec import DatasetSpec

SCHEMA_VERSION = 7
"""Part of the catalogue's fingerprint; raise it when a table changes."""

NAME_LENGTH = 255

LONGEST_TEXT = 2**24 - 1
"""Bytes. MySQL's plain TEXT ends at 64 KB, which a storyline may exceed."""


def term_fields(spec: DatasetSpec) -> list[str]:
    """Names of the fields whose values are kept as terms. The title is one, so that a search can begin with it."""
    return [
        field.name
        for field in spec.items.fields
        if field.kind == "category" or (field.kind == "text" and field.filter) or field.name == spec.items.title
    ]


def group_fields(spec: DatasetSpec) -> list[FieldSpec]:
    """The user fields whose values are groups of users."""
    return [field for field in spec.users.fields if field.name in spec.users.groups]


def _column_type(field: FieldSpec) -> TypeEngine[Any]:
    if field.kind == "number":
        return BigInteger() if field.integer else Double()
    if field.kind == "boolean":
        return Boolean()
    if field.kind == "text":
        return Text(LONGEST_TEXT)
    return String(NAME_LENGTH)


def _id_type(id_type: str) -> TypeEngine[Any]:
    return BigInteger() if id_type == "integer" else String(NAME_LENGTH)


class CatalogTables:
    """SQLAlchemy tables for one dataset.

    Args:
        prefix: Beginning of the tables' names, where several catalogues share a database.
        collation: Collation of a MySQL server that compares names by code points, as Python does.
    """

    def __init__(self, spec: DatasetSpec, prefix: str = "", collation: str | None = None) -> None:
        self.metadata = MetaData()
        options: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": collation}
        title = spec.item_field(spec.items.title)
        assert title is not None  # the specification has checked it
        kind = spec.interactions.kind
        self.items = Table(
            f"{prefix}items",
            self.metadata,
            Column("idx", Integer, primary_key=True, autoincrement=False),
            Column("id", _id_type(spec.items.id_type), nullable=False, unique=True),
            Column(title.name, _column_type(title)),
            Column("canonical", Integer, nullable=False, comment="first item that is the same as this one"),
            Column("n_interactions", Double if kind == "counts" else BigInteger, nullable=False),
            # No field's name begins with an underscore.
            Column("_popularity", Double, nullable=False, comment="what items are ordered by"),
            Column("_available", Boolean, nullable=False),
            *(Column(field.name, _column_type(field)) for field in spec.columns),
            **options,
        )
        self.title = self.items.c[title.name]
        self.popularity, self.available = self.items.c["_popularity"], self.items.c["_available"]
        self.terms = Table(
            f"{prefix}terms",
            self.metadata,
            Column("term", Integer, primary_key=True, autoincrement=False),
            Column("field", String(40), nullable=False),
            Column("name", String(NAME_LENGTH), nullable=False),
            Column("folded", String(NAME_LENGTH), nullable=False, comment="see vocabulary.fold"),
            Column("n_items", Integer, nullable=False),
            UniqueConstraint("field", "name"),
            Index("terms_folded", "field", "folded"),
            **options,
        )
        self.item_terms = Table(
            f"{prefix}item_terms",
            self.metadata,
            Column("item", Integer, primary_key=True, autoincrement=False),
            Column("term", Integer, primary_key=True, autoincrement=False),
            Column("position", Integer, nullable=False, comment="order in the item's list"),
            **options,
        )
        self.users = Table(
            f"{prefix}users",
            self.metadata,
            Column("idx", Integer, primary_key=True, autoincrement=False),
            Column("id", _id_type(spec.users.id_type), nullable=False, unique=True),
            *(Column(field.name, _column_type(field)) for field in spec.users.fields),
            **options,
        )
        self.interactions = Table(
            f"{prefix}interactions",
            self.metadata,
            # The key keeps a user's rows side by side, and in the order of histories: the first ones come last.
            Column("user", Integer, primary_key=True, autoincrement=False),
            Column("interaction", Integer, primary_key=True, autoincrement=False),
            Column("item", Integer, nullable=False),
            Column("rating", Double, comment="latest rating, sum of counts, or sum of weights"),
            Column("liked", Boolean, nullable=False),
            Column("n_events", Integer, comment="events with a weight above 0"),
            Column("timestamp", BigInteger, comment="seconds since 1970"),
            sqlite_with_rowid=False,
            **options,
        )
        self.segments = Table(
            f"{prefix}segments",
            self.metadata,
            # Users with the same values of all group fields, and their range in the arrays of segments.
            Column("_segment", Integer, primary_key=True, autoincrement=False),
            Column("_begin", BigInteger, nullable=False),
            Column("_end", BigInteger, nullable=False),
            Column("_n_users", Integer, nullable=False),
            *(Column(field.name, _column_type(field)) for field in group_fields(spec)),
            **options,
        )
        self.arrays = Table(
            f"{prefix}arrays",
            self.metadata,
            Column("name", String(64), primary_key=True),
            Column("piece", Integer, primary_key=True, autoincrement=False),
            Column("content", LargeBinary(2**24 - 1), nullable=False),
            **options,
        )
