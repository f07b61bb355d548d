"""The tables of a catalogue, generated from its specification.

A field with one number, boolean, text or date is a column of ``items`` or ``users``. A field of names is normalised:
``terms`` holds each name once, ``item_terms`` says which items have it. Texts that can be filtered (titles) are terms,
too, so that one index and one fuzzy search serve every name.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.spec import DatasetSpec

SCHEMA_VERSION = 2
"""Part of the catalogue's fingerprint; raise it when a table changes."""

NAME_LENGTH = 255

LONGEST_TEXT = 2**24 - 1
"""Bytes. MySQL's plain TEXT ends at 64 KB, which a storyline may exceed."""


def is_term_field(field: FieldSpec) -> bool:
    """True for a field whose values are kept as terms."""
    return field.kind == "category" or (field.kind == "text" and field.filter)


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
        self.items = Table(
            f"{prefix}items",
            self.metadata,
            Column("idx", Integer, primary_key=True, autoincrement=False),
            Column("id", _id_type(spec.items.id_type), nullable=False, unique=True),
            Column(title.name, _column_type(title)),
            Column("canonical", Integer, nullable=False, comment="first item that is the same as this one"),
            Column("n_interactions", Integer, nullable=False),
            *(Column(field.name, _column_type(field)) for field in spec.columns),
            *(Index(f"items_{f.name}", f.name) for f in spec.columns if f.filter and f.kind != "text"),
            **options,
        )
        self.title = self.items.c[title.name]
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
            Column("item", ForeignKey(f"{prefix}items.idx"), primary_key=True),
            Column("term", ForeignKey(f"{prefix}terms.term"), primary_key=True),
            Column("position", Integer, nullable=False, comment="order in the item's list"),
            Index("item_terms_term", "term", "item"),
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
            Column("interaction", Integer, primary_key=True, autoincrement=False),
            Column("user", ForeignKey(f"{prefix}users.idx"), nullable=False),
            Column("item", ForeignKey(f"{prefix}items.idx"), nullable=False),
            Column("rating", Double),
            Column("timestamp", BigInteger, comment="seconds since 1970"),
            Index("interactions_user", "user", "timestamp", "interaction", "item"),
            Index("interactions_item", "item", "rating", "user"),
            **options,
        )
