"""Statistics by groups, against the raw ratings counted one by one and small catalogues counted by hand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from mcp_server.dataset.feedback import plain_number
from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.conftest import Rating
from tests.names import FILTER, STATISTICS
from tests.tools.canteen import GUESTS, MEALS, ORDERS
from tests.tools.films_by_hand import Movies
from tests.tools.small_catalogues import COUNTS, EVENTS, LIKES, RATINGS, TIMES, Catalogue, Pair

Key = tuple[Any, ...]
Groups = Callable[[Rating], Iterable[Key]]

BANDS = {"kid": (0, 12), "teenager": (13, 19), "young_adult": (20, 30), "adult": (31, 60), "senior": (61, 150)}


@dataclass
class Count:
    """The ratings of one group."""

    values: list[float] = field(default_factory=list)

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def mean(self) -> float | None:
        return round(sum(self.values) / self.n, 2) if self.n else None

    @property
    def liked(self) -> float | None:
        return round(100 * sum(value >= 4 for value in self.values) / self.n, 1) if self.n else None


def counted(lines: Iterable[Rating], groups: Groups) -> dict[Key, Count]:
    found: dict[Key, Count] = {}
    for line in lines:
        for key in groups(line):
            found.setdefault(key, Count()).values.append(line.rating)
    return found


def n_films(movies: Movies, twins: dict[int, set[int]], groups: Callable[[int], Iterable[Key]]) -> dict[Key, int]:
    """The number of different films in each group."""
    found: dict[Key, set[int]] = {}
    for item in movies:
        for key in groups(item):
            found.setdefault(key, set()).add(min(twins[item]))
    return {key: len(items) for key, items in found.items()}


async def every(service: Service, **arguments: Any) -> dict[str, Any]:
    """All rows, page by page, with what the first page says."""
    first = await service.call(STATISTICS, {"k": 100, **arguments})
    rows = list(first["rows"])
    while len(rows) < first["n_rows"]:
        rows += (await service.call(STATISTICS, {"k": 100, **arguments, "offset": len(rows)}))["rows"]
    return {**first, "rows": rows}


def keyed(rows: Sequence[Mapping[str, Any]], *names: str) -> dict[Key, Mapping[str, Any]]:
    found = {tuple(row["group"][name] for name in names): row for row in rows}
    assert len(found) == len(rows)
    return found


def check(row: Mapping[str, Any], count: Count, whole: int) -> None:
    assert row["n_ratings"] == count.n
    assert row["mean_rating"] == pytest.approx(count.mean, abs=0.0101)
    assert row["like_share"] == pytest.approx(count.liked, abs=0.101)
    if whole:
        assert row["share"] == pytest.approx(100 * count.n / whole, abs=0.0051)
    assert ("few" in row) == (count.n < 10 or row.get("n_users", 10) < 10)


def genres_of(movies: Movies) -> Callable[[int], list[Key]]:
    return lambda item: [(genre,) for genre in movies[item]["genres"]] or [(None,)]


async def test_genres_of_all_viewers(
    films: Service, ratings: list[Rating], movies: Movies, twins: dict[int, set[int]]
) -> None:
    answer = await every(films, group_by="genres")
    rows, genres = keyed(answer["rows"], "genres"), genres_of(movies)
    expected, films_of = counted(ratings, lambda line: genres(line.item)), n_films(movies, twins, genres)
    assert set(rows) == set(films_of)
    for key, row in rows.items():
        check(row, expected[key], len(ratings))
        assert row["n_items"] == films_of[key]
        assert row["per_item"] == round(expected[key].n / films_of[key], 1)
    numbers = [row["n_ratings"] for row in answer["rows"]]
    assert numbers == sorted(numbers, reverse=True)
    assert answer["total"]["n_ratings"] == len(ratings)
    assert answer["total"]["n_items"] == len({min(same) for same in twins.values()})
    assert "Some films are in several groups and count in each" in answer["message"]
    assert "1,682 film IDs stand for 1,663 films: 19 films are listed again under another ID" in answer["message"]


@pytest.mark.parametrize("user", [9, 655])
async def test_the_taste_of_one_viewer_beside_that_of_all(
    films: Service, ratings: list[Rating], movies: Movies, user: int
) -> None:
    answer = await every(films, group_by="genres", user=user)
    genres = genres_of(movies)
    own = [line for line in ratings if line.user == user]
    of_user, of_all = (counted(lines, lambda line: genres(line.item)) for lines in (own, ratings))
    for key, row in keyed(answer["rows"], "genres").items():
        count, others = of_user.get(key, Count()), of_all[key]
        check(row, count, len(own))
        assert row["everybody"]["share"] == pytest.approx(100 * others.n / len(ratings), abs=0.0051)
        assert row["everybody"]["mean_rating"] == pytest.approx(others.mean, abs=0.0101)
        assert row["lift"] == pytest.approx((count.n / len(own)) / (others.n / len(ratings)), abs=0.0051)
    assert answer["total"]["n_ratings"] == len(own)
    assert answer["message"].startswith(f"Ratings of viewer {user} by genres: ")


async def test_women_and_men_on_a_kind_of_films(
    films: Service, ratings: list[Rating], movies: Movies, viewers: dict[int, dict[str, Any]]
) -> None:
    chosen = (await films.call(FILTER, {"genres": ["Sci-Fi"]}))["item_set"]
    answer = await films.call(STATISTICS, {"group_by": ["gender"], "item_set": chosen})
    lines = [line for line in ratings if "Sci-Fi" in movies[line.item]["genres"]]
    expected = counted(lines, lambda line: [({"M": "male", "F": "female"}[viewers[line.user]["gender"]],)])
    rows = keyed(answer["rows"], "gender")
    assert set(rows) == set(expected)
    for key, row in rows.items():
        check(row, expected[key], len(lines))
        n_users = sum({"M": "male", "F": "female"}[each["gender"]] == key[0] for each in viewers.values())
        assert row["n_users"] == n_users
        assert row["per_user"] == round(expected[key].n / n_users, 1)
    assert "films given by gender" in answer["message"]


def age_category(age: int) -> str:
    return next(name for name, (least, most) in BANDS.items() if least <= age <= most)


async def test_two_fields_of_viewers(films: Service, ratings: list[Rating], viewers: dict[int, dict[str, Any]]) -> None:
    def groups(line: Rating) -> list[Key]:
        viewer = viewers[line.user]
        return [(age_category(viewer["age"]), {"M": "male", "F": "female"}[viewer["gender"]])]

    answer = await every(films, group_by=["age_category", "gender"])
    rows = keyed(answer["rows"], "age_category", "gender")
    expected = counted(ratings, groups)
    assert set(rows) == set(expected)
    for key, row in rows.items():
        check(row, expected[key], len(ratings))


@pytest.mark.parametrize(
    ("since", "until"), [(None, None), ("1998", None), ("1998-01", "1998-02-14"), (None, "1997-10")]
)
async def test_genres_by_gender_in_a_time(
    films: Service,
    ratings: list[Rating],
    movies: Movies,
    viewers: dict[int, dict[str, Any]],
    since: str | None,
    until: str | None,
) -> None:
    bounds = {"1998": (1998, 1, 1), "1998-01": (1998, 1, 1), "1998-02-14": (1998, 2, 15), "1997-10": (1997, 11, 1)}
    begin = datetime(*bounds[since], tzinfo=UTC).timestamp() if since else 0
    end = datetime(*bounds[until], tzinfo=UTC).timestamp() if until else 10**12
    lines = [line for line in ratings if begin <= line.timestamp < end]
    sexes = {user: {"M": "male", "F": "female"}[each["gender"]] for user, each in viewers.items()}
    answer = await every(films, group_by=["gender", "genres"], since=since, until=until)
    genres = genres_of(movies)
    expected = counted(lines, lambda line: [(*genre, sexes[line.user]) for genre in genres(line.item)])
    of_genre = counted(lines, lambda line: genres(line.item))
    for key, row in keyed(answer["rows"], "genres", "gender").items():
        whole = sum(sexes[line.user] == key[1] for line in lines)
        check(row, expected.get(key, Count()), whole)
        others = of_genre.get(key[:1], Count())
        assert row["everybody"]["share"] == pytest.approx(100 * others.n / len(lines), abs=0.0051)
    assert answer["total"]["n_ratings"] == len(lines)


async def test_a_group_beside_everybody(
    films: Service, ratings: list[Rating], movies: Movies, viewers: dict[int, dict[str, Any]]
) -> None:
    genres = genres_of(movies)
    members = {user for user, each in viewers.items() if 13 <= each["age"] <= 19 and each["gender"] == "F"}
    lines = [line for line in ratings if line.user in members]
    expected = counted(lines, lambda line: genres(line.item))
    answer = await every(films, group_by="genres", user_group=["teenager", "female"])
    for key, row in keyed(answer["rows"], "genres").items():
        check(row, expected.get(key, Count()), len(lines))
    assert answer["total"]["n_users"] == len(members)
    assert f"{len(members)} viewers (teenager and female)" in answer["message"]


async def test_genres_by_decade(
    films: Service, ratings: list[Rating], movies: Movies, twins: dict[int, set[int]]
) -> None:
    def groups(item: int) -> list[Key]:
        year = movies[item]["year"]
        decade = None if year is None else f"{year // 10 * 10}s"
        return [(genre, decade) for genre in movies[item]["genres"] or [None]]

    answer = await every(films, group_by=["genres", "release_year:decade"])
    rows = keyed(answer["rows"], "genres", "release_year:decade")
    expected, films_of = counted(ratings, lambda line: groups(line.item)), n_films(movies, twins, groups)
    assert set(rows) == set(films_of)
    for key, row in rows.items():
        check(row, expected.get(key, Count()), len(ratings))
        assert row["n_items"] == films_of[key]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("release_year", lambda movie: movie["year"]),
        ("release_month", lambda movie: int((movie["release_date"] or "")[5:7] or 0) or None),
        ("release_date", lambda movie: int(movie["release_date"][:4]) if movie["release_date"] else None),
        ("release_date:month", lambda movie: int((movie["release_date"] or "")[5:7] or 0) or None),
        ("content_rating", lambda movie: movie["content_rating"]),
    ],
)
async def test_parts_of_dates_and_single_names(
    films: Service,
    ratings: list[Rating],
    movies: Movies,
    name: str,
    value: Callable[[dict[str, Any]], Any],
) -> None:
    answer = await every(films, group_by=name, order_by=name)
    rows = keyed(answer["rows"], name)
    expected = counted(ratings, lambda line: [(value(movies[line.item]),)])
    assert set(rows) == {(value(movie),) for movie in movies.values()}
    for key, row in rows.items():
        check(row, expected.get(key, Count()), len(ratings))
    values = [row["group"][name] for row in answer["rows"]]
    known = [value for value in values if value is not None]
    assert known == sorted(known, key=lambda each: str(each).casefold() if isinstance(each, str) else each)
    assert values[: len(known)] == known  # what is not known comes last


@pytest.mark.parametrize("name", ["imdb_rating", "duration", "imdb_votes"])
async def test_other_numbers_are_in_quarters(films: Service, ratings: list[Rating], movies: Movies, name: str) -> None:
    column = {"duration": "runtime_minutes"}.get(name, name)
    answer = await every(films, group_by=name, order_by=name)
    values = [row["group"][name] for row in answer["rows"]]
    bands = [tuple(map(float, value.split(" to "))) for value in values if value is not None]
    assert bands == sorted(bands)
    assert len(bands) == 4
    assert all(low <= high < after for (low, high), (after, _) in pairwise(bands))
    known = [movie[column] for movie in movies.values() if movie[column] is not None]
    sizes = [sum(low <= value <= high for value in known) for low, high in bands]
    assert sum(sizes) == len(known)
    assert max(sizes) - min(sizes) < 0.1 * len(known)
    assert {end for band in bands for end in band} <= set(known)
    for row, (low, high) in zip(answer["rows"], bands, strict=False):
        lines = [line for line in ratings if (value := movies[line.item][column]) is not None and low <= value <= high]
        check(row, counted(lines, lambda line: [()])[()], len(ratings))


async def test_all_pages_together_are_all_directors(films: Service, movies: Movies) -> None:
    answer = await every(films, group_by="director", order_by="director")
    names = {name for movie in movies.values() for name in movie["directors"]}
    assert {row["group"]["director"] for row in answer["rows"]} == names | {None}
    assert answer["n_rows"] == len(answer["rows"]) == len(names) + 1
    first = await films.call(STATISTICS, {"group_by": "director", "k": 5})
    assert first["remaining"] == len(names) + 1 - 5
    assert first["message"].endswith(f"{len(names) + 1 - 5:,} more: call again with offset=5.")
    beyond = await films.call(STATISTICS, {"group_by": "director", "offset": 10_000})
    assert beyond["rows"] == []
    assert "the offset is beyond the last of them" in beyond["message"]


async def test_rows_of_few_come_last_where_means_decide(films: Service) -> None:
    answer = await every(films, group_by="director", order_by="mean_rating")
    few = ["few" in row for row in answer["rows"]]
    assert few == sorted(few)
    means = [row["mean_rating"] for row in answer["rows"] if "few" not in row]
    assert means == sorted(means, reverse=True)
    assert "greatest mean_rating first, those that are few last" in answer["message"]


async def test_the_least_come_first_on_demand(films: Service) -> None:
    answer = await films.call(STATISTICS, {"group_by": "genres", "order_by": "n_items asc"})
    numbers = [row["n_items"] for row in answer["rows"]]
    assert numbers == sorted(numbers)
    assert "least n_items first" in answer["message"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"group_by": "mood"}, "there is no field 'mood'. There are: genres, actors"),
        ({"group_by": ["genres", "actors", "director"]}, "at most 2"),
        ({"group_by": "genres", "order_by": "best"}, "Give one of n_items, n_ratings"),
        ({"group_by": "genres", "order_by": "n_items upwards"}, "is no order"),
        ({"group_by": "gender", "user": 9}, "one viewer makes no groups of viewers"),
        ({"group_by": "genres", "user": 9, "user_group": "kid"}, "either user or user_group"),
        ({"group_by": "genres", "user": 5000}, "viewer 5000 is not in ml-100k"),
        ({"group_by": "genres", "since": "1998", "until": "1997"}, "since 1998 is after until 1997"),
        ({"group_by": "genres", "since": "soon"}, "a date is written with the year first"),
    ],
)
async def test_what_makes_no_groups_is_refused_with_what_would(
    films: Service, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        await films.call(STATISTICS, arguments)


KINDS: dict[str, Mapping[str, Any]] = {"ratings": RATINGS, "counts": COUNTS, "events": EVENTS, "likes": LIKES}

PAIRS = [
    Pair("ann", "a", 5, 2, 100),
    Pair("ann", "b", 2, 3, 200),
    Pair("bob", "a", 4, 1, 300),
    Pair("bob", "c", 6, 1, None),
    Pair("cid", "b", 1, 1, 86_400 * 400),
    Pair("cid", "d", 3, 4, 86_400 * 800),
]
KINDS_OF = {"a": "xy", "b": "x", "c": "y", "d": ""}
TIERS = {"ann": "gold", "bob": "silver", "eve": "gold"}
NOUNS = {"interaction": "deed", "interactions": "deeds"}


def small(kind: str, *, times: bool = False) -> Catalogue:
    interactions = {**KINDS[kind], **(TIMES if times else {})}
    return Catalogue("abcd", PAIRS, interactions, users=["eve"], tiers=TIERS, kinds=KINDS_OF, nouns=NOUNS)


def amounts(kind: str, pairs: Sequence[Pair]) -> float:
    return sum({"counts": pair.value, "events": pair.n_events}.get(kind, 1) for pair in pairs)


def likes(kind: str, pairs: Sequence[Pair]) -> int:
    return sum(kind != "ratings" or pair.value >= 4 for pair in pairs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("who", [{}, {"user": "ann"}, {"user_group": "gold"}, {"user": "eve"}])
async def test_kinds_of_feedback(tmp_path: Path, kind: str, who: dict[str, str]) -> None:
    users = {"user": [who.get("user")], "user_group": ["ann", "eve"]}.get(next(iter(who), ""), [*TIERS, "cid"])
    own = [pair for pair in PAIRS if pair.user in users]
    answer = await small(kind).answer(tmp_path, STATISTICS, group_by="kinds", **who)
    rows = keyed(answer["rows"], "kinds")
    assert set(rows) == {("x",), ("y",), (None,)}
    for (name,), row in rows.items():
        pairs = [pair for pair in own if (name in KINDS_OF[pair.item] if name else not KINDS_OF[pair.item])]
        assert row["n_deeds"] == plain_number(amounts(kind, pairs))
        if kind == "likes":
            assert "like_share" not in row
        else:
            assert row["like_share"] == (round(100 * likes(kind, pairs) / len(pairs), 1) if pairs else None)
        assert ("mean_rating" in row) == (kind == "ratings")
        if kind == "ratings" and pairs:
            assert row["mean_rating"] == round(sum(pair.value for pair in pairs) / len(pairs), 2)
        expected = round(100 * amounts(kind, pairs) / amounts(kind, own), 2) if own else None
        assert row["share"] == expected
    assert answer["total"]["n_deeds"] == plain_number(amounts(kind, own))
    assert ("There are no deeds of these." in answer["message"]) == (not own)
    said = {"likes": "Repeated deeds count once", "counts": "Deeds are summed", "events": "with a weight above 0"}
    assert all((text in answer["message"]) == (kind == other) for other, text in said.items())


@pytest.mark.parametrize("kind", KINDS)
async def test_users_of_no_group_are_a_row_of_their_own(tmp_path: Path, kind: str) -> None:
    for group_by in (["tier"], ["tier", "kinds"]):
        answer = await small(kind).answer(tmp_path, STATISTICS, group_by=group_by)
        for row in answer["rows"]:
            members = {user for user in ("ann", "bob", "cid", "eve") if TIERS.get(user) == row["group"]["tier"]}
            assert row["n_users"] == len(members)
            assert row["few"]
            pairs = [
                pair
                for pair in PAIRS
                if pair.user in members
                and (len(group_by) < 2 or row["group"]["kinds"] in ([*KINDS_OF[pair.item]] or [None]))
            ]
            assert row["n_deeds"] == plain_number(amounts(kind, pairs))


@pytest.mark.parametrize("kind", KINDS)
async def test_what_has_no_time_is_in_no_time_and_said(tmp_path: Path, kind: str) -> None:
    shop = small(kind, times=True)
    answer = await shop.answer(tmp_path, STATISTICS, group_by="tier", until="1971")
    pairs = [pair for pair in PAIRS if pair.time is not None and pair.time < 86_400 * 730]
    assert answer["total"]["n_deeds"] == plain_number(amounts(kind, pairs))
    assert "1 pair of a customer and a product has no time that is known and is left out." in answer["message"]
    assert ("is that of the latest" in answer["message"]) == (kind in ("counts", "events"))


async def test_without_times_there_is_no_time_to_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="there is no argument 'since'"):
        await small("ratings").answer(tmp_path, STATISTICS, group_by="kinds", since="2020")


async def test_a_small_group_is_no_proof(tmp_path: Path) -> None:
    answer = await small("ratings").answer(tmp_path, STATISTICS, group_by="kinds", user_group="gold")
    assert "With only 2 customers this may be chance." in answer["message"]


async def test_booleans_and_dates_of_a_canteen(canteen: Service) -> None:
    pairs = set(ORDERS)
    for name, value in (
        ("hot", lambda meal: {"yes": True, "no": False, "": None}[meal["hot"]]),
        ("first_served", lambda meal: int(meal["first_served"][:4]) if meal["first_served"] else None),
        ("first_served:month", lambda meal: int(meal["first_served"][5:7]) if len(meal["first_served"]) > 4 else None),
        ("first_served:decade", lambda meal: "2020s" if meal["first_served"] else None),
    ):
        answer = await canteen.call(STATISTICS, {"group_by": name})
        rows = keyed(answer["rows"], name)
        assert set(rows) == {(value(meal),) for meal in MEALS}
        for (key,), row in rows.items():
            meals = {meal["meal"] for meal in MEALS if value(meal) == key}
            assert row["n_items"] == len(meals)
            assert row["n_interactions"] == sum(meal in meals for _, meal in pairs)


async def test_booleans_of_guests(canteen: Service) -> None:
    answer = await canteen.call(STATISTICS, {"group_by": ["staff", "vegan"], "user_group": ["smoker:no"]})
    for row in answer["rows"]:
        members = {
            guest["guest"]
            for guest in GUESTS
            if guest["smoker"] == "no"
            and guest["vegan"] == row["group"]["vegan"]
            and {"true": True, "false": False, "": None}[guest["staff"]] is row["group"]["staff"]
        }
        assert row["n_users"] == len(members)
        assert row["n_interactions"] == sum(guest in members for guest, _ in set(ORDERS))
    assert sum(row["n_users"] for row in answer["rows"]) == 10


async def test_without_groups_there_is_one_row_of_totals(
    films: Service, ratings: list[Rating], viewers: dict[int, dict[str, Any]]
) -> None:
    answer = await films.call(STATISTICS, {})
    (row,) = answer["rows"]
    assert (row["group"], row["n_ratings"], row["n_items"]) == ({}, len(ratings), 1_663)
    assert row["mean_rating"] == answer["total"]["mean_rating"] == round(fmean(line.rating for line in ratings), 2)
    assert answer["message"].startswith("Ratings of all viewers: totals. group_by breaks them down.")
    assert (answer["n_rows"], answer["remaining"], answer["total"]["n_users"]) == (1, 0, len(viewers))
    of_genres = await films.call(STATISTICS, {"group_by": "genres"})
    assert answer["total"] == of_genres["total"]


async def test_totals_of_some_stand_beside_those_of_everybody(films: Service, ratings: list[Rating]) -> None:
    answer = await films.call(STATISTICS, {"user": 655, "items": [1, 2, 3]})
    (row,) = answer["rows"]
    assert row["n_ratings"] == sum(line.user == 655 and line.item in (1, 2, 3) for line in ratings)
    everybody = [line.rating for line in ratings if line.item in (1, 2, 3)]
    assert row["everybody"]["mean_rating"] == round(fmean(everybody), 2)
    assert "share" not in row
    assert "everybody is all viewers." in answer["message"]
    assert "These are of fewer than 10 ratings (few)" in answer["message"]
