"""The filter on MovieLens: worked examples, and random conditions against loops over the raw films."""

import asyncio
import operator
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.conftest import Rating
from tests.names import FILTER, ITEM

Movies = dict[int, dict[str, Any]]
Arguments = dict[str, Any]

NAMES: dict[str, str] = {
    "genres": "genres",
    "actors": "actors",
    "director": "directors",
    "producer": "producers",
    "writer": "writers",
    "country": "countries",
    "title": "title",
}
NUMBERS: dict[str, str] = {
    "imdb_rating": "imdb_rating",
    "imdb_votes": "imdb_votes",
    "duration": "runtime_minutes",
    "release_year": "year",
    "release_month": "release_date",
}
"""Arguments, and the columns of the raw file that they are about."""

SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
}


def plain(name: str) -> str:
    """A name without case, accents and punctuation."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", letters))


def names_of(movie: dict[str, Any], argument: str) -> set[str]:
    value = movie[NAMES[argument]]
    if argument == "title":
        return set() if value == "unknown" else {plain(value)}
    return {plain(name) for name in value}


def number_of(movie: dict[str, Any], argument: str) -> float | None:
    value = movie[NUMBERS[argument]]
    if argument == "release_month":
        return int(value.split("-")[1]) if value and "-" in value else None
    return None if value is None else float(value)


def holds(movie: dict[str, Any], arguments: Arguments) -> bool:
    """True where a film meets all conditions by their plain meaning."""
    quantifier = any if arguments.get("match") == "any" else all
    for argument, asked in arguments.items():
        if argument in NAMES and not quantifier(plain(name) in names_of(movie, argument) for name in asked):
            return False
        if argument in NUMBERS:
            number = number_of(movie, argument)
            if number is None or not all(SIGNS[sign](number, limit) for sign, limit in asked.items()):
                return False
    return True


def brute_force(movies: Movies, arguments: Arguments) -> set[int]:
    return {item for item, movie in movies.items() if holds(movie, arguments)}


def most_rated(items: Iterable[int], movies: Movies, ratings: Iterable[Rating]) -> list[int]:
    """Most rated first, each film under its first ID only."""
    counts = Counter(line.item for line in ratings)
    known: set[object] = set()
    once = []
    for item in sorted(items, key=lambda item: (-counts[item], item)):
        movie = movies[item]
        keys = {movie["imdb_id"] or item, (movie["title"], movie["release_date"] or item)}
        if not keys & known:
            once.append(item)
        known |= keys
    return once


def listed(result: dict[str, Any]) -> list[int]:
    return [item["item_id"] for item in result["items"]]


async def members(films: Service, result: dict[str, Any]) -> list[int]:
    """All IDs of the set that a filter returned, as the other tools see it."""
    found: list[int] = []
    while len(found) < result["count"]:
        arguments = {"item_set": result["item_set"], "get": "title", "limit": 100, "offset": len(found)}
        page = await films.call(ITEM, arguments)
        assert page["items"]
        assert page["total"] == result["count"]
        found += listed(page)
    return found


# Worked examples


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"genres": ["Comedy"]}, {"genres": ["Comedy"]}),
        ({"genres": ["Comedy", "Western"]}, {"genres": ["Comedy", "Western"]}),
        (
            {"genres": ["Comedy", "Western"], "match": "any"},
            {"genres": ["Comedy", "Western"], "match": "any"},
        ),
        ({"genres": ["FILM NOIR"]}, {"genres": ["Film-Noir"]}),
        ({"actors": ["tom hanks"]}, {"actors": ["Tom Hanks"]}),
        ({"genres": "comedy"}, {"genres": ["Comedy"]}),
        ({"actors": ["Tom Hanks", "Tim Allen"]}, {"actors": ["Tom Hanks", "Tim Allen"]}),
        ({"director": ["RENE CLEMENT"]}, {"director": ["René Clément"]}),
        ({"director": ["Woody Allen"]}, {"director": ["Woody Allen"]}),
        (
            {"writer": ["Joel Coen"], "producer": ["Ethan Coen"]},
            {"writer": ["Joel Coen"], "producer": ["Ethan Coen"]},
        ),
        ({"title": ["toy story"]}, {"title": ["Toy Story"]}),
        (
            {"title": ["Toy Story", "Aladdin"], "match": "any"},
            {"title": ["Toy Story", "Aladdin"], "match": "any"},
        ),
        ({"imdb_rating": {"gt": 8.0}}, {"imdb_rating": {"gt": 8.0}}),
        ({"imdb_rating": {"gte": 8.0}}, {"imdb_rating": {"gte": 8.0}}),
        ({"imdb_votes": {"lt": 1000}}, {"imdb_votes": {"lt": 1000}}),
        ({"duration": {"gte": 90, "lte": 95}}, {"duration": {"gte": 90, "lte": 95}}),
        ({"release_year": 1994}, {"release_year": {"eq": 1994}}),
        ({"release_month": {"eq": 12}}, {"release_month": {"eq": 12}}),
        (
            {"actors": ["Tom Cruise"], "imdb_rating": {"gt": 6}},
            {"actors": ["Tom Cruise"], "imdb_rating": {"gt": 6}},
        ),
    ],
    ids=str,
)
async def test_conditions_mean_what_they_say(
    films: Service, movies: Movies, ratings: list[Rating], given: Arguments, meant: Arguments
) -> None:
    expected = brute_force(movies, meant)
    assert expected
    result = await films.call(FILTER, given)
    assert result["count"] == len(expected)
    assert f"{len(expected):,} film" in result["message"]
    assert listed(result) == most_rated(expected, movies, ratings)[:10]
    assert [item["title"] for item in result["items"]] == [movies[item]["title"] for item in listed(result)]
    found = await members(films, result)
    assert set(found) == expected
    assert len(found) == len(expected)
    assert "corrections" not in result
    assert "not_found" not in result


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"genres": ["Comedies"]}, {"genres": ["Comedy"]}),
        ({"genres": ["science fiction", "Kids"]}, {"genres": ["Sci-Fi", "Children's"]}),
        ({"country": ["USA"]}, {"country": ["United States"]}),
        ({"country": ["uk", "U.S.A."]}, {"country": ["United Kingdom", "United States"]}),
        (
            {"country": ["USA"], "release_year": {"lt": 1997}},
            {"country": ["United States"], "release_year": {"lt": 1997}},
        ),
    ],
    ids=str,
)
async def test_other_names_that_people_use_mean_the_catalogues(
    films: Service, movies: Movies, given: Arguments, meant: Arguments
) -> None:
    expected = brute_force(movies, meant)
    assert expected
    assert set(await members(films, await films.call(FILTER, given))) == expected


async def test_a_film_without_the_number_meets_no_bound_on_it(films: Service, movies: Movies) -> None:
    rated = {item for item, movie in movies.items() if movie["imdb_rating"] is not None}
    assert len(rated) < len(movies)
    assert (await films.call(FILTER, {"imdb_rating": {"gte": 0}}))["count"] == len(rated)
    assert (await films.call(FILTER, {"imdb_rating": {"lt": 11}}))["count"] == len(rated)


async def test_twins_are_counted_by_id_and_listed_once(films: Service) -> None:
    result = await films.call(FILTER, {"title": ["Chasing Amy"]})
    assert result["count"] == 2
    assert len(result["items"]) == 1
    assert (
        "1 of them is found under several IDs, so there is 1 different film: Chasing Amy (IDs 246 and 268)."
        in result["message"]
    )
    assert set(await members(films, result)) == {246, 268}


async def test_the_film_without_a_title_is_not_found_by_the_word_for_it(films: Service) -> None:
    result = await films.call(FILTER, {"title": ["unknown"]})
    assert 267 not in listed(result)


async def test_the_same_conditions_give_the_same_handle(films: Service) -> None:
    first = await films.call(FILTER, {"genres": ["War"], "release_year": {"lt": 1990}})
    again = await films.call(FILTER, {"release_year": {"lt": 1990}, "genres": "war"})
    other = await films.call(FILTER, {"genres": ["War"], "release_year": {"lt": 1960}})
    assert first["item_set"] == again["item_set"]
    assert re.fullmatch(r"set_[a-z2-7]{6,52}", first["item_set"])
    assert other["item_set"] != first["item_set"]


# Names as people write them


@pytest.mark.parametrize(
    ("field", "asked", "used"),
    [
        ("actors", "Tom Cruize", "Tom Cruise"),
        ("actors", "Arnold Schwarzeneger", "Arnold Schwarzenegger"),
        ("actors", "Schwarzenegger", "Arnold Schwarzenegger"),
        ("director", "Stephen Speilberg", "Steven Spielberg"),
        ("director", "Hitchcock", "Alfred Hitchcock"),
        ("genres", "Comdey", "Comedy"),
        ("country", "Frannce", "France"),
        ("title", "Jurasic Park", "Jurassic Park"),
    ],
)
async def test_misspelt_names_are_corrected_and_the_correction_is_told(
    films: Service, movies: Movies, field: str, asked: str, used: str
) -> None:
    result = await films.call(FILTER, {field: [asked]})
    assert result["corrections"] == [{"field": field, "asked": asked, "used": [used]}]
    assert f"{asked!r} was taken for {used!r}" in result["message"]
    assert set(await members(films, result)) == brute_force(movies, {field: [used]})


async def test_words_of_a_title_find_the_titles_that_have_them(films: Service, movies: Movies) -> None:
    expected = {item for item, movie in movies.items() if "godfather" in plain(movie["title"]).split()}
    assert len(expected) > 1
    result = await films.call(FILTER, {"title": ["godfather"]})
    assert set(await members(films, result)) == expected
    assert set(result["corrections"][0]["used"]) == {movies[item]["title"] for item in expected}


async def test_an_unknown_name_finds_nothing_and_brings_suggestions(films: Service) -> None:
    result = await films.call(FILTER, {"actors": ["Zyxwv Qponm"]})
    assert result["count"] == 0
    assert result["items"] == []
    assert "item_set" not in result
    (missing,) = result["not_found"]
    assert (missing["field"], missing["asked"]) == ("actors", "Zyxwv Qponm")
    assert missing["suggestions"]
    assert "'Zyxwv Qponm' is not among the names of actors" in result["message"]
    for name in missing["suggestions"]:
        assert (await films.call(FILTER, {"actors": [name]}))["count"] > 0


async def test_one_unknown_name_of_all_empties_the_result_and_of_any_does_not(films: Service, movies: Movies) -> None:
    names = ["Tom Hanks", "Zyxwv Qponm"]
    every = await films.call(FILTER, {"actors": names})
    either = await films.call(FILTER, {"actors": names, "match": "any"})
    assert every["count"] == 0
    assert set(await members(films, either)) == brute_force(movies, {"actors": ["Tom Hanks"]})
    assert [missing["asked"] for missing in every["not_found"]] == ["Zyxwv Qponm"]
    assert [missing["asked"] for missing in either["not_found"]] == ["Zyxwv Qponm"]


# Nothing found


async def test_where_nothing_is_found_each_condition_is_counted_on_its_own(films: Service, movies: Movies) -> None:
    conditions = {
        "genres": ["Western"],
        "director": ["Woody Allen"],
        "imdb_rating": {"gt": 7},
        "release_year": {"gte": 1990, "lt": 1995},
    }
    assert not brute_force(movies, conditions)
    result = await films.call(FILTER, conditions)
    alone = {name: len(brute_force(movies, {name: asked})) for name, asked in conditions.items()}
    assert result["count"] == 0
    assert "item_set" not in result
    assert f"genres 'Western': {alone['genres']}" in result["message"]
    assert f"director 'Woody Allen': {alone['director']}" in result["message"]
    assert f"imdb rating > 7: {alone['imdb_rating']}" in result["message"]
    assert f"release year >= 1990 and < 1995: {alone['release_year']}" in result["message"]


# Errors


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "at least one condition: title, genres, actors"),
        ({"match": "any"}, "at least one condition: .*; without any, there are 1,682 films"),
        ({"genres": []}, "genres"),
        ({"genres": [""]}, "genres"),
        ({"genres": ["Comedy"], "match": "some"}, "match: there is no choice 'some'. There are: all, any"),
        ({"imdb_rating": {}}, "at least one condition"),
        ({"imdb_rating": {"near": 7}}, "imdb_rating: there is no limit 'near'"),
        ({"imdb_rating": {"gt": "good"}}, "imdb_rating: a number is expected"),
        ({"release_year": {"gt": 1995, "lt": 1995}}, "release_year: nothing can be > 1995 and < 1995"),
        ({"imdb_rating": {"gt": 7, "eq": 7}}, "imdb_rating: nothing can be > 7 and = 7"),
        ({"imdb_rating": {"gt": float("nan")}}, "imdb_rating: a finite number is expected"),
        ({"release_year": True}, "release_year"),
        ({"stars": 5}, "no argument 'stars' .arguments: title, genres"),
    ],
)
async def test_bad_conditions_are_errors_that_say_what_is_right(
    films: Service, arguments: Arguments, text: str
) -> None:
    with pytest.raises(InvalidInputError, match=text):
        await films.call(FILTER, arguments)


# Random conditions


Call = Callable[[str, Arguments], dict[str, Any]]


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.run_until_complete(made.shutdown_default_executor())
    made.close()


@pytest.fixture(scope="module")
def same_service(films_settings: Settings, loop: asyncio.AbstractEventLoop) -> Iterator[Service]:
    """One service for all examples of a property."""

    async def opened() -> Service:
        return Service(films_settings, prepare_if_needed=False)

    service = loop.run_until_complete(opened())
    yield service
    loop.run_until_complete(service.close())


def can_be_met(limits: dict[str, float]) -> bool:
    near = [limit + step for limit in limits.values() for step in (-0.01, 0, 0.01)]
    return any(all(SIGNS[sign](value, limit) for sign, limit in limits.items()) for value in near)


def conditions(movies: Movies) -> st.SearchStrategy[Arguments]:
    """Conditions mostly about one film, so that many have an answer, but not all."""

    def about(movie: dict[str, Any], data: st.DataObject) -> Arguments:
        arguments: Arguments = {}
        for argument in data.draw(st.lists(st.sampled_from([*NAMES, *NUMBERS]), min_size=1, max_size=4, unique=True)):
            source = movie if data.draw(st.integers(0, 9)) else data.draw(st.sampled_from(list(movies.values())))
            if argument in NAMES:
                value = source[NAMES[argument]]
                choices = [value] if argument == "title" else value
                if choices and choices != ["unknown"]:
                    names = data.draw(st.lists(st.sampled_from(choices), min_size=1, max_size=3))
                    change = data.draw(st.sampled_from([str, str.upper, str.lower]))
                    arguments[argument] = [change(name) for name in names]
            else:
                near = number_of(source, argument)
                if near is not None:
                    steps = st.sampled_from([-1.0, -0.1, 0.0, 0.1, 1.0])
                    signs = st.lists(st.sampled_from(list(SIGNS)), min_size=1, max_size=2, unique=True)
                    limits = {sign: round(near + data.draw(steps), 1) for sign in data.draw(signs)}
                    arguments[argument] = limits if can_be_met(limits) else dict(list(limits.items())[:1])
        if not arguments:
            arguments["release_year"] = {"gt": data.draw(st.integers(1900, 2000))}
        if data.draw(st.booleans()):
            arguments["match"] = data.draw(st.sampled_from(["all", "any"]))
        return arguments

    return st.builds(about, st.sampled_from(list(movies.values())), st.data())


RANDOM = settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@RANDOM
@given(data=st.data())
def test_any_conditions_find_exactly_the_films_that_meet_them(
    data: st.DataObject,
    movies: Movies,
    ratings: list[Rating],
    same_service: Service,
    loop: asyncio.AbstractEventLoop,
) -> None:
    arguments = data.draw(conditions(movies))

    async def ask() -> tuple[dict[str, Any], list[int]]:
        answer = await same_service.call(FILTER, arguments)
        return answer, await members(same_service, answer)

    result, found = loop.run_until_complete(ask())
    expected = brute_force(movies, arguments)
    assert set(found) == expected
    assert len(found) == len(expected) == result["count"]
    assert listed(result) == most_rated(expected, movies, ratings)[:10]


@RANDOM
@given(data=st.data())
def test_a_further_condition_never_finds_more(
    data: st.DataObject, movies: Movies, same_service: Service, loop: asyncio.AbstractEventLoop
) -> None:
    first, second = data.draw(conditions(movies)), data.draw(conditions(movies))
    match = {"match": first.get("match", "all")}
    together = {**second, **first, **match}

    async def ask(arguments: Arguments) -> set[int]:
        return set(await members(same_service, await same_service.call(FILTER, arguments)))

    narrow = loop.run_until_complete(ask(together))
    wide = loop.run_until_complete(ask({**first, **match}))
    assert narrow <= wide


@RANDOM
@given(data=st.data())
def test_any_of_some_names_is_the_union_and_all_the_intersection(
    data: st.DataObject, movies: Movies, same_service: Service, loop: asyncio.AbstractEventLoop
) -> None:
    argument = data.draw(st.sampled_from(["genres", "actors", "country", "writer"]))
    movie = data.draw(st.sampled_from([movie for movie in movies.values() if movie[NAMES[argument]]]))
    names = data.draw(st.lists(st.sampled_from(movie[NAMES[argument]]), min_size=1, max_size=3))

    async def ask(asked: list[str], match: str) -> set[int]:
        answer = await same_service.call(FILTER, {argument: asked, "match": match})
        return set(await members(same_service, answer))

    each = [loop.run_until_complete(ask([name], "all")) for name in names]
    assert loop.run_until_complete(ask(names, "any")) == set.union(*each)
    assert loop.run_until_complete(ask(names, "all")) == set.intersection(*each)
