"""A catalogue of another domain, declared by nothing but its dataset.yaml; all answers by hand.

Purchases: Building blocks 4 (one customer twice); Oak chopping board and Garden trowel 3; Steel saucepan,
Wooden spoon, Knife, Watering can and Kite 2; Terracotta pot, Seed tray and Teddy bear 1; Marbles none.
"""

import asyncio
import csv
import json
import re
from typing import Any

import numpy as np
import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.protocol.client import stdio_session
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from tests.conftest import SHOP
from tests.names import FILTER, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, USER

ALL_BUT_SEARCH = [RECOMMEND, FILTER, LIKE, POPULAR, USER, ITEM, HISTORY]


def listed(result: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in result["items"]]


# What the tools look like


Tools = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def greeting_and_tools(shop_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Tools]:
    """The instructions and the tools by name, as a client over stdio gets them."""
    command = ["serve", "--dataset", shop_settings.dataset, "--state", str(shop_settings.state_folder)]

    async def ask() -> tuple[str, Tools]:
        with (tmp_path_factory.mktemp("server") / "log").open("w") as log:
            async with stdio_session(command, errlog=log) as session:
                tools = await session.list_tools()
                return session.greeting["instructions"], {tool["name"]: tool for tool in tools}

    return asyncio.run(ask())


def test_a_dataset_without_texts_has_no_search(greeting_and_tools: tuple[str, Tools]) -> None:
    _, tools = greeting_and_tools
    assert sorted(tools) == sorted(ALL_BUT_SEARCH)


def test_no_text_speaks_of_a_tool_that_is_not_there(greeting_and_tools: tuple[str, Tools]) -> None:
    instructions, tools = greeting_and_tools
    assert set(re.findall(r"\w+_tool\b", instructions)) <= set(tools)
    for tool in tools.values():
        assert set(re.findall(r"\w+_tool\b", json.dumps(tool))) <= set(tools), tool["name"]


def test_descriptions_use_the_shops_nouns(greeting_and_tools: tuple[str, Tools]) -> None:
    instructions, tools = greeting_and_tools
    foreign = re.compile(r"\b(films?|movies?|viewers?|imdb\w*|ratings?)\b|\{\w+\}", re.IGNORECASE)
    for text in (instructions, *(tool["description"] for tool in tools.values())):
        assert re.search(r"\b(customer|product)s?\b", text)
        assert not foreign.search(text)


def test_descriptions_give_no_examples_from_films(greeting_and_tools: tuple[str, Tools]) -> None:
    instructions, tools = greeting_and_tools
    for text in (instructions, *(tool["description"] for tool in tools.values())):
        assert not re.findall(r"\b(genres?|plots?|storylines?|comed\w+|watch\w*)\b", text, re.IGNORECASE)


def test_arguments_are_the_fields_that_can_be_filtered(greeting_and_tools: tuple[str, Tools]) -> None:
    properties = greeting_and_tools[1][FILTER]["inputSchema"]["properties"]
    assert list(properties) == ["name", "department", "materials", "price", "match", "detail"]
    for name in ("Garden", "Kitchen", "Toys"):
        assert name in properties["department"]["description"]
    assert "euros" in properties["price"]["description"]
    assert "3.2 to 45" in properties["price"]["description"]


def test_ids_are_strings_and_groups_the_shops_own(greeting_and_tools: tuple[str, Tools]) -> None:
    tools = greeting_and_tools[1]
    recommend, popular = (tools[name]["inputSchema"]["properties"] for name in (RECOMMEND, POPULAR))
    assert recommend["user"]["type"] == "string"
    assert recommend["items"]["items"]["type"] == "string"
    assert popular["user_group"]["items"]["enum"] == ["gold", "silver"]
    assert tools[USER]["inputSchema"]["properties"]["get"]["items"]["enum"] == ["city", "tier"]
    assert tools[ITEM]["inputSchema"]["properties"]["get"]["items"]["enum"] == [
        "name",
        "department",
        "materials",
        "price",
        "stock",
    ]


# What they answer


async def test_search_is_an_unknown_tool(shop: Service) -> None:
    with pytest.raises(InvalidInputError, match="there is no tool 'vector_store_search_tool'"):
        await shop.call(SEARCH, {"query": "wood"})


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"materials": ["wood"]}, ["TOY-01", "GAR-01", "KIT-01", "KIT-03", "KIT-04"]),
        ({"materials": ["wooden"]}, ["TOY-01", "GAR-01", "KIT-01", "KIT-03", "KIT-04"]),
        ({"materials": ["wood", "steel"]}, ["GAR-01", "KIT-04"]),
        (
            {"materials": ["wood", "steel"], "match": "any"},
            ["TOY-01", "GAR-01", "KIT-01", "GAR-02", "KIT-02", "KIT-03", "KIT-04"],
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


async def test_popular_products_have_more_purchases_than_the_upper_quartile(shop: Service) -> None:
    """Of 0 1 1 1 2 2 2 2 2 3 3 4 the 0.75 quantile is 2.25."""
    result = await shop.call(POPULAR, {})
    assert [(item["item_id"], item["n_interactions"]) for item in result["items"]] == [
        ("TOY-01", 4),
        ("GAR-01", 3),
        ("KIT-01", 3),
    ]


async def test_popular_among_gold_customers(shop: Service) -> None:
    """Anna, chloé, gus: trowel, board, saucepan 2; five products 1; four none: the 0.75 quantile is 1.25."""
    result = await shop.call(POPULAR, {"user_group": ["gold"]})
    assert [(item["item_id"], item["n_interactions"]) for item in result["items"]] == [
        ("GAR-01", 2),
        ("KIT-01", 2),
        ("KIT-02", 2),
    ]
    assert "3 customers" in result["message"]


async def test_popular_among_silver_customers(shop: Service) -> None:
    """Ben, dev, eve, the newcomer: blocks 2; seven products 1; four none: the 0.75 quantile is 1."""
    result = await shop.call(POPULAR, {"user_group": "silver"})
    assert [(item["item_id"], item["n_interactions"]) for item in result["items"]] == [("TOY-01", 2)]


async def test_products_that_nobody_bought_are_not_popular(shop: Service) -> None:
    result = await shop.call(POPULAR, {"items": ["TOY-04"]})
    assert result["items"] == []
    assert "None of the products has purchases" in result["message"]


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


async def test_without_times_the_last_lines_are_the_newest(shop: Service) -> None:
    result = await shop.call(HISTORY, {"user": "anna"})
    assert result["items"] == [
        {"item_id": "KIT-04", "title": "Knife, 20 cm"},
        {"item_id": "KIT-03", "title": "Wooden spoon"},
        {"item_id": "KIT-02", "title": "Steel saucepan"},
        {"item_id": "KIT-01", "title": "Oak chopping board"},
    ]
    assert result["total"] == 4


async def test_a_product_bought_again_is_in_a_history_once(shop: Service) -> None:
    result = await shop.call(HISTORY, {"user": "eve"})
    assert listed(result) == ["TOY-01", "TOY-02"]
    assert result["total"] == 3
    assert "3 purchases" in result["message"]


async def test_a_customer_without_purchases_has_an_empty_history(shop: Service) -> None:
    result = await shop.call(HISTORY, {"user": "newcomer"})
    assert (result["items"], result["total"]) == ([], 0)
    assert "0 purchases" in result["message"]


# Recommendations


def ease_scores(settings: Settings) -> dict[str, dict[str, float]]:
    """Scores by customer and product: EASE's closed form over the raw purchases."""
    with (SHOP / "products.csv").open(encoding="utf-8", newline="") as stream:
        products = sorted(row["sku"] for row in csv.DictReader(stream))
    with (SHOP / "purchases.csv").open(encoding="utf-8", newline="") as stream:
        bought = sorted({(row["customer"], row["sku"]) for row in csv.DictReader(stream)})
    customers = sorted({customer for customer, _ in bought})
    matrix = np.zeros((len(customers), len(products)))
    for customer, product in bought:
        matrix[customers.index(customer), products.index(product)] = 1
    state = StateFolder(settings.state_folder)
    header = json.loads((state.part(state.manifest().model) / "artifact.json").read_text(encoding="utf-8"))
    inverse = np.linalg.inv(matrix.T @ matrix + header["settings"]["reg_weight"] * np.eye(len(products)))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    scores = matrix @ weights
    return {customer: dict(zip(products, scores[row].tolist(), strict=True)) for row, customer in enumerate(customers)}


PURCHASES = {
    "anna": {"KIT-01", "KIT-02", "KIT-03", "KIT-04"},
    "ben": {"KIT-01", "KIT-03", "KIT-04"},
    "chloé": {"GAR-01", "GAR-02", "GAR-03"},
    "dev": {"GAR-01", "GAR-02", "GAR-04"},
    "eve": {"TOY-01", "TOY-02"},
    "finn": {"TOY-01", "TOY-02", "TOY-03"},
    "gus": {"KIT-01", "KIT-02", "GAR-01", "TOY-01"},
}


@pytest.mark.parametrize("customer", PURCHASES)
async def test_recommendations_are_ranked_by_eases_closed_form(
    shop: Service, shop_settings: Settings, customer: str
) -> None:
    """Marbles, which nobody bought, cannot be ranked."""
    scores = ease_scores(shop_settings)[customer]
    result = await shop.call(RECOMMEND, {"user": customer, "k": 12})
    assert set(listed(result)) == set(scores) - PURCHASES[customer] - {"TOY-04"}
    for item in result["items"]:
        assert item["score"] == pytest.approx(scores[item["item_id"]], abs=1e-4)
    in_order = [scores[product] for product in listed(result)]
    assert in_order == pytest.approx(sorted(in_order, reverse=True), abs=1e-6)


async def test_dev_gets_the_other_garden_product_first_because_of_the_trowel_and_the_can(
    shop: Service,
) -> None:
    result = await shop.call(RECOMMEND, {"user": "dev", "k": 1, "reasons": True})
    assert listed(result) == ["GAR-03"]
    assert {reason["title"] for reason in result["items"][0]["because"]} == {"Garden trowel", "Watering can"}


async def test_bought_products_take_part_when_they_are_not_excluded(shop: Service) -> None:
    result = await shop.call(RECOMMEND, {"user": "anna", "k": 4, "exclude_seen": False})
    assert set(listed(result)) == PURCHASES["anna"]


async def test_fewer_products_than_asked_for_is_told(shop: Service) -> None:
    result = await shop.call(RECOMMEND, {"user": "anna", "k": 12})
    assert len(result["items"]) == 7
    assert "7 products for customer anna" in result["message"]
    assert "These are all" in result["message"]


async def test_someone_without_an_id_is_served_from_liked_products(shop: Service) -> None:
    result = await shop.call(RECOMMEND, {"liked_items": ["GAR-01", "GAR-04"], "k": 1})
    assert listed(result) == ["GAR-02"]


async def test_a_customer_without_purchases_gets_the_most_bought_products(shop: Service) -> None:
    result = await shop.call(RECOMMEND, {"user": "newcomer"})
    assert listed(result) == ["TOY-01", "GAR-01", "KIT-01", "GAR-02", "KIT-02"]
    assert "newcomer has no purchases yet" in result["message"]
    assert "most purchases" in result["message"]


async def test_a_customer_without_purchases_can_get_every_product_that_was_ever_bought(shop: Service) -> None:
    result = await shop.call(RECOMMEND, {"user": "newcomer", "k": 12})
    assert len(result["items"]) == 11
    assert "TOY-04" not in listed(result)
    assert "These are all products that can be recommended; 12 were asked for" in result["message"]


async def test_a_customer_without_purchases_gets_the_most_bought_of_the_given_products(shop: Service) -> None:
    result = await shop.call(
        RECOMMEND, {"user": "newcomer", "k": 2, "items": ["TOY-04", "TOY-03", "TOY-02", "KIT-03", "KIT-01"]}
    )
    assert listed(result) == ["KIT-01", "KIT-03"]


async def test_an_unknown_customer_is_an_error_that_shows_what_ids_look_like(shop: Service) -> None:
    with pytest.raises(InvalidInputError, match="customer 'nobody' is not in corner-shop: IDs look like 'anna'"):
        await shop.call(RECOMMEND, {"user": "nobody"})
    with pytest.raises(InvalidInputError, match="product 'kit-01' is not in corner-shop: IDs look like 'GAR-01'"):
        await shop.call(LIKE, {"items": ["kit-01"]})
