"""Search in small catalogues of other kinds: without categories, in another language, with hardly any interactions."""

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.conftest import skip_without_recbole
from tests.names import RECOMMEND, SEARCH

BOOKS = {
    "b1": ("Der Hund", "Ein alter Hund sucht im Winter sein Haus."),
    "b2": ("Der Zug", "Zwei Brüder fahren mit dem Zug ans Meer."),
    "b3": ("Das Haus", "Die Häuser der Stadt erzählen von ihren Bewohnern."),
    "b4": ("Ohne Text", ""),
    "b5": ("Das Meer", "Ein Schiff sinkt in der Nacht."),
}
LIKES = {"r1": ["b1", "b3", "b4"], "r2": ["b1", "b4"], "r3": ["b3"]}

SPEC: dict[str, Any] = {
    "name": "buecherei",
    "title": "Bücherei",
    "nouns": {"item": "book", "items": "books", "user": "reader", "users": "readers"},
    "items": {
        "id": "book",
        "id_type": "string",
        "title": "name",
        "sources": [{"file": "books.csv"}],
        "fields": [{"name": "name", "kind": "text"}, {"name": "story", "kind": "text"}],
    },
    "users": {"id": "reader", "id_type": "string"},
    "interactions": {"sources": [{"file": "loans.csv"}], "user": "reader", "item": "book"},
    "search": {"texts": ["story"], "keywords": ["name"], "language": "german"},
}


@pytest.fixture(scope="module")
def books_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    skip_without_recbole()
    folder: Path = tmp_path_factory.mktemp("books")
    (folder / "dataset.yaml").write_text(yaml.safe_dump(SPEC, allow_unicode=True), encoding="utf-8")
    books = ["book,name,story", *(f'{book},{name},"{story}"' for book, (name, story) in BOOKS.items())]
    (folder / "books.csv").write_text("\n".join(books), encoding="utf-8")
    loans = ["reader,book", *(f"{reader},{book}" for reader, liked in LIKES.items() for book in liked)]
    (folder / "loans.csv").write_text("\n".join(loans), encoding="utf-8")
    settings = Settings(_env_file=None, dataset=str(folder), state=folder / "state")
    prepare_with_progress(settings, Console(stderr=True))
    return settings


@pytest_asyncio.fixture
async def books(books_settings: Settings) -> AsyncIterator[Service]:
    service = Service(books_settings, prepare_if_needed=False)
    yield service
    await service.close()


def listed(result: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in result["items"]]


async def test_words_are_reduced_to_stems_of_the_language(books: Service) -> None:
    result = await books.call(SEARCH, {"query": "Hauses", "k": 2})
    assert set(listed(result)) == {"b1", "b3"}


async def test_all_that_have_a_text_are_found_and_the_message_counts_them_in_the_datasets_nouns(books: Service) -> None:
    result = await books.call(SEARCH, {"query": "Meer", "k": 10})
    assert set(listed(result)) == {"b1", "b2", "b3", "b5"}
    assert result["message"].startswith("4 books for the query, best match first.")
    assert "These are all that have a text." in result["message"]


async def test_without_categories_and_a_model_likeness_is_that_of_texts_and_of_likers(books: Service) -> None:
    """Cosines of likers with those of b1, which r1 and r2 like: b4 1, b3 1/2, the others 0."""
    result = await books.call(SEARCH, {"similar_to": "b1", "by": "audience", "k": 5})
    assert listed(result)[:2] == ["b4", "b3"]
    catalog = await (await books._backends()).catalog()
    cosines = await catalog.co_likes.with_item(0)
    assert cosines is not None
    assert cosines.tolist() == pytest.approx([1, 0, 1 / math.sqrt(2 * 2), 1, 0])
    both = await books.call(SEARCH, {"similar_to": "b1", "k": 5})
    assert "in what they are and in who likes them" in both["message"]


async def test_a_book_that_nobody_likes_is_compared_by_what_it_is(books: Service) -> None:
    for by in ("both", "audience"):
        result = await books.call(SEARCH, {"similar_to": "b5", "by": by, "k": 3})
        assert "book b5 (Das Meer) in what they are, best match first." in result["message"]
        assert "Nothing is known of who likes it." in result["message"]
        assert set(listed(result)) == {"b1", "b2", "b3"}


async def test_a_book_without_text_or_names_is_compared_by_its_audience_or_not_at_all(books: Service) -> None:
    result = await books.call(SEARCH, {"similar_to": "b4", "k": 3})
    assert listed(result)[0] == "b1"
    assert result["items"][0]["fit"] is None
    with pytest.raises(InvalidInputError, match="nothing to compare by"):
        await books.call(SEARCH, {"similar_to": "b4", "by": "content"})


async def test_popularity_and_nearness_order_recommendations_where_there_is_no_model(books: Service) -> None:
    found = await books.call(SEARCH, {"query": "Ein Schiff auf dem Meer", "k": 4})
    result = await books.call(RECOMMEND, {"liked_items": [], "item_set": found["item_set"], "k": 4})
    assert "nearness to the search counts 50%, popularity 50%" in result["message"]
    assert set(listed(result)) == {"b1", "b3"}  # those that anybody has borrowed
