"""Feedback in the forms in which strangers write it: which column it is, and what its values mean."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_server.errors import DatasetError
from tests.discovery import layouts
from tests.discovery.conftest import LookAt
from tests.discovery.layouts import N_ITEMS, pairs
from tests.reading.records import as_dicts, read_folder


def stars(user: int, item: int) -> int:
    """The opinion of a user, from 1 to 5."""
    return (item // 5 + user // 5) % 5 + 1


WORDS = ("terrible", "poor", "okay", "good", "excellent")


def _folder(tmp_path: Path, column: str, write: Callable[[int], object]) -> Path:
    rows = [(f"u{user}", item, write(stars(user, item))) for user, item in pairs()]
    layouts.table(tmp_path, "reviews.csv", ("user", "film_id", column), rows)
    films = [(number, f"Walk Number {number}") for number in range(1, N_ITEMS + 1)]
    layouts.table(tmp_path, "films.csv", ("film_id", "title"), films)
    return tmp_path


@pytest.mark.parametrize(
    ("column", "write", "span", "least_liked"),
    [
        ("stars", lambda n: "★" * n + "☆" * (5 - n), [1, 5], 4),
        ("review", lambda n: "⭐" * n, [1, 5], 4),
        ("rating", lambda n: f"{n}/5", [1, 5], 4),
        ("rating", lambda n: f"{n} out of 5", [1, 5], 4),
        ("rating", lambda n: f"{n / 2} of 5".replace(".", ","), [0.5, 5], 2.5),
        ("verdict", lambda n: f"{n} star{'s' * (n > 1)}", [1, 5], 4),
        ("liked", lambda n: str(n > 2), [0, 1], 1),
        ("recommended", lambda n: "yes" if n > 2 else "no", [0, 1], 1),
        ("recommend", lambda n: int(n > 2), [0, 1], 1),
    ],
)
def test_opinions_on_a_scale_are_ratings(
    look_at: LookAt, tmp_path: Path, column: str, write: Callable[[int], object], span: list[float], least_liked: float
) -> None:
    look = look_at(_folder(tmp_path, column, write))
    interactions = look.declared["interactions"]
    assert (interactions["feedback"], interactions["rating_range"]) == ("ratings", span)
    assert interactions["like_threshold"] == least_liked
    (tmp_path / "dataset.yaml").write_text(look.trial.text, encoding="utf-8")
    dataset = read_folder(tmp_path)
    scale = {"0.5": 0.5, "1": 1.0}["0.5" if span[0] == 0.5 else "1"]
    expected = [
        float(stars(user, item) > 2) if span == [0, 1] else scale * stars(user, item)
        for user, item in sorted(set(pairs()))
    ]
    assert sorted(dataset.interactions.value.tolist()) == sorted(expected)


def test_opinions_in_words_get_weights(look_at: LookAt, tmp_path: Path) -> None:
    look = look_at(_folder(tmp_path, "opinion", lambda n: WORDS[n - 1]))
    interactions = look.declared["interactions"]
    assert (interactions["feedback"], interactions["like_threshold"]) == ("events", 3)
    weights = [interactions["weights"][word] for word in WORDS]
    assert weights == sorted(weights)
    assert weights[0] < 0 < weights[-1]


@pytest.mark.parametrize("word", ["Not Recommended", "didn't like it", "not good"])
def test_an_opinion_with_a_no_in_it_weighs_less_than_nothing(look_at: LookAt, tmp_path: Path, word: str) -> None:
    look = look_at(_folder(tmp_path, "verdict", lambda n: "Recommended, yes" if n > 2 else word))
    weights = look.declared["interactions"]["weights"]
    assert weights[word] < 0 < weights["Recommended, yes"]


def test_what_belongs_to_the_item_is_no_rating_and_no_time_of_the_deed(look_at: LookAt, tmp_path: Path) -> None:
    rows = [
        (f"g{user}", 100 + item, f"Inn {item}", item % 5 + 1, f"19{50 + item}-01-01", stars(user, item) * 2,
         f"2024-03-{user % 28 + 1:02}")
        for user, item in pairs()
    ]  # fmt: skip
    header = ("guest_user", "hotel_id", "hotel_name", "stars", "opened_date", "review_score", "review_date")
    look = look_at(layouts.table(tmp_path, "reviews.csv", header, rows).parent)
    interactions = look.declared["interactions"]
    assert (interactions["rating"], interactions["timestamp"]) == ("review_score", "review_date")
    assert look.fields["stars"]["kind"] == "number"
    assert look.fields["opened_date"]["kind"] == "date"


def test_the_rating_of_the_whole_comes_before_that_of_a_part(look_at: LookAt, tmp_path: Path) -> None:
    rows = [(f"u{u}", i, (u // 5 + i // 4) % 3, stars(u, i), (u + 2 * i) % 9 + 1) for u, i in pairs()]
    header = ("user_id", "place_id", "food_rating", "rating", "helpful_votes")
    look = look_at(layouts.table(tmp_path, "visits.csv", header, rows).parent)
    assert look.declared["interactions"]["rating"] == "rating"


def test_units_count_before_sums_of_money(look_at: LookAt, tmp_path: Path) -> None:
    rows = [(f"c{u}", i, f"{(u + i) * 1.37:.2f}", 1 + (u * i) % 4) for u, i in pairs()]
    look = look_at(layouts.table(tmp_path, "sales.csv", ("customer", "sku", "amount", "quantity"), rows).parent)
    interactions = look.declared["interactions"]
    assert (interactions["rating"], interactions["feedback"]) == ("quantity", "counts")


def test_columns_of_which_nothing_is_made_are_named(look_at: LookAt, tmp_path: Path) -> None:
    look = look_at(_folder(tmp_path, "verve", lambda n: f"{n * 7} zest"))
    assert look.declared["interactions"]["feedback"] == "likes"
    assert [each.name for each in look.trial.proposal.unused] == ["verve"]
    assert "# - verve: such as " in look.trial.text


def test_what_an_item_always_has_is_not_its_user(look_at: LookAt, tmp_path: Path) -> None:
    rows = [
        (item % 7 + 40, f"Brewery {item % 7}", stars(user, item), f"Nick{user}", f"Ale {item}", 5000 + item)
        for user, item in pairs()
    ]
    header = ("brewery_id", "brewery_name", "review_overall", "review_profilename", "beer_name", "beer_beerid")
    look = look_at(layouts.table(tmp_path, "beer_reviews.csv", header, rows).parent)
    interactions = look.declared["interactions"]
    assert (interactions["user"], interactions["item"]) == ("review_profilename", "beer_beerid")
    assert look.trial.n_users == len({user for user, _ in pairs()})


def test_numbers_of_four_digits_are_ids_and_no_years(look_at: LookAt, tmp_path: Path) -> None:
    rows = [(200 + user, 4000 + 97 * item % 5000, f"{user + item / 4:.2f}") for user, item in pairs()]
    look = look_at(layouts.table(tmp_path, "orders.csv", (), rows).parent)
    assert (look.declared["interactions"]["user"], look.declared["interactions"]["item"]) == ("column1", "column2")
    assert look.trial.n_interactions == len(set(pairs()))


def test_a_table_of_items_alone_has_no_interactions(look_at: LookAt, tmp_path: Path) -> None:
    films = [(n, f"Walk {n}", ("Drama", "Comedy", "Crime")[n % 3], 5 + n % 4, 100 * (n % 25)) for n in range(1, 61)]
    layouts.table(tmp_path, "anime.csv", ("anime_id", "name", "genre", "rating", "members"), films)
    with pytest.raises(DatasetError, match="no table was found that says which user did something"):
        look_at(tmp_path)


def test_where_a_seller_lives_is_no_interaction(look_at: LookAt, tmp_path: Path) -> None:
    sellers = [(f"s{n}", f"{1000 + n % 60:05}", f"Town {n % 40 + n % 7}") for n in range(300)]
    layouts.table(tmp_path, "sellers.csv", ("seller_id", "seller_zip_code_prefix", "seller_city"), sellers)
    with pytest.raises(DatasetError, match="no table was found that says which user did something"):
        look_at(tmp_path)


def test_the_number_of_an_order_is_no_count(look_at: LookAt, tmp_path: Path) -> None:
    rows = [(f"c{u}", i, (u // 5 + i // 5) % 4 + 1, (u // 5 + i // 4) % 9) for u, i in pairs()]
    header = ("customer_id", "product_id", "order_number", "num_orders")
    look = look_at(layouts.table(tmp_path, "orders.csv", header, rows).parent)
    assert look.declared["interactions"].get("rating") != "order_number"


def test_the_time_of_the_deed_comes_before_those_of_what_follows(look_at: LookAt, tmp_path: Path) -> None:
    rows = [(f"c{u}", i, f"2024-05-{(u + i) % 28 + 1:02}", f"2024-04-{(u + i) % 28 + 1:02}") for u, i in pairs()]
    header = ("customer_id", "product_id", "shipping_limit_date", "order_purchase_date")
    look = look_at(layouts.table(tmp_path, "orders.csv", header, rows).parent)
    assert look.declared["interactions"]["timestamp"] == "order_purchase_date"


def test_names_in_another_language_are_understood(look_at: LookAt, tmp_path: Path) -> None:
    articles = [(1000 + n, f"Tasse Nummer {n}", f"{n},95", n % 4) for n in range(1, N_ITEMS + 1)]
    layouts.table(tmp_path, "artikel.csv", ("Artikelnummer", "Bezeichnung", "Preis", "Lagerbestand"), articles, ";")
    rows = [(f"K{u:03}", 1000 + i, (u // 5 + i // 5) % 4 + 1, f"{u % 28 + 1:02}.05.2024") for u, i in pairs()]
    layouts.table(tmp_path, "bestellungen.csv", ("Kundennummer", "Artikelnummer", "Menge", "Datum"), rows, ";")
    look = look_at(tmp_path)
    interactions = look.declared["interactions"]
    assert (interactions["user"], interactions["item"]) == ("Kundennummer", "Artikelnummer")
    assert (interactions["rating"], interactions["feedback"]) == ("Menge", "counts")
    assert (look.declared["items"]["title"], look.declared["nouns"]["item"]) == ("bezeichnung", "artikel")
    assert look.questions == []


def test_free_items_are_found_by_their_price(look_at: LookAt, tmp_path: Path) -> None:
    _folder(tmp_path, "rating", lambda n: n)
    games = [(n, f"Game {n}", "Free" if n % 3 == 0 else f"${n}.99") for n in range(1, N_ITEMS + 1)]
    layouts.table(tmp_path, "films.csv", ("film_id", "title", "price"), games)
    (tmp_path / "dataset.yaml").write_text(look_at(tmp_path).trial.text, encoding="utf-8")
    prices = [item["price"] for item in as_dicts(read_folder(tmp_path).items)]
    assert prices == [0.0 if n % 3 == 0 else n + 0.99 for n in range(1, N_ITEMS + 1)]
