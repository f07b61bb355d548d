"""Exports of JSON and Parquet with objects in their columns."""

import json
from pathlib import Path
from typing import Any

import duckdb

from tests.discovery.conftest import LookAt
from tests.discovery.layouts import N_ITEMS, N_USERS, pairs


def _write(folder: Path, **tables: list[dict[str, Any]]) -> Path:
    for name, rows in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


def _oid(kind: int, number: int) -> dict[str, str]:
    return {"$oid": f"5f{kind:02x}{number:020x}"}


def test_an_export_of_mongodb_is_read(look_at: LookAt, tmp_path: Path) -> None:
    recipes = [
        {"_id": _oid(1, number), "name": f"Soup {number}", "minutes": {"$numberInt": str(9 + number)}}
        for number in range(1, N_ITEMS + 1)
    ]
    cooked = [
        {"_id": _oid(3, place), "user": _oid(2, user), "recipe": _oid(1, item), "stars": (user + item) % 5 + 1,
         "at": {"$date": f"2024-02-{user % 28 + 1:02}T10:00:00Z"}}
        for place, (user, item) in enumerate(pairs())
    ]  # fmt: skip
    look = look_at(_write(tmp_path, recipes=recipes, cooked=cooked))
    assert (look.trial.n_items, look.trial.n_interactions) == (N_ITEMS, len(set(pairs())))
    assert look.declared["nouns"]["item"] == "recipe"
    assert look.fields["minutes"] == {
        "name": "minutes", "kind": "number", "source": "minutes.$numberInt", "integer": True, "filter": True
    }  # fmt: skip
    assert look.declared["interactions"]["timestamp"] == "at.$date"


def test_tables_with_objects_are_linked_and_never_joined_by_a_query(look_at: LookAt, tmp_path: Path) -> None:
    books = [{"pk": n, "fields": {"title": f"Essays {n}", "year": 1990 + n}} for n in range(1, N_ITEMS + 1)]
    users = [{"pk": n, "fields": {"age": 20 + n, "location": ("Oslo", "Rome")[n % 2]}} for n in range(1, N_USERS + 1)]
    ratings = [
        {"pk": place, "fields": {"user": user, "book": item, "rating": (user * item) % 5 + 1}}
        for place, (user, item) in enumerate(pairs())
    ]
    look = look_at(_write(tmp_path, default_books=books, default_users=users, default_ratings=ratings))
    trial = look.trial
    assert (trial.n_items, trial.n_users, trial.n_interactions) == (N_ITEMS, N_USERS, len(set(pairs())))
    assert look.declared["items"]["title"] == "fields_title"
    assert "query:" not in trial.text


def test_objects_of_parquet_are_divided_and_lists_of_them_named(look_at: LookAt, tmp_path: Path) -> None:
    tracks = [
        {"track_id": f"T{n}", "name": f"Tune {n}", "artists": [{"id": n % 4, "name": f"Band {n % 4}"}],
         "audio": {"tempo": 80 + n}}
        for n in range(1, N_ITEMS + 1)
    ]  # fmt: skip
    plays = [{"listener_id": user, "track_id": f"T{item}", "plays": user * item} for user, item in pairs()]
    _write(tmp_path, tracks=tracks, plays=plays)
    with duckdb.connect() as connection:
        for name in ("tracks", "plays"):
            source, target = tmp_path / f"{name}.json", tmp_path / f"{name}.parquet"
            connection.execute(f"COPY (SELECT * FROM read_json('{source}')) TO '{target}'")
            source.unlink()
    fields = look_at(tmp_path).fields
    assert (fields["artists"]["source"], fields["artists"]["many"]) == ("artists.name", True)
    assert (fields["audio_tempo"]["kind"], fields["audio_tempo"]["source"]) == ("number", "audio.tempo")
