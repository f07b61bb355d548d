"""Arguments that could be taken for something else than what is meant: they are refused, or read as they are meant."""

import json
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.names import FILTER, FIND_USERS, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, STATISTICS, USER

EXCLUDE_HORROR = 'exclude={"genres": ["Horror"]}'

NEGATIONS = [
    *("~Horror", "\u00acHorror", "^Horror", "\u2013Horror", "\u2212Horror", "\u2010Horror", "<> Horror", "!= Horror"),
    *("not Horror", "NOT Horror", "no Horror", "without Horror", "except Horror", "excluding Horror", "ne Horror"),
    *("other than Horror", "anything but Horror", "not_Horror", "non-Horror", "minus Horror", "- Horror"),
    *("Comedy, -Horror", "Comedy & !Horror", "-Horror, Comedy", "Comedy;!Horror", "Comedy or -Horror"),
    *("Comedy, not Horror", "Comedy, no Horror", "Comedy AND NOT Horror", "Comedy and without Horror"),
    *({"not": "Horror"}, {"$ne": "Horror"}, {"exclude": ["Horror"]}, ["Comedy", "\u2013Horror"]),
]


@pytest.mark.parametrize("asked", NEGATIONS, ids=str)
async def test_what_is_not_wanted_is_never_taken_for_what_is(films: Service, asked: Any) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await films.call(FILTER, {"genres": asked})
    assert "exclude=" in str(refused.value)
    assert "Horror" in str(refused.value).split("exclude=")[1]


@pytest.mark.parametrize(
    ("asked", "names"),
    [("not Horror, not Thriller", ["Horror", "Thriller"]), ("not Horror or Drama", ["Horror", "Drama"])],
)
async def test_several_negations_have_one_remedy(films: Service, asked: str, names: list[str]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await films.call(FILTER, {"genres": asked})
    assert f"pass exclude={json.dumps({'genres': names})}" in str(refused.value)


async def test_signs_before_titles_are_negations(films: Service) -> None:
    for asked in ("-Star Trek", "!Star Trek"):
        with pytest.raises(InvalidInputError, match="to leave out 'Star Trek'"):
            await films.call(FILTER, {"title": asked})


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (FILTER, {"imdb_rating": {"not": [7, 8]}}, 'exclude={"imdb_rating": [7, 8]}'),
    (FILTER, {"imdb_rating": {"$nin": [7]}}, 'exclude={"imdb_rating": [7]}'),
    (FILTER, {"imdb_rating": "not equal to 7"}, 'exclude={"imdb_rating": 7}'),
    (FILTER, {"release_year": "not between 1990 and 1995"}, 'exclude={"release_year": {"gte": 1990, "lte": 1995}}'),
    (FILTER, {"imdb_rating": {"ne": 7, "gt": 5}}, "and imdb_rating without it"),
    (FILTER, {"imdb_rating": "at least 7, not 8"}, "and imdb_rating without it"),
    (FILTER, {"imdb_rating": {"any": [5, 8]}}, "several values cannot be asked for at once"),
    (FILTER, {"release_year": {"in": [1994, 1996]}}, "several values cannot be asked for at once"),
    (FILTER, {"imdb_rating": {"lt": [7, 8]}}, "a number is expected"),
    (FILTER, {"imdb_rating": {"not_between": [7, 8]}}, "exclude="),
    (FILTER, {"release_month": ["Jan", "Dec"]}, "several values cannot be asked for at once"),
    (FILTER, {"release_month": 13.5}, "a month is expected"),
    (FILTER, {"genres": "comedy but not romance"}, 'exclude={"genres": ["romance"]}, and genres without it'),
    (FILTER, {"genres": "anything except horror"}, 'exclude={"genres": ["horror"]}'),
    (FILTER, {"rating": "8+"}, "no argument 'rating'"),
    (FILTER, {"release_month": "Dec or Jan"}, "several values cannot be asked for at once"),
    (FILTER, {"genres": "Comedy", "k": "a"}, "a whole number is expected (got 'a')"),
    (FILTER, {"genres": "Comedy", "k": "a few"}, "a whole number is expected (got 'a few')"),
    (USER, {"user": [8, 9], "get": "age"}, "one viewer is expected: call once for each (got [8, 9])"),
    (POPULAR, {"since": "01.03.1998"}, "a date is written with the year first"),
    (FILTER, {"imdb_rating": "4/5"}, "'4/5' is out of 5, and this number is out of 10"),
    (FILTER, {"mean_rating": "8/10"}, "'8/10' is out of 10, and this number is out of 5"),
    (FILTER, {"imdb_votes": "2 hours"}, "'2 hours' is a time, and this number is of a unit that is not declared"),
    (POPULAR, {"since": "1997-11 to 1998-01"}, 'give since="1997-11" and until="1998-01"'),
    (POPULAR, {"until": "since 1998"}, "give it as since"),
    (POPULAR, {"until": "last 30 days"}, "has its beginning only"),
    (FILTER, {"release_year": 95}, "a year is expected, with all its digits"),
    (FILTER, {"release_year": "1994 or 1996"}, "several values cannot be asked for at once"),
    (FILTER, {"like_share": "> 0.8"}, "like_share: is in percent"),
    (FILTER, {"genres": "Comedy or Drama and Horror"}, "genres: give a list of names, and match=any or match=all"),
    (FILTER, {"genres": ["Comedy or Drama", "Horror"]}, "genres: give a list of names"),
    (FILTER, {"genres": "Comedy or Drama", "match": "all"}, "genres: give a list of names"),
    (FILTER, {"match": ["any", "all"], "genres": "Comedy"}, "match: one of these is expected"),
    (FILTER, {"exclude": {"not_genres": "Horror"}}, "'not_genres' is a negation"),
    (FILTER, {"arguments": {"genres": "Comedy"}, "genres": "Drama"}, "'genres' is given twice"),
    (FILTER, {"imdb_rating": "1" * 20_000 + " to"}, "a number or a date is expected"),
    (FILTER, {"imdb_rating": 10**400}, "a finite number is expected"),
    (FILTER, {"genres": "\ud800"}, "genres"),
    (RECOMMEND, {"user": 8, "items": "no 50"}, "is no film ID"),
    (RECOMMEND, {"user": 8, "items": "item -50"}, "is no film ID"),
    (RECOMMEND, {"user": 8, "item_set": ","}, "names no set"),
    (RECOMMEND, {"user": 8, "exclude_genres": ["Horror"]}, "call item_filter_tool with exclude genres first"),
    (RECOMMEND, {"user": 5000, "item_set": "set_aaaaaa"}, "item set set_aaaaaa is unknown"),
    (FIND_USERS, {"similar_item": 9}, "no argument 'similar_item'"),
    (HISTORY, {"user": 8, "start": 20}, "a date is expected"),
    (POPULAR, {"since": "2024-01-01T00:00:00+99:99"}, "there is no such date; write it as"),
    *((tool, {**given, "user_group": "-female"}, "a group cannot be left out") for tool, given in (
        (POPULAR, {}), (LIKE, {"items": [1]}), (STATISTICS, {"group_by": "genres"}), (FIND_USERS, {"items": [943]})
    )),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "arguments", "text"), REFUSED, ids=range(len(REFUSED)))
async def test_what_may_be_misread_is_refused(films: Service, tool: str, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await films.call(tool, arguments)
    assert text in str(refused.value)


SAME: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (FILTER, {"country": "USA, UK"}, {"country": ["United States", "United Kingdom"]}),
    (FILTER, {"genres": "'Comedy' and 'Drama'"}, {"genres": ["Comedy", "Drama"]}),
    (FILTER, {"genres": "('Comedy', 'Drama')"}, {"genres": ["Comedy", "Drama"]}),
    (FILTER, {"genres": "{'Comedy'}"}, {"genres": ["Comedy"]}),
    (FILTER, {"genres": '"Comedy", "Drama"'}, {"genres": ["Comedy", "Drama"]}),
    (FILTER, {"genres": "Comedy+Drama"}, {"genres": ["Comedy", "Drama"]}),
    (FILTER, {"genres": "either Comedy or Drama"}, {"genres": ["Comedy", "Drama"], "match": "any"}),
    (FILTER, {"genres": "both Comedy and Drama"}, {"genres": ["Comedy", "Drama"]}),
    (FILTER, {"genres": {"$in": ["Comedy"]}}, {"genres": ["Comedy"]}),
    (FILTER, {"genres": [["Comedy", "Drama"]]}, {"genres": ["Comedy", "Drama"]}),
    (FILTER, {"genres": [{"name": "Comedy"}]}, {"genres": ["Comedy"]}),
    (FILTER, {"-genres": "Drama"}, {"exclude": {"genres": ["Drama"]}}),
    (FILTER, {"genres_not": "Drama"}, {"exclude": {"genres": ["Drama"]}}),
    (
        FILTER,
        {"exclude_genres": ["Horror"], "exclude": {"genre": "Drama"}},
        {"exclude": {"genres": ["Horror", "Drama"]}},
    ),
    (FILTER, {"exclude": [{"genres": "Horror"}, {"country": "France"}]},
     {"exclude": {"genres": ["Horror"], "country": ["France"]}}),
    (FILTER, {"min_imdb_rating": 8}, {"imdb_rating": {"gte": 8}}),
    (FILTER, {"imdb_rating_gte": 8, "imdb_rating_lt": 8.5}, {"imdb_rating": {"gte": 8, "lt": 8.5}}),
    (FILTER, {"year_from": 1990, "year_to": 1991}, {"release_year": {"gte": 1990, "lte": 1991}}),
    (FILTER, {"duration[lt]": 80}, {"duration": {"lt": 80}}),
    (FILTER, {"duration": "under 80min"}, {"duration": {"lt": 80}}),
    (FILTER, {"starring": "Tom Hanks"}, {"actors": ["Tom Hanks"]}),
    (FILTER, {"runtime": "<= 1h40m"}, {"duration": {"lte": 100}}),
    (FILTER, {"filters": {"genres": "Comedy"}}, {"genres": ["Comedy"]}),
    (FILTER, {"genres": "Comedy", "country": "any"}, {"genres": ["Comedy"]}),
    (FILTER, {"genres": ["Comedy", "Drama"], "match": "both"}, {"genres": ["Comedy", "Drama"]}),
    (FILTER, {"genres": "Comedy", "k": "top three films"}, {"genres": ["Comedy"], "k": 3}),
    (FILTER, {"release_year": {"from": 1990, "to": "present"}}, {"release_year": {"gte": 1990}}),
    (FILTER, {"release_year": "1994 or 1995"}, {"release_year": {"gte": 1994, "lte": 1995}}),
    (FILTER, {"release_month": "November and December"}, {"release_month": {"gte": 11, "lte": 12}}),
    (FILTER, {"release_year": "pre-1970"}, {"release_year": {"lt": 1970}}),
    (FILTER, {"release_year": "no later than 1950"}, {"release_year": {"lte": 1950}}),
    (RECOMMEND, {"user": [4, 9], "k": "five"}, {"users": [4, 9], "k": 5}),
    (RECOMMEND, {"user": "4 and 9"}, {"users": [4, 9]}),
    (RECOMMEND, {"user": 4, "diversity": "50%"}, {"user": 4, "diversity": 0.5}),
    (RECOMMEND, {"user": 4, "detail": "verbose"}, {"user": 4, "detail": "full"}),
    (POPULAR, {"user_group": "everyone"}, {}),
    (POPULAR, {"since": "1998/03/01"}, {"since": "1998-03-01"}),
    (USER, {"user": 8, "get": "sex and job"}, {"user": 8, "get": ["gender", "occupation"]}),
    (USER, {"user": 8, "get": "age group"}, {"user": 8, "get": ["age_category"]}),
    (ITEM, {"items": [1], "get": "cast, runtime"}, {"items": [1], "get": ["actors", "duration"]}),
    (HISTORY, {"user": 90, "rating": "5 stars"}, {"user": 90, "rating": {"eq": 5}}),
    (STATISTICS, {"group_by": "sex"}, {"group_by": ["gender"]}),
    (STATISTICS, {"group_by": "gender", "order_by": "average rating"},
     {"group_by": "gender", "order_by": "mean_rating"}),
    (FILTER, {"genres": "Comedy", "order_by": "runtime asc"}, {"genres": "Comedy", "order_by": "duration asc"}),
    (FILTER, {"genres": "Comedy", "order_by": "popularity"}, {"genres": "Comedy", "order_by": "n_ratings"}),
    (FILTER, {"duration": "1h30 to 2 hours"}, {"duration": {"gte": 90, "lte": 120}}),
    (FILTER, {"imdb_rating": "8/10 or more"}, {"imdb_rating": {"gte": 8}}),
    (FILTER, {"mean_rating": "at least 4 stars"}, {"mean_rating": {"gte": 4}}),
    (FILTER, {"like_share": "over 80%"}, {"like_share": {"gt": 80}}),
    (FILTER, {"n_ratings": "more than 100 ratings"}, {"n_ratings": {"gt": 100}}),
    (FILTER, {"release_year": "1990-present"}, {"release_year": {"gte": 1990}}),
    (POPULAR, {"since": "last 3 months"}, {"since": "1998-01-23"}),
    (POPULAR, {"since": "last month", "until": "end of last month"}, {"since": "1998-03", "until": "1998-03"}),
    (POPULAR, {"since": "from 1998 on"}, {"since": "1998"}),
    (POPULAR, {"until": "before 1998"}, {"until": "1997-12-31"}),
    (FILTER, {"release_year": "1990-95"}, {"release_year": {"gte": 1990, "lte": 1995}}),
    (FILTER, {"release_year": "between 1990-1995"}, {"release_year": {"gte": 1990, "lte": 1995}}),
    (FILTER, {"release_year": "from 1990 on"}, {"release_year": {"gte": 1990}}),
    (FILTER, {"release_year": "newer than 1990"}, {"release_year": {"gt": 1990}}),
    (FILTER, {"release_year": "before the 1950s"}, {"release_year": {"lt": 1950}}),
    (FILTER, {"release_year": {"eq": "1950s"}}, {"release_year": {"gte": 1950, "lte": 1959}}),
    (FILTER, {"release_year": ["1990-01-01", "1995-12-31"]}, {"release_year": {"gte": 1990, "lte": 1995}}),
    (FILTER, {"imdb_rating": ["> 7", "< 8"]}, {"imdb_rating": {"gt": 7, "lt": 8}}),
    (FILTER, {"imdb_rating": {"eq": "7-8"}}, {"imdb_rating": {"gte": 7, "lte": 8}}),
    (FILTER, {"imdb_rating": {"op": ">", "val": 8}}, {"imdb_rating": {"gt": 8}}),
    (ITEM, {"items": "1 and 2", "get": "title and genres"}, {"items": [1, 2], "get": ["title", "genres"]}),
    (ITEM, {"items": "film 1, film 2", "get": "year"}, {"items": [1, 2], "get": ["release_year"]}),
    (ITEM, {"items": [1, None], "get": "title"}, {"items": [1], "get": ["title"]}),
    (RECOMMEND, {"user": [8]}, {"user": 8}),
    (RECOMMEND, {"user": 8, "exclude": [50, 181]}, {"user": 8, "exclude_items": [50, 181]}),
    (POPULAR, {"before": "1998"}, {"until": "1997-12-31"}),
    (POPULAR, {"after": "1997"}, {"since": "1998"}),
    (POPULAR, {"user_group": "gender: women"}, {"user_group": ["female"]}),
    (STATISTICS, {"group_by": "gender", "user_group": "young adults"},
     {"group_by": ["gender"], "user_group": ["young_adult"]}),
    (FIND_USERS, {"items": [943], "user_group": "female teenagers"},
     {"items": [943], "user_group": ["female", "teenager"]}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "arguments", "meant"), SAME, ids=range(len(SAME)))
async def test_what_a_person_would_understand_is_read_so_and_told(
    films: Service, tool: str, arguments: dict[str, Any], meant: dict[str, Any]
) -> None:
    result, expected = await films.call(tool, arguments), await films.call(tool, meant)
    message, literal = result.pop("message"), expected.pop("message")
    result.pop("corrections", None)
    assert result == expected
    assert "Read" in message or message == literal


async def test_handles_under_two_names_are_all_kept(films: Service) -> None:
    comedies = (await films.call(FILTER, {"genres": "Comedy"}))["item_set"]
    dramas = (await films.call(FILTER, {"genres": "Drama"}))["item_set"]
    both = await films.call(FILTER, {"genres": ["Comedy", "Drama"]})
    for arguments in (
        {"item_set": comedies, "items": [dramas]},
        {"items": [dramas], "item_set": comedies},
        {"items": f"{comedies},{dramas}"},
        {"item_set": f"{comedies} and {dramas}"},
    ):
        assert (await films.call(ITEM, {**arguments, "get": "title"}))["total"] == both["count"]
    with pytest.raises(InvalidInputError, match="items has IDs and a handle"):
        await films.call(POPULAR, {"items": [comedies, 50]})


@pytest.mark.parametrize("argument", ["genres", "imdb_rating", "exclude", "order_by"])
async def test_lists_without_end_are_refused(films: Service, argument: str) -> None:
    deep: Any = "Comedy"
    for _ in range(900):
        deep = [deep]
    with pytest.raises(InvalidInputError, match="too deep"):
        await films.call(FILTER, {argument: deep})
