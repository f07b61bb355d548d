"""Files with the same columns: parts of one table, copies, and deeds of another kind."""

from pathlib import Path

from tests.discovery import layouts
from tests.discovery.conftest import LookAt
from tests.discovery.layouts import N_ITEMS, pairs

HEADER = ("user_id", "song_id", "rating")


def rows() -> list[tuple[object, ...]]:
    return [(f"u{user}", item, (user // 5 + item // 5) % 5 + 1) for user, item in pairs(6)]


def songs(folder: Path) -> None:
    layouts.table(folder, "songs.csv", ("song_id", "title"), [(n, f"Song {n}") for n in range(1, N_ITEMS + 1)])


def test_train_and_test_are_one_table_again(look_at: LookAt, tmp_path: Path) -> None:
    songs(tmp_path)
    held_back = [row for row in rows() if row[2] == 5]
    layouts.table(tmp_path, "ratings_train.csv", HEADER, [row for row in rows() if row not in held_back])
    layouts.table(tmp_path, "ratings_test.csv", HEADER, held_back)
    look = look_at(tmp_path)
    sources = look.declared["interactions"]["sources"]
    assert sources == [{"file": "ratings_train.csv"}, {"file": "ratings_test.csv"}]
    assert look.declared["interactions"]["rating_range"] == [1, 5]
    assert look.trial.n_interactions == len(set(pairs(6)))


def test_items_that_only_a_part_knows_are_items(look_at: LookAt, tmp_path: Path) -> None:
    layouts.table(tmp_path, "train.csv", HEADER, [row for row in rows() if row[1] != 7])
    layouts.table(tmp_path, "test.csv", HEADER, [row for row in rows() if row[1] == 7])
    look = look_at(tmp_path)
    assert (look.trial.n_items, look.trial.n_interactions) == (N_ITEMS, len(set(pairs(6))))


def test_a_sample_of_a_table_is_not_counted_twice(look_at: LookAt, tmp_path: Path) -> None:
    songs(tmp_path)
    layouts.table(tmp_path, "train.csv", HEADER, rows())
    layouts.table(tmp_path, "test.csv", HEADER, rows()[:60])
    look = look_at(tmp_path)
    assert look.declared["interactions"]["sources"] == [{"file": "train.csv"}]
    assert "test.csv: it has the same columns as train.csv, so it may be a part or a copy of it" in look.trial.text


def test_deeds_of_another_kind_are_named(look_at: LookAt, tmp_path: Path) -> None:
    songs(tmp_path)
    layouts.table(tmp_path, "views.csv", HEADER[:2], [row[:2] for row in rows()])
    layouts.table(tmp_path, "purchases.csv", HEADER[:2], [row[:2] for row in rows() if row[2] == 5])
    text = " ".join(line.strip("# ") for line in look_at(tmp_path).trial.text.splitlines())
    assert "purchases.csv: it has the same columns as views.csv: a query with UNION ALL" in text


def test_names_of_users_in_the_interactions_are_left_out(look_at: LookAt, tmp_path: Path) -> None:
    named = [(f"Ann {row[0]}", *row) for row in rows()]
    look = look_at(layouts.table(tmp_path, "ratings.csv", ("user_name", *HEADER), named).parent)
    assert "fields" not in look.declared["users"]
    assert "user_name: it tells who a user is" in look.trial.text
