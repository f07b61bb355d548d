"""Answers of the tools for a catalogue of another domain, which nothing but its dataset.yaml declares; all by hand.

Purchases: Building blocks 3 (one customer twice, which counts once), Oak chopping board and Garden trowel 3; Steel
saucepan, Wooden spoon, Knife, Watering can and Kite 2; Terracotta pot, Seed tray and Teddy bear 1; Marbles none.
"""

from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.names import FILTER, HISTORY, ITEM, LIKE, POPULAR, SEARCH, USER


def listed(result: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in result["items"]]


async def test_search_is_an_unknown_tool(shop: Service) -> None:
    with pytest.raises(InvalidInputError, match="there is no tool 'vector_store_search_tool'"):
        await shop.call(SEARCH, {"query": "wood"})


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"materials": ["wood"]}, ["GAR-01", "KIT-01", "TOY-01", "KIT-03", "KIT-04"]),
        ({"materials": ["wooden"]}, ["GAR-01", "KIT-01", "TOY-01", "KIT-03", "KIT-04"]),
        ({"materials": ["wood", "steel"]}, ["GAR-01", "KIT-04"]),
        (
            {"materials": ["wood", "steel"], "match": "any"},
            ["GAR-01", "KIT-01", "TOY-01", "GAR-02", "KIT-02", "KIT-03", "KIT-04"],
        ),
        ({"department": ["toys"]}, ["TOY-01", "TOY-02", "TOY-03", "TOY-04"]),
        ({"department": "Gardn"}, ["GAR-01", "GAR-02", "GAR-03", "GAR-04"]),
        ({"name": ["knife 20 cm"]}, ["KIT-04"]),
        ({"name": ["spoon"]}, ["KIT-03"]),
        ({"price": {"lt": 5}}, ["KIT-03", "GAR-04"]),
        ({"price": {"lte": 5}}, ["KIT-03", "GAR-04", "TOY-04"]),
        ({"price": 24.5}, ["KIT-01"]),
        ({"department": ["Toys"], "price": {"gt": 0}}, ["TOY-01", "TOY-02", "TOY-04"]),
    ],
    ids=str,
)
async def test_filter(shop: Service, arguments: dict[str, Any], expected: list[str]) -> None:
    result = await shop.call(FILTER, arguments)
    assert listed(result) == expected
    assert result["count"] == len(expected)
    every = await shop.call(ITEM, {"item_set": result["item_set"], "get": "name"})
    assert listed(every) == expected


async def test_a_department_that_is_not_there_finds_nothing(shop: Service) -> None:
    result = await shop.call(FILTER, {"department": ["Electronics"]})
    assert result["count"] == 0
    assert "'Electronics' is not among the names of department" in result["message"]


async def test_stock_cannot_be_filtered(shop: Service) -> None:
    with pytest.raises(InvalidInputError, match="no argument 'stock'"):
        await shop.call(FILTER, {"stock": {"gt": 0}})


@pytest.mark.parametrize(
    ("items", "n_buyers"),
    [
        (["KIT-01"], 3),  # anna, ben, gus
        (["TOY-01"], 3),  # eve (twice), finn, gus
        (["TOY-01", "GAR-01"], 5),  # and chloé, dev
        (["TOY-04"], 0),
        (["KIT-01", "GAR-01", "TOY-01"], 7),  # all but the newcomer
    ],
)
async def test_without_ratings_buying_is_liking(shop: Service, items: list[str], n_buyers: int) -> None:
    result = await shop.call(LIKE, {"items": items})
    assert result["n_users_who_like"] == n_buyers
    assert result["n_users"] == 8
    assert result["percentage"] == 100 * n_buyers / 8


def standing_out(result: dict[str, Any]) -> list[tuple[str, int]]:
    return [(item["item_id"], item["n_interactions"]) for item in result["items"] if item["stands_out"]]


async def test_popular_products_have_more_purchases_than_the_upper_quartile(shop: Service) -> None:
    """The 0.75 quantile of 0 1 1 1 2 2 2 2 2 3 3 3 is 2.25."""
    result = await shop.call(POPULAR, {})
    assert result["count"] == 11
    assert standing_out(result) == [
        ("GAR-01", 3),
        ("KIT-01", 3),
        ("TOY-01", 3),
    ]


async def test_popular_among_gold_customers(shop: Service) -> None:
    """Anna, chloé, gus: trowel, board, saucepan 2; five products 1; four none: the 0.75 quantile is 1.25."""
    result = await shop.call(POPULAR, {"user_group": ["gold"]})
    assert result["count"] == 8
    assert standing_out(result) == [
        ("GAR-01", 2),
        ("KIT-01", 2),
        ("KIT-02", 2),
    ]
    assert "3 customers" in result["message"]


async def test_popular_among_silver_customers(shop: Service) -> None:
    """Ben, dev, eve, the newcomer: eight products 1; four none: the 0.75 quantile is 1."""
    result = await shop.call(POPULAR, {"user_group": "silver"})
    assert [item["n_interactions"] for item in result["items"]] == [1] * 8
    assert listed(result) == sorted(listed(result))
    assert "None stands out (more than the 0.75 quantile, 1 purchase)" in result["message"]


async def test_products_that_nobody_bought_are_not_popular(shop: Service) -> None:
    result = await shop.call(POPULAR, {"items": ["TOY-04"]})
    assert result["items"] == []
    assert "None of the products to choose from has purchases" in result["message"]


async def test_unknown_facts_of_customers_are_null(shop: Service) -> None:
    eve = await shop.call(USER, {"user": "eve", "get": ["city", "tier"]})
    assert eve["fields"] == {"city": None, "tier": "silver"}
    assert "not known" in eve["message"]
    finn = await shop.call(USER, {"user": "finn", "get": ["city", "tier"]})
    assert finn["fields"] == {"city": "Turin", "tier": None}
    chloe = await shop.call(USER, {"user": "chloé", "get": ["tier"]})
    assert chloe["fields"] == {"tier": "gold"}


async def test_unknown_facts_of_products_are_null(shop: Service) -> None:
    result = await shop.call(
        ITEM,
        {"items": ["GAR-04", "TOY-03", "TOY-04"], "get": ["department", "materials", "price", "stock"]},
    )
    fields = ("item_id", "title", "department", "materials", "price", "stock")
    assert [tuple(item[field] for field in fields) for item in result["items"]] == [
        ("GAR-04", "Seed tray", "Garden", ["plastic"], 4, None),
        ("TOY-03", "Teddy bear", "Toys", ["cotton"], None, 11),
        ("TOY-04", "Marbles", "Toys", [], 5, 60),
    ]


async def test_a_title_with_a_comma_is_whole(shop: Service) -> None:
    result = await shop.call(ITEM, {"items": ["KIT-04"], "get": ["stock"]})
    assert result["items"] == [{"item_id": "KIT-04", "title": "Knife, 20 cm", "stock": 0}]


async def test_without_times_a_history_of_likes_is_in_no_particular_order(shop: Service) -> None:
    result = await shop.call(HISTORY, {"user": "anna"})
    assert result["items"] == [
        {"item_id": "KIT-04", "title": "Knife, 20 cm"},
        {"item_id": "KIT-03", "title": "Wooden spoon"},
        {"item_id": "KIT-02", "title": "Steel saucepan"},
        {"item_id": "KIT-01", "title": "Oak chopping board"},
    ]
    assert "in no particular order" in result["message"]
    assert result["total"] == 4


async def test_a_product_bought_again_is_in_a_history_once(shop: Service) -> None:
    result = await shop.call(HISTORY, {"user": "eve"})
    assert listed(result) == ["TOY-01", "TOY-02"]
    assert result["total"] == 2
    assert "purchases of 2 products" in result["message"]


async def test_a_customer_without_purchases_has_an_empty_history(shop: Service) -> None:
    result = await shop.call(HISTORY, {"user": "newcomer"})
    assert (result["items"], result["total"]) == ([], 0)
    assert "purchases of 0 products" in result["message"]
