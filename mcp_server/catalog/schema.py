"""The tables of a catalogue, generated from its specification.

A field with one number, text or date is a column of ``items`` or ``users``. A field of names is normalised:
``terms`` holds each name once, ``item_terms`` says which items have it. Texts that can be filtered (titles)
are terms too, so that one index and one fuzzy search serve every name.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
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

from mcp_server.dataset.spec import DatasetSpec, FieldSpec

SCHEMA_VERSION = 1
"""Goes into the catalogue's fingerprint; raise it when a table changes."""

NAME_LENGTH = 255


def is_term_field(field: FieldSpec) -> bool:
    """Are the field's values kept as terms?"""
    return field.kind == "category" or (field.kind == "text" and field.filter)


def _column_type(field: FieldSpec) -> TypeEngine[Any]:
    if field.kind == "number":
        return Integer() if field.integer else Float()
    if field.kind == "text":
        return Text()
    return String(NAME_LENGTH)


def _id_type(id_type: str) -> TypeEngine[Any]:
    return BigInteger() if id_type == "integer" else String(NAME_LENGTH)


class CatalogTables:
    """SQLAlchemy tables for one dataset."""

    def __init__(self, spec: DatasetSpec) -> None:
        self.metadata = MetaData()
        title = spec.item_field(spec.items.title)
        assert title is not None  # the specification has checked it
        self.items = Table(
            "items",
            self.metadata,
            Column("idx", Integer, primary_key=True, autoincrement=False),
            Column("id", _id_type(spec.items.id_type), nullable=False, unique=True),
            Column(title.name, _column_type(title)),
            Column("canonical", Integer, nullable=False, comment="first item that is the same as this one"),
            Column("n_interactions", Integer, nullable=False),
            *(Column(field.name, _column_type(field)) for field in spec.columns),
            *(Index(f"items_{f.name}", f.name) for f in spec.columns if f.filter and f.kind == "number"),
        )
        self.title = self.items.c[title.name]
        self.terms = Table(
            "terms",
            self.metadata,
            Column("term", Integer, primary_key=True, autoincrement=False),
            Column("field", String(40), nullable=False),
            Column("name", String(NAME_LENGTH), nullable=False),
            Column("folded", String(NAME_LENGTH), nullable=False, comment="see vocabulary.fold"),
            Column("n_items", Integer, nullable=False),
            UniqueConstraint("field", "name"),
            Index("terms_folded", "field", "folded"),
        )
        self.item_terms = Table(
            "item_terms",
            self.metadata,
            Column("item", ForeignKey("items.idx"), primary_key=True),
            Column("term", ForeignKey("terms.term"), primary_key=True),
            Column("position", Integer, nullable=False, comment="order in the item's list"),
            Index("item_terms_term", "term", "item"),
        )
        self.users = Table(
            "users",
            self.metadata,
            Column("idx", Integer, primary_key=True, autoincrement=False),
            Column("id", _id_type(spec.users.id_type), nullable=False, unique=True),
            *(Column(field.name, _column_type(field)) for field in spec.users.fields),
        )
        self.interactions = Table(
            "interactions",
            self.metadata,
            Column("interaction", Integer, primary_key=True),
            Column("user", ForeignKey("users.idx"), nullable=False),
            Column("item", ForeignKey("items.idx"), nullable=False),
            Column("rating", Float),
            Column("timestamp", BigInteger, comment="seconds since 1970"),
            Index("interactions_user", "user", "timestamp", "interaction", "item"),
            Index("interactions_item", "item", "rating", "user"),
        )
