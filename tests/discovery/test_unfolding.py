"""Baskets, histories and matrices: several deeds in a row become a row for each."""

import json
from pathlib import Path

import pytest

from mcp_server.discovery.sql_names import plain_name
from mcp_server.errors import DatasetError
from mcp_server.reading.sql_text import parse_query
from tests.discovery import layouts
from tests.discovery.conftest import LookAt
from tests.discovery.layouts import N_ITEMS, N_USERS, pairs


def had() -> dict[int, list[int]]:
    """The items of each user."""
    found: dict[int, list[int]] = {}
    for user, item in pairs(6):
        found.setdefault(user, []).append(item)
    return found


def test_a_basket_in_one_value_is_divided(look_at: LookAt, tmp_path: Path) -> None:
    rows = [(n, f"m{user % 20}", "; ".join(f"Tea {i}" for i in items), f"2024-01-{n % 28 + 1:02}")
            for n, (user, items) in enumerate(had().items())]  # fmt: skip
    look = look_at(
        layouts.table(tmp_path, "transactions.csv", ("transaction_id", "member", "items", "day"), rows).parent
    )
    assert (look.declared["interactions"]["user"], look.declared["interactions"]["item"]) == ("member", "items")
    assert look.declared["interactions"]["timestamp"] == "day"
    assert look.trial.n_interactions == len({(user % 20, item) for user, item in pairs(6)})


def test_a_history_of_codes_is_divided_at_its_blanks(look_at: LookAt, tmp_path: Path) -> None:
    rows = [(f"u{user}", " ".join(f"N{i}" for i in items)) for user, items in had().items()]
    layouts.table(tmp_path, "histories.csv", ("user_id", "news_id"), rows)
    news = [(f"N{n}", f"What has happened on day {n}") for n in range(1, N_ITEMS + 1)]
    layouts.table(tmp_path, "news.csv", ("news_id", "headline"), news)
    trial = look_at(tmp_path).trial
    assert (trial.n_items, trial.n_interactions) == (N_ITEMS, len(set(pairs(6))))


def test_lists_of_objects_are_divided_with_their_parts(look_at: LookAt, tmp_path: Path) -> None:
    users = [
        {
            "userId": f"u{user}",
            "country": ("NO", "SE")[user % 2],
            "watched": [
                {"movieId": i, "stars": (user // 5 + i // 5) % 5 + 1, "at": f"2024-02-{(user + i) % 28 + 1:02}"}
                for i in items
            ],
        }
        for user, items in had().items()
    ]
    movies = [{"movieId": n, "title": f"Ship {n}"} for n in range(1, N_ITEMS + 1)]
    for name, records in (("users", users), ("movies", movies)):
        (tmp_path / f"{name}.json").write_text(json.dumps(records), encoding="utf-8")
    look = look_at(tmp_path)
    interactions = look.declared["interactions"]
    assert (interactions["rating"], interactions["timestamp"]) == ("stars", "at")
    assert look.declared["users"]["groups"] == ["country"]
    assert (look.trial.n_items, look.trial.n_users) == (N_ITEMS, N_USERS)
    assert look.trial.n_interactions == len(set(pairs(6)))


def test_a_column_for_each_item_is_turned_to_rows(look_at: LookAt, tmp_path: Path) -> None:
    rated = {(user, item): (user // 5 + item // 5) % 5 + 1 for user, item in pairs(6)}
    numbers = range(1, N_ITEMS + 1)
    rows = [(f"u{user}", *(rated.get((user, n), "") for n in numbers)) for user in range(1, N_USERS + 1)]
    look = look_at(layouts.table(tmp_path, "matrix.csv", ("user", *(f"Film {n}" for n in numbers)), rows).parent)
    assert look.declared["interactions"]["rating_range"] == [1, 5]
    assert look.declared["users"]["sources"] == []
    assert look.trial.n_interactions == len(rated)


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ((), ("u1", "x y", "N1 N2 N3"), "holds several values in one"),
        (("id", *"abcdefghij"), ("1", *"1234512345"), "has 11 columns of numbers"),
    ],
)
def test_the_error_names_what_keeps_a_table_from_being_read(
    look_at: LookAt, tmp_path: Path, header: tuple[str, ...], row: tuple[str, ...], said: str
) -> None:
    rows = [tuple(cell.replace("1", str(n)) for cell in row) for n in range(11, 40)]
    with pytest.raises(DatasetError, match=said):
        look_at(layouts.table(tmp_path, "t.csv", header, rows).parent)


@pytest.mark.parametrize("name", ["at", "like", "left", "by", "is", "order", "user", "Book-Rating"])
def test_any_name_of_a_column_can_stand_in_a_query(name: str) -> None:
    column = plain_name(name)
    query = f"SELECT t.{column}, {column} FROM 'a.csv' t JOIN 'b.csv' u ON u.{column} = t.{column} WHERE {column} > 0"
    assert parse_query(query, "query").files == ("a.csv", "b.csv")
