"""Tables of databases: found, joined and read, and their URLs kept out of everything that is written."""

from pathlib import Path

import pymysql
import pytest

from mcp_server.discovery.database_tables import parse_url
from mcp_server.discovery.discover import find_place
from mcp_server.errors import DatasetError
from tests.discovery.conftest import LookAt
from tests.discovery.layouts import N_ITEMS, N_USERS, STATEMENTS, pairs, rental_rows, rentals
from tests.mariadb import Server


def check_rentals(declared: dict[str, object], name: str) -> None:
    items, users, interactions = declared["items"], declared["users"], declared["interactions"]
    assert isinstance(items, dict)
    assert isinstance(users, dict)
    assert isinstance(interactions, dict)
    assert {source["from"] for source in items["sources"]} == {name}
    assert (items["id"], items["title"], items["available"]) == ("film_id", "title", "active")
    assert [field["name"] for field in items["fields"]] == ["title", "rental_rate", "active", "genre"]
    assert users["groups"] == ["country"]
    assert "email" not in str(users)
    [source] = interactions["sources"]
    assert "JOIN orders o ON o.order_id = l.order_id" in source["query"]
    assert (interactions["user"], interactions["item"], interactions["rating"]) == (
        "customer_id",
        "film_id",
        "quantity",
    )
    assert (interactions["feedback"], interactions["timestamp"]) == ("counts", "ordered_at")


def test_order_lines_and_codes_of_a_sqlite_file_are_joined(look_at: LookAt, tmp_path: Path) -> None:
    look = look_at(f"sqlite:///{rentals(tmp_path / 'rentals.db')}")
    check_rentals(look.declared, "rentals")
    assert (look.trial.n_items, look.trial.n_users) == (N_ITEMS, N_USERS)
    assert look.trial.n_interactions == len(set(pairs()))


def test_tables_of_mariadb_are_read_and_their_url_is_not_written(
    look_at: LookAt, database_url: str, database_server: Server
) -> None:
    name = database_url.rpartition("/")[2]
    with pymysql.connect(host=database_server.host, port=database_server.port, user=database_server.user,
                         password=database_server.password, database=name, autocommit=True) as connection:  # fmt: skip
        cursor = connection.cursor()
        for statement in STATEMENTS:
            cursor.execute(statement)
        for table, rows in rental_rows().items():
            cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)
    look = look_at(database_url)
    check_rentals(look.declared, name)
    assert look.trial.n_interactions == len(set(pairs()))
    assert database_server.host not in look.trial.text
    assert "://" not in look.trial.text


def test_a_driver_is_chosen_where_none_is_named() -> None:
    assert parse_url("mysql://reader@db/shop").drivername == "mysql+pymysql"
    assert parse_url("mysql+aiomysql://reader@db/shop").drivername == "mysql+pymysql"
    assert parse_url("postgresql://reader@db/shop").drivername == "postgresql+psycopg"
    assert parse_url("postgresql+psycopg://reader@db/shop").drivername == "postgresql+psycopg"


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    place = find_place("mysql://reader:a-secret@db.example.com/shop")
    assert "a-secret" not in place.shown
    assert "a-secret" not in repr(place)
    with pytest.raises(DatasetError, match="another kind") as refused:
        find_place("oracle://reader:a-secret@db.example.com/shop")
    assert "a-secret" not in str(refused.value)


def test_a_database_out_of_reach_is_refused_without_its_password(look_at: LookAt) -> None:
    with pytest.raises(DatasetError, match="cannot be read") as refused:
        look_at("mysql://reader:a-secret@127.0.0.1:1/shop")
    assert "a-secret" not in str(refused.value)


def test_a_database_without_tables_is_refused(look_at: LookAt, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(DatasetError, match="has no tables"):
        look_at(f"sqlite:///{tmp_path / 'empty.db'}")


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no file"):
        find_place(f"sqlite:///{tmp_path / 'typo.db'}")
    assert not (tmp_path / "typo.db").exists()
