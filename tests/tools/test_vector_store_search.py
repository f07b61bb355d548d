"""Search by meaning on MovieLens."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.conftest import Rating
from tests.names import FILTER, LIKE, SEARCH
from tests.tools.films_by_hand import Arrays

Movies = dict[int, dict[str, Any]]


def listed(result: dict[str, Any]) -> list[int]:
    return [item["item_id"] for item in result["items"]]


@pytest.mark.parametrize(
    ("plot", "title"),
    [
        ("toys that come to life when nobody looks, a cowboy jealous of a new spaceman", "Toy Story"),
        ("a great white shark terrorises the bathers of a summer resort", "Jaws"),
        ("dinosaurs brought back by cloning escape in a theme park", "Jurassic Park"),
        ("a TV weatherman has to live the same day over and over", "Groundhog Day"),
        ("the sinking of an ocean liner and a romance between rich and poor aboard", "Titanic"),
    ],
)
async def test_a_plot_in_other_words_finds_the_film(films: Service, plot: str, title: str) -> None:
    result = await films.call(SEARCH, {"query": plot, "k": 3})
    assert title in [item["title"] for item in result["items"]]


async def test_results_carry_their_titles(films: Service, movies: Movies) -> None:
    result = await films.call(SEARCH, {"query": "a kidnapped child", "k": 30})
    assert [item["title"] for item in result["items"]] == [movies[item]["title"] for item in listed(result)]


@pytest.mark.parametrize("k", [1, 7, 100])
async def test_as_many_as_asked_for_are_found(films: Service, k: int) -> None:
    found = listed(await films.call(SEARCH, {"query": "war", "k": k}))
    assert len(found) == len(set(found)) == k


async def test_ten_are_found_unless_a_number_is_given(films: Service) -> None:
    assert len(listed(await films.call(SEARCH, {"query": "war"}))) == 10


async def test_a_shorter_list_is_the_beginning_of_a_longer_one(films: Service) -> None:
    short = listed(await films.call(SEARCH, {"query": "a heist that goes wrong", "k": 5}))
    long = listed(await films.call(SEARCH, {"query": "a heist that goes wrong", "k": 20}))
    assert long[:5] == short


# The film's own text


@pytest.mark.parametrize("text", ["description", "storyline"])
async def test_a_films_own_text_does_not_find_the_film(films: Service, movies: Movies, text: str) -> None:
    for item in [item for item, movie in movies.items() if movie[text]][::60]:
        found = listed(await films.call(SEARCH, {"query": movies[item][text], "k": 10}))
        assert item not in found
        assert len(found) == 10


async def test_description_and_storyline_together_do_not_find_the_film(films: Service, movies: Movies) -> None:
    query = f"{movies[1]['description']} {movies[1]['storyline']}"
    assert 1 not in listed(await films.call(SEARCH, {"query": query}))


async def test_part_of_a_films_text_does_find_the_film(films: Service, movies: Movies) -> None:
    query = movies[1]["storyline"].split(". ")[0]
    assert listed(await films.call(SEARCH, {"query": query}))[0] == 1


@pytest.mark.parametrize("pair", [(246, 268), (304, 500), (1202, 1504)])
@pytest.mark.parametrize("text", ["description", "storyline"])
async def test_a_films_own_text_does_not_find_the_film_under_its_other_id(
    films: Service, movies: Movies, pair: tuple[int, int], text: str
) -> None:
    for item in pair:
        found = listed(await films.call(SEARCH, {"query": movies[item][text]}))
        assert not set(pair) & set(found)


async def test_an_own_text_among_given_items_leaves_the_others(films: Service, movies: Movies) -> None:
    result = await films.call(SEARCH, {"query": movies[9]["description"], "items": [9, 10, 11]})
    assert set(listed(result)) == {10, 11}
    assert f"The query is a text of film 9 ({movies[9]['title']}), which is left out." in result["message"]
    assert "all others that have a text among the 3 given" in result["message"]


# A film's title


@pytest.mark.parametrize("item", [1, 50, 98, 127, 176, 313, 483])
async def test_a_title_finds_its_film_first(films: Service, movies: Movies, item: int) -> None:
    for query in (movies[item]["title"], movies[item]["title"].upper()):
        result = await films.call(SEARCH, {"query": query, "k": 5})
        assert listed(result)[0] == item
        assert len(set(listed(result))) == 5
        assert f"title of film {item} ({movies[item]['title']}), which is listed first" in result["message"]


async def test_films_of_one_title_come_first_the_most_popular_before(
    films: Service, movies: Movies, ratings: list[Rating]
) -> None:
    counts = Counter(line.item for line in ratings)
    both = [item for item, movie in movies.items() if movie["title"] == "Sabrina"]
    assert len(both) == 2
    result = await films.call(SEARCH, {"query": "sabrina", "k": 3})
    assert listed(result)[:2] == sorted(both, key=lambda item: -counts[item])
    assert "is the title of films" in result["message"]


async def test_a_title_among_given_items_that_do_not_have_it_is_a_query_like_others(
    films: Service, movies: Movies
) -> None:
    result = await films.call(SEARCH, {"query": "Toy Story", "items": [50, 98, 127]})
    assert set(listed(result)) == {50, 98, 127}
    assert "title" not in result["message"]


# Like another film


async def test_similar_to_leaves_the_film_out(films: Service, movies: Movies) -> None:
    for item in (1, 9, 50, 1682):
        result = await films.call(SEARCH, {"similar_to": item, "k": 20})
        assert item not in listed(result)
        assert len(listed(result)) == 20
        assert movies[item]["title"] in result["message"]


async def test_similar_to_leaves_the_film_out_under_its_other_id_too(films: Service) -> None:
    for pair in ((246, 268), (304, 500), (1202, 1504)):
        for item in pair:
            found = listed(await films.call(SEARCH, {"similar_to": item, "k": 30}))
            assert not set(pair) & set(found)


async def test_similar_to_finds_the_sequels(films: Service) -> None:
    titles = {item["title"] for item in (await films.call(SEARCH, {"similar_to": 50, "k": 5}))["items"]}
    assert titles & {"The Empire Strikes Back", "Return of the Jedi"}


async def test_similar_to_among_given_items(films: Service) -> None:
    result = await films.call(SEARCH, {"similar_to": 50, "items": [50, 172, 181, 1]})
    assert set(listed(result)) == {172, 181, 1}
    assert listed(result)[-1] == 1
    assert "There are no others that can be compared with it among the 4 given." in result["message"]


async def test_what_is_like_a_film_in_content_shares_its_texts_or_names(films: Service, movies: Movies) -> None:
    """The two sequels share most of the people of Star Wars, and its story."""
    result = await films.call(SEARCH, {"similar_to": 50, "by": "content", "k": 2})
    assert set(listed(result)) == {172, 181}
    assert "in what they are, best match first" in result["message"]


async def test_what_is_like_a_film_by_its_audience_is_what_the_model_says_of_who_likes_it(
    films: Service, arrays: Arrays
) -> None:
    result = await films.call(SEARCH, {"similar_to": 9, "by": "audience", "k": 5})
    own = arrays["weights"][8].copy()
    own[8] = -np.inf
    assert listed(result) == [int(position) + 1 for position in np.argsort(-own)[:5]]
    assert "in who likes them, best match first" in result["message"]


async def test_films_like_a_known_one_are_known_too(films: Service, ratings: list[Rating]) -> None:
    """By texts alone, films that hardly anybody has seen are most like it."""
    counts = Counter(line.item for line in ratings)
    for item in (9, 50, 98, 56, 127, 313, 71):
        found = listed(await films.call(SEARCH, {"similar_to": item, "k": 8}))
        assert sorted(counts[each] for each in found)[4] > 100, item


async def test_a_film_that_nobody_describes_has_its_audience_alone(films: Service, movies: Movies) -> None:
    without = [item for item, movie in movies.items() if not movie["description"] and not movie["storyline"]]
    assert 267 in without
    result = await films.call(SEARCH, {"similar_to": 267, "k": 5})
    assert result["message"].startswith("5 films like film 267 in who likes them, best match first.")
    assert "Nothing is known of what it is." in result["message"]
    with pytest.raises(InvalidInputError, match="film 267 has nothing to compare by"):
        await films.call(SEARCH, {"similar_to": 267, "by": "content"})


# Fit and evidence


async def test_a_fit_tells_a_match_from_what_is_nearest_because_something_always_is(films: Service) -> None:
    match = await films.call(SEARCH, {"query": "a great white shark terrorises a summer resort", "k": 1})
    assert match["items"][0]["fit"] > 30
    assert "None of them is near" not in match["message"]
    for query in ("quarterly tax report for small businesses", "install python packages offline"):
        other = await films.call(SEARCH, {"query": query, "k": 5})
        best = max(item["fit"] for item in other["items"])
        assert best < 20
        assert f"None of them is near in meaning: the best fit is {best:g} of 100." in other["message"]


async def test_a_films_own_sentence_has_a_fit_of_100_and_is_the_evidence(films: Service, movies: Movies) -> None:
    sentence = f"{movies[1]['storyline'].split('. ')[0]}."
    result = await films.call(SEARCH, {"query": sentence, "k": 1, "detail": "full"})
    assert result["items"][0]["item_id"] == 1
    assert result["items"][0]["fit"] > 99
    assert result["items"][0]["evidence"] == sentence


async def test_evidence_is_a_sentence_of_the_films_own_text(films: Service, movies: Movies) -> None:
    result = await films.call(SEARCH, {"query": "a child is kidnapped", "k": 20, "detail": "full"})
    for item in result["items"]:
        movie = movies[item["item_id"]]
        text = " ".join(f"{movie['description']} {movie['storyline']}".split())
        assert item["evidence"].removesuffix(" ...") in text
    compact = await films.call(SEARCH, {"query": "a child is kidnapped", "k": 20})
    assert not any("evidence" in item for item in compact["items"])


# The set of what is found


async def test_all_that_is_found_is_a_set_which_other_tools_take(films: Service) -> None:
    result = await films.call(SEARCH, {"query": "a heist that goes wrong", "k": 20})
    shares = [
        await films.call(LIKE, arguments) for arguments in ({"item_set": result["item_set"]}, {"items": listed(result)})
    ]
    assert shares[0]["percentage"] == shares[1]["percentage"]
    again = await films.call(SEARCH, {"query": "a heist that goes wrong", "k": 20})
    assert again["item_set"] == result["item_set"]


async def test_one_who_searches_within_a_set_finds_its_films_only(films: Service) -> None:
    first = await films.call(SEARCH, {"query": "a heist that goes wrong", "k": 20})
    second = await films.call(SEARCH, {"query": "in Paris", "item_set": first["item_set"], "k": 20})
    assert set(listed(second)) == set(listed(first))


# Restricted to some items


async def test_items_restrict_the_search(films: Service) -> None:
    some = list(range(400, 460))
    found = listed(await films.call(SEARCH, {"query": "love", "items": some, "k": 25}))
    assert len(found) == 25
    assert set(found) <= set(some)


async def test_an_item_set_restricts_the_search(films: Service, movies: Movies) -> None:
    musicals = {item for item, movie in movies.items() if "Musical" in movie["genres"]}
    handle = (await films.call(FILTER, {"genres": ["Musical"]}))["item_set"]
    found = listed(await films.call(SEARCH, {"query": "murder", "item_set": handle, "k": 20}))
    assert len(found) == 20
    assert set(found) <= musicals


async def test_items_and_an_item_set_are_intersected(films: Service, movies: Movies) -> None:
    handle = (await films.call(FILTER, {"genres": ["Musical"]}))["item_set"]
    arguments = {"query": "murder", "items": list(range(1, 151)), "item_set": handle, "k": 100}
    both = {item for item in range(1, 151) if "Musical" in movies[item]["genres"]}
    assert set(listed(await films.call(SEARCH, arguments))) == both


async def test_an_empty_intersection_finds_nothing_and_says_so(films: Service) -> None:
    handle = (await films.call(FILTER, {"genres": ["Musical"]}))["item_set"]
    result = await films.call(SEARCH, {"query": "murder", "items": [9], "item_set": handle})
    assert result["items"] == []
    assert "0 films" in result["message"]


async def test_fewer_than_asked_for_is_told(films: Service) -> None:
    result = await films.call(SEARCH, {"query": "a story", "items": [1, 2, 267], "k": 5})
    assert set(listed(result)) == {1, 2}
    assert "all that have a text among the 3 given" in result["message"]


async def test_a_search_among_all_films_with_texts_finds_each_film_once(films: Service, movies: Movies) -> None:
    """Films without texts are not found, nor is the one without a title, and twins are found once."""
    some = [item for item in (*range(240, 320), 348, 500, 670, 680, 865, 907, 973, 1504) if movies[item]["description"]]
    keys = {movies[item]["imdb_id"] or (movies[item]["title"], movies[item]["release_date"]) for item in some}
    found = listed(await films.call(SEARCH, {"query": "life", "items": some, "k": 100}))
    assert len(found) == len(keys)
    assert set(found) <= set(some)


async def test_a_film_under_two_ids_is_found_once(films: Service) -> None:
    query = "a comic book artist from New Jersey falls in love with a lesbian"
    titles = [item["title"] for item in (await films.call(SEARCH, {"query": query, "k": 20}))["items"]]
    assert titles[0] == "Chasing Amy"
    assert titles.count("Chasing Amy") == 1


# Errors


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "either query or similar_to"),
        ({"query": "war", "similar_to": 1}, "either query or similar_to"),
        ({"query": "  "}, "query"),
        ({"similar_to": 1683}, "film 1683 is not in ml-100k: IDs run from 1 to 1682"),
        ({"query": "war", "items": []}, "empty list"),
        ({"similar_to": 1, "by": "taste"}, "by"),
        ({"query": "war", "items": [0]}, "film 0 is not in ml-100k"),
        ({"query": "war", "item_set": "set_aaaaaa"}, "item set set_aaaaaa is unknown"),
        ({"query": "war", "k": 101}, "k: at most 100"),
    ],
)
async def test_bad_requests_say_what_is_wrong(films: Service, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInputError, match=text):
        await films.call(SEARCH, arguments)
