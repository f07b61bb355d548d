"""Interactions: their rows, joined with items and users, combined to pairs, and what is told of them."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reading.records import as_dicts, read_folder
from tests.reading.shelf import interactions_of, refusal, specification, triples, write

RATED: dict[str, Any] = {"rating": "r", "like_threshold": 4}
WEIGHTS = {"view": 1, "buy": 5, "refund": -5}
EVENTS: dict[str, Any] = {"rating": "e", "feedback": "events", "weights": WEIGHTS}


def test_interactions_are_in_the_order_of_the_file_with_their_positions(tmp_path: Path) -> None:
    dataset = interactions_of(tmp_path, "user,item,r,t\nv,c,4.5,100\nu,a,1,99.0\n", timestamp="t", **RATED)
    assert (dataset.users.ids, dataset.items.ids) == (["u", "v"], ["a", "b", "c", "d"])
    assert triples(dataset) == [("v", "c", 4.5, 100), ("u", "a", 1.0, 99)]
    assert dataset.interactions.liked.tolist() == [True, False]


def test_blanks_around_ids_are_dropped(tmp_path: Path) -> None:
    assert [(user, item) for user, item, _, _ in triples(interactions_of(tmp_path, "user,item\n u ,a\u00a0\n"))] == [
        ("u", "a")
    ]


@pytest.mark.parametrize("unknown", ["", "NULL", "\\N", "nan"])
def test_an_interaction_of_nobody_is_refused_or_left_out(tmp_path: Path, unknown: str) -> None:
    content = f"user,item\nu,a\n{unknown},b\nu,c\n"
    assert "inter.csv, line 3: there is no user. Mend it" in refusal(interactions_of, tmp_path, content)
    dataset = interactions_of(tmp_path, content, more={"on_bad_row": "skip"})
    assert [item for _, item, _, _ in triples(dataset)] == ["a", "c"]
    assert dataset.notes == [
        "1 row that could not be used was left out of the interactions, such as: "
        f"{tmp_path}/inter.csv, line 3: there is no user."
    ]


def test_unknown_items_and_users_are_left_out_counted_and_shown(tmp_path: Path) -> None:
    spec = specification(users={"sources": [{"file": "users.csv"}]})
    rows = "user,item\nu,a\nu,x\nstranger,a\nstranger,y\nu,a\nu,z\nu,w\n"
    dataset = read_folder(write(tmp_path, spec, users_csv="user\nu\nv\n", inter_csv=rows))
    assert triples(dataset) == [("u", "a", None, None)]
    assert dataset.n_dropped == 5
    assert dataset.users.ids == ["u", "v"]
    assert dataset.notes == [
        "5 of 7 interactions were left out: 4 name an unknown item (such as 'w', 'x', 'y'); "
        "2 name an unknown user (such as 'stranger').",
        "1 interaction repeats a pair of user and item: each pair counts once.",
    ]


def test_interactions_none_of_which_is_known_are_refused_with_a_question(tmp_path: Path) -> None:
    said = refusal(interactions_of, tmp_path, "user,item\nu,x\nu,y\n")
    assert "none of the 2 interactions names a known item and user: 2 name an unknown item (such as 'x', 'y')" in said
    assert "the IDs of the column 'id' of the items?" in said


def test_a_dataset_without_interactions_says_so_by_its_noun(tmp_path: Path) -> None:
    more = {"nouns": {"interactions": "listens", "users": "listeners"}}
    dataset = interactions_of(tmp_path, "user,item\n", more=more)
    assert len(dataset.interactions) == 0
    assert dataset.notes == ["There are no listens, so nothing is known of what listeners like."]


def test_without_a_file_of_users_they_are_those_who_interacted(tmp_path: Path) -> None:
    dataset = interactions_of(tmp_path, "user,item\n7,a\n3,b\n7,c\n", more={"users": {"id_type": "integer"}})
    assert (dataset.users.ids, as_dicts(dataset.users)) == ([3, 7], [{}, {}])
    assert dataset.interactions.user.tolist() == [1, 0, 1]


# Repeated interactions


def test_without_times_the_last_rating_in_the_file_counts(tmp_path: Path) -> None:
    dataset = interactions_of(tmp_path, "user,item,r\nu,a,5\nu,b,3\nu,a,2\n", **RATED)
    assert triples(dataset) == [("u", "b", 3.0, None), ("u", "a", 2.0, None)]
    assert dataset.notes == [
        "1 interaction repeats a pair of user and item: the last one in the order of the rows counts."
    ]


def test_with_times_the_latest_rating_counts_and_of_equal_times_the_last(tmp_path: Path) -> None:
    content = "user,item,r,t\nu,a,5,100\nu,b,3,50\nu,a,2,10\nv,a,1,100\nv,a,4,100\nv,a,3,\n"
    dataset = interactions_of(tmp_path, content, timestamp="t", **RATED)
    assert triples(dataset) == [("u", "b", 3.0, 50), ("u", "a", 5.0, 100), ("v", "a", 4.0, 100)]
    assert dataset.notes[0] == "3 interactions repeat a pair of user and item: the latest one counts."


def test_counts_are_added_up(tmp_path: Path) -> None:
    content = "user,item,n\nu,a,2\nu,b,0\nu,a,3\nv,c,1.5\n"
    dataset = interactions_of(tmp_path, content, rating="n", feedback="counts")
    assert triples(dataset) == [("u", "b", 0.0, None), ("u", "a", 5.0, None), ("v", "c", 1.5, None)]
    assert dataset.interactions.liked.tolist() == [False, True, True]
    assert dataset.interactions.n_events is None
    assert dataset.notes == ["1 interaction repeats a pair of user and item: the counts of a pair are added up."]


def test_weights_of_events_are_added_up_and_the_good_ones_counted(tmp_path: Path) -> None:
    content = "user,item,e\nu,a,view\nu,a,Buy\nu,b,refund\nv,c, view \nv,d,buy\nv,d,refund\n"
    dataset = interactions_of(tmp_path, content, **EVENTS)
    assert triples(dataset) == [
        ("u", "a", 6.0, None),
        ("u", "b", -5.0, None),
        ("v", "c", 1.0, None),
        ("v", "d", 0.0, None),
    ]
    assert dataset.interactions.n_events is not None
    assert dataset.interactions.n_events.tolist() == [2, 0, 1, 1]
    assert dataset.interactions.liked.tolist() == [True, False, True, False]


def test_each_pair_of_likes_counts_once(tmp_path: Path) -> None:
    dataset = interactions_of(tmp_path, "user,item\nu,a\nu,a\nv,b\n")
    assert triples(dataset) == [("u", "a", None, None), ("v", "b", None, None)]
    assert dataset.interactions.liked.tolist() == [True, True]


def test_interactions_of_several_files_are_one_after_the_other(tmp_path: Path) -> None:
    sources = [{"file": "first.csv"}, {"query": "SELECT who AS user, item, r FROM 'second.csv'"}]
    spec = specification(interactions={"sources": sources, **RATED})
    files = {"first_csv": "user,item,r\nu,a,1\nu,b,2\n", "second_csv": "who,item,r\nu,a,3\nv,b,4\n"}
    dataset = read_folder(write(tmp_path, spec, **files))
    assert triples(dataset) == [("u", "b", 2.0, None), ("u", "a", 3.0, None), ("v", "b", 4.0, None)]


def brute_force(rows: list[tuple[str, str, int, int]]) -> list[tuple[str, str, float, int]]:
    """The pairs by the rule for ratings, in a plain loop."""
    latest: dict[tuple[str, str], tuple[int, int]] = {}
    place: dict[tuple[str, str], int] = {}
    for number, (user, item, rating, time) in enumerate(rows):
        if (user, item) not in latest or time >= latest[user, item][1]:
            latest[user, item] = (rating, time)
        place[user, item] = number
    ordered = sorted(place, key=lambda pair: place[pair])
    return [(user, item, float(latest[user, item][0]), latest[user, item][1]) for user, item in ordered]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("uvw"), st.sampled_from("abcd"), st.integers(1, 5), st.integers(0, 3)),
        min_size=1,
        max_size=12,
    )
)
def test_pairs_are_those_of_a_plain_loop(rows: list[tuple[str, str, int, int]]) -> None:
    content = "user,item,r,t\n" + "".join(f"{','.join(map(str, row))}\n" for row in rows)
    declared = {**RATED, "rating_range": (1, 5), "timestamp": "t", "timestamp_format": "s"}
    with tempfile.TemporaryDirectory() as folder:
        assert triples(interactions_of(Path(folder), content, **declared)) == brute_force(rows)


def test_many_interactions_keep_their_order(tmp_path: Path) -> None:
    """Joining them with more users than there are interactions, and with fewer, must not change their order."""
    for n_users in (5, 5_000):
        spec = specification(users={"sources": [{"file": "users.csv"}]})
        users = "user\n" + "".join(f"u{number}\n" for number in range(n_users))
        rows = [(f"u{number * 7 % 5}", "abcd"[number % 4]) for number in range(20)]
        inter = "user,item\n" + "".join(f"{user},{item}\n" for user, item in rows)
        items = "id,title\n" + "".join(f"{each},T\n" for each in "abcd")
        dataset = read_folder(write(tmp_path, spec, items_csv=items, users_csv=users, inter_csv=inter))
        assert [(user, item) for user, item, _, _ in triples(dataset)] == rows


@pytest.mark.parametrize(
    "known",
    [[3, 5, 9], [-7, 0, 4], [2**62, 2**62 + 5, 2**62 + 9], [-(2**63), 0, 2**63 - 1], [7, 8, 10**10]],
    ids=["small", "below 0", "great", "extreme", "far apart"],
)
def test_ids_that_are_numbers_are_found_however_great_they_are(tmp_path: Path, known: list[int]) -> None:
    spec = specification(items={"id_type": "integer"}, users={"id_type": "integer", "sources": [{"file": "users.csv"}]})
    unknown = [1, 2**63 - 2, -(2**63) + 1, 10**9]
    rows = [(user, item) for user in [*known, *unknown] for item in [*reversed(known), *unknown]]
    dataset = read_folder(
        write(
            tmp_path,
            spec,
            items_csv="id,title\n" + "".join(f"{each},T\n" for each in known),
            users_csv="user\n" + "".join(f"{each}\n" for each in known),
            inter_csv="user,item\n" + "".join(f"{user},{item}\n" for user, item in rows),
        )
    )
    found = [(user, item) for user, item, _, _ in triples(dataset)]
    assert found == [(user, item) for user in known for item in reversed(known)]
    assert dataset.n_dropped == len(rows) - len(found)


# Wrong values


@pytest.mark.parametrize(
    ("content", "declared", "said"),
    [
        ("user,item,r\nu,a,5\nu,b,good\nu,c,4\n", RATED, "line 3: r 'good' is not a number"),
        ("user,item,r\nu,a,5\nu,b,\nu,c,4\n", RATED, "line 3: there is no r"),
        ("user,item,r\nu,a,5\nu,b,NaN\nu,c,4\n", RATED, "line 3: there is no r"),
        ("user,item,r\nu,a,5\nu,b,6\nu,c,4\n", {**RATED, "rating_range": (1, 5)}, "line 3: r '6' is not from 1 to 5"),
        (
            "user,item,n\nu,a,5\nu,b,-2\nu,c,4\n",
            {"rating": "n", "feedback": "counts"},
            "n '-2' is not a number from 0 on",
        ),
        ("user,item,e\nu,a,view\nu,b,share\nu,c,buy\n", EVENTS, "line 3: e 'share' is not one of the events view, buy"),
        ("user,item,e\nu,a,view\nu,b,\nu,c,buy\n", EVENTS, "line 3: there is no e"),
    ],
)
def test_a_wrong_value_is_refused_by_its_line_or_left_out(
    tmp_path: Path, content: str, declared: dict[str, Any], said: str
) -> None:
    assert said in refusal(interactions_of, tmp_path, content, **declared)
    dataset = interactions_of(tmp_path, content, more={"on_bad_row": "skip"}, **declared)
    assert [item for _, item, _, _ in triples(dataset)] == ["a", "c"]
    assert dataset.notes[0].startswith("1 row that could not be used was left out")


def test_decimal_commas_of_ratings_are_detected_declared_or_refused(tmp_path: Path) -> None:
    def ratings(*texts: str, **declared: Any) -> list[float | None]:
        rows = "".join(f"u;{'abcd'[number]};{text}\n" for number, text in enumerate(texts))
        return [
            value for _, _, value, _ in triples(interactions_of(tmp_path, f"user;item;r\n{rows}", **RATED, **declared))
        ]

    assert ratings("4,5", "3") == [4.5, 3.0]
    assert ratings("4,125", "3", decimal=",") == [4.125, 3.0]
    assert ratings("4.125", "3", decimal=".") == [4.125, 3.0]
    for text in ("4,125", "4.125"):
        assert "declare decimal: '.' or decimal: ','" in refusal(ratings, text, "3")


def test_a_declared_marker_of_unknown_values_that_is_a_number_counts_for_ratings_and_times(tmp_path: Path) -> None:
    content = "user,item,r,t\nu,a,5,-1\nu,b,-1,7\nu,c,4,1700000000\n"
    more = {"missing": ["-1"]}
    said = refusal(interactions_of, tmp_path, content, timestamp="t", more=more, **RATED)
    assert "inter.csv, line 3: there is no r" in said
    found = interactions_of(tmp_path, content, timestamp="t", more={**more, "on_bad_row": "skip"}, **RATED)
    assert triples(found) == [("u", "a", 5.0, None), ("u", "c", 4.0, 1700000000)]
