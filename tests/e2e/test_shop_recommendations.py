"""Recommendations of a shop, against the closed form of its model."""

import csv
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from tests.conftest import SHOP
from tests.names import LIKE, RECOMMEND


def listed(result: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in result["items"]]


def closed_form_scores(settings: Settings) -> dict[str, dict[str, float]]:
    """Scores by customer and product: collective EASE's closed form over the files, with the settings of the model."""
    with (SHOP / "products.csv").open(encoding="utf-8", newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: row["sku"])
    products = [row["sku"] for row in rows]
    with (SHOP / "purchases.csv").open(encoding="utf-8", newline="") as stream:
        bought = sorted({(row["customer"], row["sku"]) for row in csv.DictReader(stream)})
    customers = sorted({customer for customer, _ in bought})
    matrix = np.zeros((len(customers), len(products)))
    for customer, product in bought:
        matrix[customers.index(customer), products.index(product)] = 1
    state = StateFolder(settings.state_folder)
    header = json.loads((state.part(state.manifest().model) / "artifact.json").read_text(encoding="utf-8"))
    chosen = Counter(header["settings"])  # 0 for what the shop does not have
    n_each = matrix.sum(axis=1)
    gram = matrix.T @ np.diag((n_each / n_each.mean()) ** -chosen["activity"]) @ matrix
    mean = np.diag(gram).mean()
    gram += mean * (chosen["categories"] * same_names(rows) + chosen["regularization"] * np.eye(len(products)))
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse) ** chosen["sharpness"]
    np.fill_diagonal(weights, 0)
    weights[:, matrix.sum(axis=0) == 0] *= chosen["cold_items"]
    scores = matrix @ weights
    return {customer: dict(zip(products, scores[row].tolist(), strict=True)) for row, customer in enumerate(customers)}


def same_names(rows: list[dict[str, str]]) -> Any:
    """The names that products share, rare ones with more weight: the products of their rows of unit length."""
    names = [
        {("department", row["department"]), *(("material", each) for each in row["materials"].split("|"))}
        - {("material", ""), ("material", "n/a"), ("department", ""), ("department", "n/a")}
        for row in rows
    ]
    n_with = Counter(name for each in names for name in each)
    shared = sorted(name for name, n in n_with.items() if 2 <= n < len(rows))
    matrix = np.array(
        [[np.sqrt(np.log(len(rows) / n_with[name])) if name in each else 0.0 for name in shared] for each in names]
    )
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix /= np.where(lengths > 0, lengths, 1)
    return matrix @ matrix.T


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
async def test_recommendations_are_ranked_by_the_closed_form(
    shop: Service, shop_settings: Settings, customer: str
) -> None:
    """Marbles too, which nobody bought."""
    scores = closed_form_scores(shop_settings)[customer]
    result = await shop.call(RECOMMEND, {"user": customer, "k": 12, "detail": "full"})
    assert set(listed(result)) == set(scores) - PURCHASES[customer]
    for item in result["items"]:
        assert item["score"] == pytest.approx(scores[item["item_id"]], abs=1e-4)
    in_order = [scores[product] for product in listed(result)]
    assert in_order == pytest.approx(sorted(in_order, reverse=True), abs=1e-6)


async def test_dev_gets_the_other_garden_product_first_because_of_those_at_home(shop: Service) -> None:
    result = await shop.call(RECOMMEND, {"user": "dev", "k": 1, "reasons": True})
    assert listed(result) == ["GAR-03"]
    assert {reason["title"] for reason in result["items"][0]["because"]} == {
        "Garden trowel",
        "Watering can",
        "Seed tray",
    }


async def test_bought_products_take_part_when_they_are_not_excluded(shop: Service) -> None:
    result = await shop.call(RECOMMEND, {"user": "anna", "k": 4, "exclude_seen": False})
    assert set(listed(result)) == PURCHASES["anna"]


async def test_fewer_products_than_asked_for_is_told(shop: Service) -> None:
    result = await shop.call(RECOMMEND, {"user": "anna", "k": 12})
    assert len(result["items"]) == 8
    assert "8 products for customer anna" in result["message"]
    assert "These are all" in result["message"]


async def test_someone_without_an_id_is_served_from_liked_products(shop: Service) -> None:
    result = await shop.call(RECOMMEND, {"liked_items": ["GAR-01", "GAR-04"], "k": 1})
    assert listed(result) == ["GAR-02"]


async def test_a_customer_without_purchases_gets_the_most_bought_products(shop: Service) -> None:
    result = await shop.call(RECOMMEND, {"user": "newcomer"})
    assert listed(result) == ["GAR-01", "KIT-01", "TOY-01", "GAR-02", "KIT-02"]
    assert "newcomer has no purchases yet" in result["message"]
    assert "These are the most popular products" in result["message"]


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
