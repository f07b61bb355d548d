"""Small datasets in the layouts of well-known ones and of shops, written by hand and by fixed rules."""

import csv
import io
import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

N_USERS = 40
N_ITEMS = 30

GENRES = ("Drama", "Comedy", "Crime", "Romance")

Rows = Iterable[Sequence[object]]


def table(folder: Path, name: str, header: Sequence[str], rows: Rows, separator: str = ",") -> Path:
    """Write a file with a header line; without one if there are no names."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    if header:
        writer.writerow(header)
    writer.writerows(rows)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def pairs(n_each: int = 7) -> list[tuple[int, int]]:
    """Users and items from 1 on: each user has some items, those of the neighbours overlap."""
    return [(user, (user * 3 + place * 5) % N_ITEMS + 1) for user in range(1, N_USERS + 1) for place in range(n_each)]


def films(folder: Path) -> Path:
    """The layout of MovieLens-latest-small."""
    movies = []
    for number in range(1, N_ITEMS + 1):
        genres = "|".join(GENRES[: number % 4]) or "(no genres listed)"
        movies.append((number, f"Journey Number {number} ({1960 + number})", genres))
    table(folder, "movies.csv", ("movieId", "title", "genres"), movies)
    ratings = [(user, item, (user + item) % 9 / 2 + 1, 964982703 + 60 * user) for user, item in pairs()]
    table(folder, "ratings.csv", ("userId", "movieId", "rating", "timestamp"), ratings)
    tags = [(user, user % 20 + 1, word, 1445714994) for user in range(1, 11) for word in ("funny", "long")]
    table(folder, "tags.csv", ("userId", "movieId", "tag", "timestamp"), tags)
    links = [(number, f"{114709 + number:07}", 860 + number) for number in range(1, N_ITEMS + 1)]
    table(folder, "links.csv", ("movieId", "imdbId", "tmdbId"), links)
    return folder


def shop(folder: Path) -> Path:
    """A shop: products with prices and stock, customers, and what they viewed and bought."""
    kettle = "A kettle that boils water in two minutes and keeps it warm for an hour, with a handle of beech wood."
    lamp = "This lamp gives warm light for long evenings, and can be dimmed with the remote control in the box."
    products = []
    for number in range(1, N_ITEMS + 1):
        price, stock = f"${number * 1.1:,.2f}", 0 if number % 6 == 0 else number
        kind, date = ("kitchen", "light", "garden")[number % 3], f"2024-{number % 12 + 1:02}-15"
        name, text = f"Product of Oslo {number}", f"{(kettle, lamp)[number % 2]} It is number {number}."
        products.append((f"P{number:03}", name, kind, price, stock, date, "yes" if number % 2 else "no", text))
    header = ("product_id", "name", "category", "price", "stock", "added", "organic", "description")
    table(folder, "products.csv", header, products, ";")
    customers = [
        (f"c{number}", f"Name {number}", f"n{number}@example.com", 12 + number, ("Oslo", "Bergen")[number % 2])
        for number in range(1, N_USERS + 1)
    ]
    table(folder, "customers.csv", ("customer_id", "name", "email", "age", "city"), customers)
    events = []
    for user, item in pairs():
        at = f"2024-03-{user % 28 + 1:02}T12:00:00"
        events.append((at, f"c{user}", f"P{item:03}", "view"))
        events += [(at, f"c{user}", f"P{item:03}", "purchase")] * (item % 2)
    table(folder, "events.csv", ("time", "customer_id", "product_id", "event"), events)
    return folder


def music(folder: Path) -> Path:
    """The layout of HetRec's Last.fm: tabs, quotation marks that quote nothing, counts, tags by their IDs."""
    names = ['"Strange Al" Yonder', *(f"The Quiet Players {number}" for number in range(2, N_ITEMS + 1))]
    artists = [f"{number}\t{name}\thttp://example.com/{number}" for number, name in enumerate(names, start=1)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "artists.dat").write_text("\n".join(["id\tname\turl", *artists, ""]), encoding="utf-8")
    counts = [(user, item, user * item * 13 % 4000 + 1) for user, item in pairs()]
    table(folder, "user_artists.dat", ("userID", "artistID", "weight"), counts, "\t")
    table(folder, "tags.dat", ("tagID", "tagValue"), enumerate(("rock", "jazz", "folk", "metal"), start=1), "\t")
    tagged = [(user, item, (user + item) % 4 + 1, 4, 2009) for user, item in pairs(4)]
    header = ("userID", "artistID", "tagID", "month", "year")
    table(folder, "user_taggedartists.dat", header, tagged, "\t")
    return folder


def headless_music(folder: Path) -> Path:
    """The same without a header line above the counts; friends and tags have IDs like those of artists and users."""
    music(folder)
    n_artists = 90
    artists = [(number, f"The Loud Players {number}") for number in range(1, n_artists + 1)]
    table(folder, "artists.dat", ("id", "name"), artists, "\t")
    pairs_of_users = [(user, (user * 3 + place * 7) % n_artists + 1) for user in range(2, 72) for place in range(9)]
    first, *counts = [(user, artist, user * artist * 13 % 9000 + 1) for user, artist in pairs_of_users]
    table(folder, "user_artists.dat", tuple(map(str, first)), counts, "\t")
    table(folder, "tags.dat", ("tagID", "tagValue"), [(number, f"tag {number}") for number in range(1, 81)], "\t")
    friends = [(user, (user + step) % 70 + 2) for user in range(2, 72) for step in (1, 5, 9)]
    table(folder, "user_friends.dat", ("userID", "friendID"), friends, "\t")
    return folder


def reviews(folder: Path) -> Path:
    """JSON lines of reviews, and of the products that they are about."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "reviews.jsonl").open("w", encoding="utf-8") as stream:
        for user, item in pairs():
            review = {"reviewerID": f"A{user}X", "asin": f"{item:010}", "overall": float((user + item) % 5 + 1),
                      "reviewText": f"I have it since spring and it does what it says, as it should, {user}.",
                      "unixReviewTime": 1252800000 + user * 86400}  # fmt: skip
            stream.write(json.dumps(review) + "\n")
    with (folder / "meta.jsonl").open("w", encoding="utf-8") as stream:
        for item in range(1, N_ITEMS + 1):
            categories = ["Instruments", ("Guitars", "Drums")[item % 2]]
            product = {"asin": f"{item:010}", "title": f"Guitar String Set {item}", "price": {"amount": item / 2},
                       "categories": categories, "brand": f"Maker {item % 5}"}  # fmt: skip
            stream.write(json.dumps(product) + "\n")
    return folder


def nameless(folder: Path) -> Path:
    """The layout of MovieLens-1M: no header lines, two colons between columns, Latin-1."""
    folder.mkdir(parents=True, exist_ok=True)
    n_items, n_users = 90, 70
    movies = [f"{number}::Café Number {number} ({1950 + number % 50})::{GENRES[number % 4]}|Film"
              for number in range(1, n_items + 1)]  # fmt: skip
    (folder / "movies.dat").write_text("\n".join([*movies, ""]), encoding="latin-1")
    users = [f"{number}::{'FM'[number % 2]}::{18 + number % 30}" for number in range(1, n_users + 1)]
    (folder / "users.dat").write_text("\n".join([*users, ""]), encoding="utf-8")
    ratings = [
        f"{user}::{(user * 3 + place * 7) % n_items + 1}::{(user + place) % 5 + 1}::{978300760 + user}"
        for user in range(1, n_users + 1)
        for place in range(9)
    ]
    (folder / "ratings.dat").write_text("\n".join([*ratings, ""]), encoding="utf-8")
    return folder


STATEMENTS = (
    "CREATE TABLE genre (genre_id INTEGER PRIMARY KEY, name VARCHAR(40))",
    "CREATE TABLE film (film_id INTEGER PRIMARY KEY, title VARCHAR(80), genre_id INTEGER, rental_rate DECIMAL(4,2), "
    "active INTEGER, FOREIGN KEY (genre_id) REFERENCES genre (genre_id))",
    "CREATE TABLE customer (customer_id INTEGER PRIMARY KEY, first_name VARCHAR(40), email VARCHAR(80), "
    "country VARCHAR(40))",
    "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER, ordered_at VARCHAR(30), "
    "FOREIGN KEY (customer_id) REFERENCES customer (customer_id))",
    "CREATE TABLE order_line (line_id INTEGER PRIMARY KEY, order_id INTEGER, film_id INTEGER, quantity INTEGER, "
    "FOREIGN KEY (order_id) REFERENCES orders (order_id), FOREIGN KEY (film_id) REFERENCES film (film_id))",
)
"""A rental shop's tables, in the SQL of SQLite and MariaDB."""


def rental_rows() -> dict[str, list[tuple[object, ...]]]:
    """The rows of the rental shop, by table."""
    countries = ("Norway", "Chile", "Kenya")
    lines = [(place + 1, user * 2 + place % 2, item, 1 + item % 3) for place, (user, item) in enumerate(pairs())]
    return {
        "genre": [(number, name) for number, name in enumerate(GENRES, start=1)],
        "film": [(n, f"Night Train {n}", n % 4 + 1, 0.99 + n % 3, int(n % 7 > 0)) for n in range(1, N_ITEMS + 1)],
        "customer": [(n, f"Ann{n}", f"a{n}@example.com", countries[n % 3]) for n in range(1, N_USERS + 1)],
        "orders": [(n, n // 2, f"2023-05-{n % 28 + 1:02} 10:00:00") for n in range(2, 2 * N_USERS + 2)],
        "order_line": lines,
    }


def rentals(path: Path) -> Path:
    """The rental shop as a SQLite file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    for statement in STATEMENTS:
        connection.execute(statement)
    for name, rows in rental_rows().items():
        connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.commit()
    connection.close()
    return path
