"""A shop's and a library's tables as their programs have them: numbers of their own, states, soft deletion, copies."""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.discovery.conftest import LookAt
from tests.discovery.layouts import N_ITEMS, N_USERS, pairs
from tests.reading.records import read_folder

STATES = ("paid", "cancelled", "shipped", "Returned by post")

Tables = dict[str, tuple[str, Sequence[tuple[object, ...]]]]


def database(path: Path, tables: Tables) -> str:
    """Write a SQLite file, and name its URL."""
    connection = sqlite3.connect(path)
    for name, (columns, rows) in tables.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
        connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def shop() -> Tables:
    """Orders of three lines each, in one of four states."""
    lines = [
        (place + 1, place // 3 + 1, item, 1 + (user + item // 5) % 3) for place, (user, item) in enumerate(pairs(6))
    ]
    orders = [(n + 1, n // 2 + 1, STATES[n % 4], f"2024-01-{n % 28 + 1:02} 10:00:00") for n in range(2 * N_USERS)]
    products = [
        (n, f"Lamp {n}", n % 5, int(n % 7 > 0), "2024-05-01 00:00:00" if n % 9 == 0 else None,
         json.dumps({"color": ("red", "blue")[n % 2]}))
        for n in range(1, N_ITEMS + 1)
    ]  # fmt: skip
    key = "id INTEGER PRIMARY KEY"
    return {
        "products": (f"{key}, name TEXT, stock INTEGER, is_active INTEGER, deleted_at TEXT, attributes TEXT", products),
        "customers": (f"{key}, country TEXT", [(n, ("NO", "SE")[n % 2]) for n in range(1, N_USERS + 1)]),
        "orders": (f"{key}, customer_id INTEGER, status TEXT, placed_at TEXT", orders),
        "order_lines": (f"{key}, order_id INTEGER, product_id INTEGER, quantity INTEGER", lines),
    }


def bought() -> set[tuple[object, object]]:
    """Customers and products of the orders that were not undone."""
    tables = shop()
    customers = {order: customer for order, customer, state, _ in tables["orders"][1] if state in ("paid", "shipped")}
    return {(customers[order], product) for _, order, product, _ in tables["order_lines"][1] if order in customers}


def test_lines_are_joined_by_the_number_of_their_order_and_undone_orders_are_left_out(
    look_at: LookAt, tmp_path: Path
) -> None:
    look = look_at(database(tmp_path / "shop.db", shop()))
    [source] = look.declared["interactions"]["sources"]
    assert "JOIN orders o ON o.id = l.order_id" in source["query"]
    assert source["where"] == "(status IS NULL OR status NOT IN ('Returned by post', 'cancelled'))"
    assert look.declared["interactions"]["rating"] == "quantity"
    assert look.trial.n_interactions == len(bought())


def test_undone_orders_may_count_like_all_others(look_at: LookAt, tmp_path: Path) -> None:
    look = look_at(database(tmp_path / "shop.db", shop()), {"rows that were undone": "no"})
    assert "where" not in look.declared["interactions"]["sources"][0]
    assert look.trial.n_interactions == len(set(pairs(6)))


def test_all_that_says_what_is_for_sale_is_heeded(look_at: LookAt, tmp_path: Path) -> None:
    look = look_at(database(tmp_path / "shop.db", shop()))
    assert look.declared["items"]["available"] == "stock > 0 AND is_active AND deleted_at IS NULL"


def test_a_part_of_an_object_in_a_database_is_a_field(look_at: LookAt, tmp_path: Path) -> None:
    look = look_at(database(tmp_path / "shop.db", shop()))
    assert look.fields["attributes_color"]["source"] == "attributes.color"
    assert "attributes" in look.declared["items"]["sources"][0]["query"]
    assert "attributes.color" not in look.declared["items"]["sources"][0]["query"]


def test_who_bought_an_item_is_no_field_of_it(look_at: LookAt, tmp_path: Path) -> None:
    reviews = [(place, user, item, (user // 5 + item // 5) % 5 + 1) for place, (user, item) in enumerate(pairs())]
    columns = "id INTEGER PRIMARY KEY, customer_id INTEGER, product_id INTEGER, stars INTEGER"
    look = look_at(database(tmp_path / "shop.db", shop() | {"reviews": (columns, reviews)}))
    assert look.declared["interactions"]["rating"] == "stars"
    assert not {"customer_id", "status"} & set(look.fields)
    assert "order_lines: it says what users did" in look.trial.text


@pytest.mark.parametrize("place", ["inventory", "copies"])
def test_what_is_lent_is_the_film_and_not_its_copy(look_at: LookAt, tmp_path: Path, place: str) -> None:
    copies = [(100 + 2 * n + half, n, half) for n in range(1, N_ITEMS + 1) for half in (0, 1)]
    loans = [(n, user, 100 + 2 * item + n % 2, f"2024-02-{user % 28 + 1:02}") for n, (user, item) in enumerate(pairs())]
    tables: Tables = {
        "film": ("film_id INTEGER PRIMARY KEY, title TEXT", [(n, f"Ship {n}") for n in range(1, N_ITEMS + 1)]),
        place: (f"{place}_id INTEGER PRIMARY KEY, film_id INTEGER, store INTEGER", copies),
        "rental": (f"rental_id INTEGER PRIMARY KEY, customer_id INTEGER, {place}_id INTEGER, rented TEXT", loans),
    }
    look = look_at(database(tmp_path / "lending.db", tables))
    assert (look.declared["items"]["id"], look.declared["items"]["title"]) == ("film_id", "title")
    assert (look.trial.n_items, look.trial.n_interactions) == (N_ITEMS, len(set(pairs())))


def test_pictures_views_and_what_cannot_be_read_are_left_out(look_at: LookAt, tmp_path: Path) -> None:
    url = database(tmp_path / "shop.db", shop())
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute("ALTER TABLE products ADD COLUMN picture BLOB")
    connection.execute("UPDATE products SET picture = x'ff00fe'")
    connection.execute("CREATE VIEW scarce AS SELECT id AS product_id, stock, stock AS scarce_stock FROM products "
                       "WHERE stock BETWEEN 1 AND 2")  # fmt: skip
    connection.execute("CREATE VIEW broken AS SELECT a_function_of_another_database(name) AS n FROM products")
    connection.commit()
    connection.close()
    look = look_at(url)
    assert not {"picture", "scarce_stock", "stock_2"} & set(look.fields)
    assert look.declared["items"]["available"] == "stock > 0 AND is_active AND deleted_at IS NULL"
    assert "scarce: it is a view" in look.trial.text


def test_columns_of_the_same_name_in_several_tables_are_not_mixed(look_at: LookAt, tmp_path: Path) -> None:
    numbers = range(1, N_ITEMS + 1)
    ends = {
        "product_sizes": ("product_id INTEGER, grade TEXT", [(n, f"size {n % 3}") for n in numbers]),
        "product_makers": ("product_id INTEGER, grade TEXT", [(n, f"maker {n % 4}") for n in numbers]),
        "product_reports": ("product_id INTEGER, grade TEXT", [(n, f"report {n % 5}") for n in numbers]),
    }
    look = look_at(database(tmp_path / "shop.db", shop() | ends))
    kinds = {field["name"]: field.get("source", field["name"]) for field in look.declared["items"]["fields"]}
    graded = [source for name, source in kinds.items() if "grade" in name]
    assert len(graded) == len(set(graded)) == 3


def test_names_of_codes_are_found_by_the_noun_of_the_code(look_at: LookAt, tmp_path: Path) -> None:
    more = {
        "sold": ("customer_id INTEGER, product_id INTEGER", list(dict.fromkeys(pairs()))),
        "products": ("product_id INTEGER PRIMARY KEY, product_name TEXT, aisle_id INTEGER",
                     [(n, f"Tea {n}", n % 4) for n in range(1, N_ITEMS + 1)]),
        "aisles": ("aisle_id INTEGER PRIMARY KEY, aisle TEXT", [(n, f"aisle {n}") for n in range(4)]),
    }  # fmt: skip
    assert look_at(database(tmp_path / "shop.db", more)).fields["aisle"]["kind"] == "category"


def test_the_one_category_of_an_item_in_a_table_of_its_own_has_a_name(look_at: LookAt, tmp_path: Path) -> None:
    more = {
        "product_category": ("product_id INTEGER, category_id INTEGER, last_update TEXT",
                             [(n, n % 4, f"2024-01-{n % 28 + 1:02}") for n in range(1, N_ITEMS + 1)]),
        "categories": ("category_id INTEGER PRIMARY KEY, name TEXT", [(n, f"kind {n}") for n in range(4)]),
    }  # fmt: skip
    fields = look_at(database(tmp_path / "shop.db", shop() | more)).fields
    assert fields["category"]["kind"] == "category"
    assert not {"category_id", "last_update"} & set(fields)


def test_an_id_of_persons_behind_that_of_users_is_told(look_at: LookAt, tmp_path: Path) -> None:
    more = {
        "sold": ("customer_id INTEGER, product_id INTEGER", list(dict.fromkeys(pairs()))),
        "products": ("product_id INTEGER PRIMARY KEY, name TEXT", [(n, f"Tea {n}") for n in range(1, N_ITEMS + 1)]),
        "customers": ("customer_id INTEGER PRIMARY KEY, customer_unique_id TEXT, customer_city TEXT",
                      [(n, f"p{n // 3}", ("Oslo", "Rome")[n % 2]) for n in range(1, N_USERS + 1)]),
    }  # fmt: skip
    text = look_at(database(tmp_path / "shop.db", more)).trial.text
    assert f"and tells {N_USERS // 3 + 1} apart" in " ".join(line.strip("# ") for line in text.splitlines())


def test_a_status_in_a_file_leaves_rows_out(look_at: LookAt, tmp_path: Path) -> None:
    rows = "".join(f"c{user},b{item},{STATES[(user // 5 + item // 5) % 4]}\n" for user, item in pairs())
    (tmp_path / "loans.csv").write_text(f"customer,book,status\n{rows}", encoding="utf-8")
    look = look_at(tmp_path)
    (tmp_path / "dataset.yaml").write_text(look.trial.text, encoding="utf-8")
    assert len(read_folder(tmp_path).interactions) == len(
        {(user, item) for user, item in pairs() if (user // 5 + item // 5) % 2 == 0}
    )
