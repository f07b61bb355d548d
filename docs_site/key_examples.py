"""Examples of keys of dataset.yaml, each a line or a few of a file; the tests check that a model takes them."""

from collections.abc import Mapping

from pydantic import BaseModel

from mcp_server.dataset.fields import FieldSpec
from mcp_server.dataset.images import ImageSpec
from mcp_server.dataset.search import SearchSpec
from mcp_server.dataset.sources import Alternatives, SourceFile, SourceQuery
from mcp_server.dataset.spec import (
    DatasetSpec,
    InteractionSpec,
    ItemSpec,
    ModelSpec,
    Nouns,
    UserSpec,
)

EXAMPLES: Mapping[tuple[type[BaseModel], str], str] = {
    (DatasetSpec, "name"): "name: corner-shop",
    (DatasetSpec, "title"): "title: The corner shop",
    (DatasetSpec, "description"): "description: What customers looked at and bought in 2024",
    (DatasetSpec, "nouns"): "nouns: {item: product, items: products, user: customer, users: customers}",
    (DatasetSpec, "folders"): 'folders: [exports, "package:recbole/dataset_example/ml-100k"]',
    (DatasetSpec, "missing"): 'missing: ["", "n/a", "-1"]',
    (DatasetSpec, "on_bad_row"): "on_bad_row: skip",
    (ItemSpec, "id"): "id: sku",
    (ItemSpec, "id_type"): "id_type: string",
    (ItemSpec, "title"): "title: name",
    (ItemSpec, "summary"): "summary: [department, price]",
    (ItemSpec, "image"): "image: {field: poster, base: https://images.example.com/posters/}",
    (ItemSpec, "same_item"): "same_item: [[isbn], [title, author, year]]",
    (ItemSpec, "available"): "available: stock > 0",
    (ItemSpec, "sources"): "sources:\n  - {file: products.csv}\n  - {file: tags.csv}",
    (ItemSpec, "fields"): "fields:\n  - {name: name, kind: text, filter: true}\n"
    "  - {name: price, kind: number, unit: euros, filter: true}",
    (ImageSpec, "field"): "field: poster",
    (ImageSpec, "base"): "base: https://images.example.com/posters/",
    (UserSpec, "id"): "id: customer",
    (UserSpec, "groups"): "groups: [age_group, city]",
    (InteractionSpec, "user"): "user: customer",
    (InteractionSpec, "item"): "item: sku",
    (InteractionSpec, "rating"): "rating: stars",
    (InteractionSpec, "feedback"): "feedback: counts",
    (InteractionSpec, "weights"): "weights: {view: 1, buy: 5, refund: -5}",
    (InteractionSpec, "timestamp"): "timestamp: ordered_at",
    (InteractionSpec, "timestamp_format"): 'timestamp_format: "%d/%m/%Y %H:%M"',
    (InteractionSpec, "rating_range"): "rating_range: [1, 5]",
    (InteractionSpec, "like_threshold"): "like_threshold: 4",
    (SourceFile, "file"): "file: orders/2024-*.csv.gz",
    (SourceFile, "format"): "format: delimited",
    (SourceFile, "separator"): 'separator: "|"',
    (SourceFile, "quote"): "quote: \"'\"",
    (SourceFile, "columns"): "columns: [sku, name, price]",
    (SourceFile, "skip_lines"): "skip_lines: 2",
    (SourceFile, "encoding"): "encoding: latin-1",
    (SourceFile, "where"): "where: country = 'FR' AND price > 0",
    (SourceFile, "flags"): "flags: {genres: [Action, Comedy, Drama]}",
    (SourceQuery, "query"): "query: SELECT * FROM 'films.csv' JOIN 'prices.parquet' USING (film_id)",
    (SourceQuery, "from_"): "from: shop",
    (SourceQuery, "where"): "where: status = 'published'",
    (Alternatives, "one_of"): "one_of:\n  - {file: ratings.csv}\n"
    "  - {file: u.data, separator: \"\\t\", columns: [user_id, item_id, rating, timestamp]}",
    (FieldSpec, "name"): "name: release_year",
    (FieldSpec, "kind"): "kind: number",
    (FieldSpec, "many"): "many: true",
    (FieldSpec, "source"): "source: \"regexp_extract(title, '\\\\((\\\\d{4})\\\\)', 1)\"",
    (FieldSpec, "label"): "label: Release year",
    (FieldSpec, "unit"): "unit: minutes",
    (FieldSpec, "separator"): 'separator: "|"',
    (FieldSpec, "decimal"): 'decimal: ","',
    (FieldSpec, "format"): 'format: "%d/%m/%Y"',
    (FieldSpec, "part"): "part: month",
    (FieldSpec, "values"): "values: {M: male, F: female}",
    (FieldSpec, "bands"): "bands: {child: [0, 12], teenager: [13, 19], adult: [20, 150]}",
    (FieldSpec, "aliases"): "aliases: {SciFi: Science fiction, USA: United States}",
    (SearchSpec, "texts"): "texts: [description]",
    (SearchSpec, "keywords"): "keywords: [title, author]",
    (SearchSpec, "language"): "language: german",
    (SearchSpec, "weights"): "weights: {words: 1.2, popularity: 0}",
    (ModelSpec, "name"): "name: BPR",
    (ModelSpec, "settings"): "settings: {embedding_size: 128, learning_rate: 0.001}",
    (Nouns, "item"): "item: film",
}  # fmt: skip
"""Examples by model and attribute. Keys whose values need none are left out."""
