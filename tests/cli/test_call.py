"""`call`: its output, the form of its arguments, and what it refuses."""

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest

from mcp_server.cli.call import parse_arguments, serving
from mcp_server.errors import InvalidInputError, RecsysError
from mcp_server.settings import Settings
from tests.cli.shop_on_servers import Commands, place_of
from tests.cli.terminal import Terminal, shop_options
from tests.conftest import SHOP, Rating
from tests.e2e.test_several_processes import Shop
from tests.mariadb import PrivateServer
from tests.names import FILTER, HISTORY, RECOMMEND, SEARCH
from tests.vectors.qdrant_over_http import QdrantOverHttp


def test_call_list_names_the_tools_and_their_arguments(terminal: Terminal, films_state: list[object]) -> None:
    ended = terminal.run("call", "list", *films_state)
    assert ended.code == 0
    signatures = dict(re.findall(r"^(\w+_tool)\(([^)]*)\)$", ended.out, re.MULTILINE))
    names = {tool: set(re.split(r",\s+", arguments)) for tool, arguments in signatures.items()}
    assert len(names) == 10
    whom, which = {"user", "users", "liked_items"}, {"items", "item_set", "exclude_items", "exclude_seen"}
    assert names[RECOMMEND] == whom | which | {"k", "blend", "diversity", "reasons", "detail"}
    assert {"genres", "actors", "imdb_rating", "release_year", "match"} <= names["item_filter_tool"]


def test_call_prints_a_table(
    terminal: Terminal, films_state: list[object], ratings: list[Rating], movies: dict[int, dict[str, Any]]
) -> None:
    ended = terminal.run("call", HISTORY, "user=90", "k=3", *films_state)
    assert ended.code == 0
    of_user = [rating for rating in ratings if rating.user == 90]
    assert f"total: {len(of_user)}" in ended.out
    rows = ended.out.splitlines()[-3:]
    by_title = {movies[rating.item]["title"]: rating for rating in of_user}
    newest = sorted((rating.timestamp for rating in of_user), reverse=True)[:3]
    for row, timestamp in zip(rows, newest, strict=True):
        matched = re.fullmatch(r"\s*(\d+)  (.+?)\s{2,}(\d)  (\d{4}-\d\d-\d\d)\s*", row)
        assert matched is not None, row
        item, title, rating, _ = matched.groups()
        assert by_title[title].item == int(item)
        assert (by_title[title].rating, by_title[title].timestamp) == (float(rating), timestamp)


def test_call_prints_json(terminal: Terminal, films_state: list[object], ratings: list[Rating]) -> None:
    content = terminal.run("call", RECOMMEND, "user=4", "k=7", "reasons=true", "--json", *films_state).json
    seen = {rating.item for rating in ratings if rating.user == 4}
    assert len(content["items"]) == 7
    assert not seen & {item["item_id"] for item in content["items"]}
    assert all(reason["item_id"] in seen for item in content["items"] for reason in item["because"])
    assert any(item["because"] for item in content["items"])


def test_call_takes_lists_names_numbers_and_keys_inside(
    terminal: Terminal, films_state: list[object], movies: dict[int, dict[str, Any]]
) -> None:
    words = ['genres=["Comedy", "Horror"]', "match=any", "country=France", "imdb_rating.gte=6", "imdb_rating.lt=8"]
    content = terminal.run("call", FILTER, *words, "release_year=1996", "--json", *films_state).json
    expected = {
        number
        for number, movie in movies.items()
        if {"Comedy", "Horror"} & set(movie["genres"])
        and "France" in movie["countries"]
        and movie["imdb_rating"] is not None
        and 6 <= movie["imdb_rating"] < 8
        and movie["year"] == 1996
    }
    assert content["count"] == len(expected) > 0
    assert {item["item_id"] for item in content["items"]} <= expected


@pytest.mark.parametrize("text", ["007", "null", "1996-02-30", "[1", "a=b"])
def test_a_value_of_text_is_left_as_it_is(text: str) -> None:
    assert parse_arguments([f"user={text}"], {"user": {"type": "string"}}) == {"user": text}


def test_a_tools_error_is_one_line_and_exit_code_2(terminal: Terminal, films_state: list[object]) -> None:
    said = terminal.refused("call", RECOMMEND, "user=5000", *films_state)
    assert "user 5000" in said or "viewer 5000" in said
    assert "IDs run from 1 to 943" in said


def test_an_unknown_tool_is_refused_with_the_names_of_tools(terminal: Terminal, shop_state: Path) -> None:
    said = terminal.refused("call", "recommend", *shop_options(shop_state))
    assert "'recommend'" in said
    assert RECOMMEND in said


def test_an_argument_without_a_value_is_refused(terminal: Terminal, shop_state: Path) -> None:
    assert "KEY=VALUE" in terminal.refused("call", HISTORY, "user", *shop_options(shop_state))


@pytest.mark.parametrize("words", [["=5"], ["price=5", "price.gt=3"]])
def test_arguments_that_contradict_their_form_are_refused(words: list[str]) -> None:
    with pytest.raises(InvalidInputError, match=r"price|KEY=VALUE"):
        parse_arguments(words, {"price": {"type": "object"}})


def test_a_value_inside_that_is_no_yaml_is_refused_or_left_to_the_tool() -> None:
    with contextlib.suppress(InvalidInputError):
        assert parse_arguments(["price.gt=[1"], {"price": {"type": "object"}}) == {"price": {"gt": "[1"}}


def test_calling_with_nothing_prepared_says_how_to_prepare(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.refused("call", RECOMMEND, "user=4", "--state", tmp_path / "state")
    assert "nothing has been prepared" in said
    assert "recsys-mcp prepare" in said
    assert not (tmp_path / "state").exists()


def test_call_answers_from_the_servers(commands: Commands, qdrant: QdrantOverHttp) -> None:
    n_requests = len(qdrant.requests)
    found = commands.run("call", SEARCH, "query=a can for watering plants", "k=1", "--json")
    assert [(item["item_id"], item["title"]) for item in found.json["items"]] == [("GAR-02", "Watering can")]
    assert any(request.endswith("/points/query/batch") for request in qdrant.requests[n_requests:])


def test_call_says_in_one_line_that_the_database_is_away(
    commands: Commands, remote_shop: Shop, private_server: PrivateServer
) -> None:
    private_server.stop()
    try:
        refused = commands.refused("call", HISTORY, "user=anna")
    finally:
        private_server.start()
    assert refused.startswith(f"the database at {place_of(remote_shop)} cannot be reached")


async def test_a_bug_while_a_server_is_used_is_not_taken_for_its_end(shop_state: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with serving(Settings(dataset=str(SHOP), state=shop_state)) as session:
            await session.list_tools()
            raise ZeroDivisionError


async def test_a_server_that_ends_is_reported_with_its_last_words(shop_state: Path) -> None:
    with pytest.raises(RecsysError, match=r"the server ended: .*holds corner-shop, not ml-100k"):
        async with serving(Settings(dataset="ml-100k", state=shop_state)) as session:
            await session.list_tools()


async def test_an_error_that_a_server_answers_with_is_not_taken_for_its_end(shop_state: Path) -> None:
    with pytest.raises(RecsysError, match="the server answered with an error: ") as caught:
        async with serving(Settings(dataset=str(SHOP), state=shop_state)) as session:
            await session.read("item://no-such-product")
    assert "no-such-product" in str(caught.value)
