"""The platform owner's questions, as an assistant asks them: tool by tool, over real stdio."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from mcp_server.protocol.client import Session, stdio_session
from mcp_server.settings import Settings
from tests.conftest import Rating
from tests.names import FILTER, FIND_USERS, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, STATISTICS, USER

TEN = {RECOMMEND, FILTER, SEARCH, LIKE, POPULAR, USER, ITEM, HISTORY, FIND_USERS, STATISTICS}

Movies = dict[int, dict[str, Any]]
Viewers = dict[int, dict[str, Any]]


@dataclass(frozen=True)
class Client:
    """A client of one real server, for tests that are not coroutines."""

    portal: BlockingPortal
    session: Session
    tools: dict[str, dict[str, Any]]

    @property
    def instructions(self) -> str:
        return str(self.session.greeting["instructions"])

    def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; its answer must be what its output schema says, and the same as structure and as text."""
        result = self.portal.call(self.session.call, tool, arguments)
        assert not result["isError"], result
        (content,) = result["content"]
        answer: dict[str, Any] = result["structuredContent"]
        assert json.loads(content["text"]) == answer
        jsonschema.validate(answer, self.tools[tool]["outputSchema"])
        assert answer["message"]
        return answer

    def read(self, uri: str) -> Any:
        (content,) = self.portal.call(self.session.read, uri)["contents"]
        assert content["uri"] == uri
        assert content["mimeType"] == "application/json"
        return json.loads(content["text"])


@pytest.fixture(scope="module")
def client(films_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The same server for all tests of this module."""
    command = ["serve", "--dataset", films_settings.dataset, "--state", str(films_settings.state_folder)]
    with (
        (tmp_path_factory.mktemp("server") / "log").open("w") as log,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(stdio_session(command, errlog=log)) as session,
    ):
        tools = {tool["name"]: tool for tool in portal.call(session.list_tools)}
        yield Client(portal, session, tools)


def listed(answer: dict[str, Any]) -> list[int]:
    return [item["item_id"] for item in answer["items"]]


def seen(ratings: list[Rating], user: int) -> set[int]:
    return {line.item for line in ratings if line.user == user}


# What a client learns before it asks


def test_there_are_the_ten_tools(client: Client) -> None:
    assert set(client.tools) == TEN


@pytest.mark.parametrize("tool", sorted(TEN))
def test_a_tool_is_described(client: Client, tool: str) -> None:
    described = client.tools[tool]
    assert described["title"]
    assert len(described["description"]) > 80
    annotations = described["annotations"]
    assert annotations["readOnlyHint"] is True
    assert annotations["destructiveHint"] is False
    assert annotations["openWorldHint"] is False


@pytest.mark.parametrize("tool", sorted(TEN))
def test_schemas_are_valid_and_need_no_looking_up(client: Client, tool: str) -> None:
    for schema in (client.tools[tool]["inputSchema"], client.tools[tool]["outputSchema"]):
        assert schema["type"] == "object"
        jsonschema.Draft202012Validator.check_schema(schema)
        assert "$ref" not in json.dumps(schema)
        assert "$defs" not in schema


@pytest.mark.parametrize("tool", sorted(TEN))
def test_every_argument_and_every_part_of_a_result_is_described(client: Client, tool: str) -> None:
    for schema in (client.tools[tool]["inputSchema"], client.tools[tool]["outputSchema"]):
        assert schema["properties"]
        for name, part in schema["properties"].items():
            assert part.get("description"), name


def test_no_noun_is_left_to_be_filled_in(client: Client) -> None:
    assert not re.findall(r"\{\w+\}", client.instructions)
    assert not re.findall(r"\{[a-zA-Z]+\}", json.dumps(client.tools))


def test_articles_fit_the_nouns(client: Client) -> None:
    for text in (client.instructions, json.dumps(client.tools)):
        assert not re.findall(r"\ban (?:film|viewer|rating)s?\b", text)


def test_choices_are_named_in_the_schemas(client: Client) -> None:
    groups = client.tools[POPULAR]["inputSchema"]["properties"]["user_group"]["items"]["enum"]
    assert groups[:5] == ["kid", "teenager", "young_adult", "adult", "senior"]
    assert set(groups[5:]) == {"male", "female"}
    user_fields = client.tools[USER]["inputSchema"]["properties"]["get"]["items"]["enum"]
    assert set(user_fields) == {"age_category", "age", "gender", "occupation"}
    genres = client.tools[FILTER]["inputSchema"]["properties"]["genres"]["description"]
    assert "Comedy" in genres
    assert "Film-Noir" in genres


def test_what_a_tool_cannot_do_without_is_required(client: Client) -> None:
    required = {name: set(tool["inputSchema"].get("required", [])) for name, tool in client.tools.items()}
    assert required == {
        RECOMMEND: set(),
        FILTER: set(),
        SEARCH: set(),
        LIKE: set(),
        POPULAR: set(),
        USER: {"user", "get"},
        ITEM: {"get"},
        HISTORY: {"user"},
        FIND_USERS: set(),
        STATISTICS: set(),
    }


def test_the_instructions_say_to_ask_for_a_missing_id(client: Client) -> None:
    assert "Ask back where a viewer ID is missing" in client.instructions
    assert "1 to 943" in client.instructions
    assert "1 to 1682" in client.instructions


def test_the_instructions_name_tools_that_there_are(client: Client) -> None:
    named = set(re.findall(r"\w+_tool\b", client.instructions))
    assert named
    assert named <= TEN


# Item sets


def test_a_set_can_be_read_whole_as_a_resource(client: Client, movies: Movies) -> None:
    comedies = {item for item, movie in movies.items() if "Comedy" in movie["genres"]}
    found = client.ask(FILTER, genres=["Comedy"])
    content = client.read(f"itemset://{found['item_set']}")
    assert content["item_set"] == found["item_set"]
    assert content["count"] == len(comedies)
    assert set(content["items"]) == comedies
    assert content["items"][0] == found["items"][0]["item_id"]


def test_an_unknown_value_is_null_in_structure_and_text(client: Client) -> None:
    answer = client.ask(ITEM, items=[267], get=["release_year", "actors", "imdb_id"])
    assert answer["items"] == [{"item_id": 267, "title": None, "release_year": None, "actors": [], "imdb_id": None}]


# The questions


def test_recommend_for_user_4_and_why(client: Client, ratings: list[Rating]) -> None:
    plain = client.ask(RECOMMEND, user=4)
    assert len(set(listed(plain))) == 5
    assert not set(listed(plain)) & seen(ratings, 4)
    assert [item["rank"] for item in plain["items"]] == [1, 2, 3, 4, 5]
    fits = [item["fit"] for item in plain["items"]]
    assert fits == sorted(fits, reverse=True)
    why = client.ask(RECOMMEND, user=4, reasons=True)
    assert listed(why) == listed(plain)
    for item in why["items"]:
        assert 1 <= len(item["because"]) <= 3
        assert {reason["item_id"] for reason in item["because"]} <= seen(ratings, 4)


def test_a_tom_cruise_film_for_user_9(client: Client, movies: Movies, ratings: list[Rating]) -> None:
    found = client.ask(FILTER, actors=["Tom Cruise"])
    answer = client.ask(RECOMMEND, user=9, k=1, item_set=found["item_set"])
    (item,) = listed(answer)
    assert "Tom Cruise" in movies[item]["actors"]
    assert item not in seen(ratings, 9)


def test_three_comedies_for_user_98(client: Client, movies: Movies) -> None:
    found = client.ask(FILTER, genres=["Comedy"])
    answer = client.ask(RECOMMEND, user=98, k=3, item_set=found["item_set"])
    assert len(listed(answer)) == 3
    assert all("Comedy" in movies[item]["genres"] for item in listed(answer))


def test_misspelt_tom_cruise_with_a_rating_above_6_for_user_2(client: Client, movies: Movies) -> None:
    found = client.ask(FILTER, actors=["Tom Cruize"], imdb_rating={"gt": 6})
    assert "'Tom Cruize' was taken for 'Tom Cruise'" in found["message"]
    answer = client.ask(RECOMMEND, user=2, item_set=found["item_set"])
    assert listed(answer)
    for item in listed(answer):
        assert "Tom Cruise" in movies[item]["actors"]
        assert movies[item]["imdb_rating"] > 6


def test_released_in_the_usa_before_1997_for_user_9(client: Client, movies: Movies, ratings: list[Rating]) -> None:
    found = client.ask(FILTER, country=["USA"], release_year={"lt": 1997})
    answer = client.ask(RECOMMEND, user=9, item_set=found["item_set"])
    assert len(listed(answer)) == 5
    for item in listed(answer):
        assert "United States" in movies[item]["countries"]
        assert movies[item]["year"] < 1997
    assert not set(listed(answer)) & seen(ratings, 9)


def test_something_for_user_6_who_is_sad(client: Client, ratings: list[Rating]) -> None:
    found = client.ask(SEARCH, query="uplifting, warm and funny story about friendship", k=30)
    answer = client.ask(RECOMMEND, user=6, items=listed(found))
    assert len(listed(answer)) == 5
    assert set(listed(answer)) <= set(listed(found)) - seen(ratings, 6)


def test_like_film_9_for_user_8(client: Client, ratings: list[Rating]) -> None:
    found = client.ask(SEARCH, similar_to=9, k=20)
    assert "Dead Man Walking" in found["message"]
    answer = client.ask(RECOMMEND, user=8, items=listed(found), k=3)
    assert len(listed(answer)) == 3
    assert 9 not in listed(answer)
    assert set(listed(answer)) <= set(listed(found)) - seen(ratings, 8)


def test_matching_a_storyline_for_user_2(client: Client, movies: Movies) -> None:
    """The storyline is a film's own, so that the film itself is no answer."""
    storyline = movies[56]["storyline"]
    found = client.ask(SEARCH, query=storyline, k=20)
    answer = client.ask(RECOMMEND, user=2, items=listed(found))
    assert len(listed(answer)) == 5
    assert 56 not in listed(answer)


def test_where_the_main_character_is_kidnapped_for_user_9(client: Client, movies: Movies) -> None:
    found = client.ask(SEARCH, query="the main character is kidnapped", k=20)
    texts = [f"{movies[item]['description']} {movies[item]['storyline']}".lower() for item in listed(found)]
    assert sum(bool(re.search("kidnap|abduct|ransom|hostage", text)) for text in texts) > 10
    answer = client.ask(RECOMMEND, user=9, items=listed(found))
    assert set(listed(answer)) <= set(listed(found))


def test_what_share_of_users_would_be_interested_in_a_storyline(
    client: Client, ratings: list[Rating], viewers: Viewers
) -> None:
    found = client.ask(SEARCH, query="an astronaut leads one last mission to save a colony on Mars", k=5)
    answer = client.ask(LIKE, items=listed(found))
    liking = {line.user for line in ratings if line.item in listed(found) and line.rating >= 4}
    assert answer["n_users_who_like"] == len(liking)
    assert answer["percentage"] == pytest.approx(100 * len(liking) / len(viewers), abs=0.05)


def test_the_ideal_length_of_a_comedy(client: Client, movies: Movies) -> None:
    found = client.ask(FILTER, genres=["Comedy"])
    popular = client.ask(POPULAR, item_set=found["item_set"], k=3)
    lengths = client.ask(ITEM, items=listed(popular), get=["duration"])
    for item in lengths["items"]:
        assert "Comedy" in movies[item["item_id"]]["genres"]
        assert item["duration"] == movies[item["item_id"]]["runtime_minutes"]


def test_the_most_engaging_genre_at_christmas(client: Client, movies: Movies) -> None:
    found = client.ask(FILTER, release_month={"eq": 12})
    popular = client.ask(POPULAR, item_set=found["item_set"], k=5)
    genres = client.ask(ITEM, items=listed(popular), get=["genres", "release_date"])
    assert len(genres["items"]) == 5
    for item in genres["items"]:
        assert item["genres"] == movies[item["item_id"]]["genres"]
        assert item["release_date"].split("-")[1] == "12"


def test_popular_among_teenagers_for_user_43(client: Client, ratings: list[Rating], viewers: Viewers) -> None:
    teenagers = {user for user, viewer in viewers.items() if 13 <= viewer["age"] <= 19}
    counts = Counter(line.item for line in ratings if line.user in teenagers)
    popular = client.ask(POPULAR, user_group=["teenager"])
    assert [item["n_interactions"] for item in popular["items"]] == [counts[item] for item in listed(popular)]
    answer = client.ask(RECOMMEND, user=43, items=listed(popular))
    assert set(listed(answer)) <= set(listed(popular)) - seen(ratings, 43)


def test_tom_cruise_films_popular_among_teenagers_for_user_76(
    client: Client, movies: Movies, ratings: list[Rating]
) -> None:
    found = client.ask(FILTER, actors=["Tom Cruise"])
    popular = client.ask(POPULAR, user_group=["teenager"], item_set=found["item_set"])
    standing_out = [item["item_id"] for item in popular["items"] if item["stands_out"]]
    assert 1 <= len(standing_out) < found["count"]
    answer = client.ask(RECOMMEND, user=76, items=standing_out)
    assert set(listed(answer)) == set(standing_out) - seen(ratings, 76)
    assert all("Tom Cruise" in movies[item]["actors"] for item in listed(popular))


def test_popular_in_the_age_group_of_user_98_for_user_98(client: Client, ratings: list[Rating]) -> None:
    group = client.ask(USER, user=98, get=["age_category"])["fields"]["age_category"]
    popular = client.ask(POPULAR, user_group=[group], k=30)
    answer = client.ask(RECOMMEND, user=98, items=listed(popular))
    assert len(listed(answer)) == 5
    assert set(listed(answer)) <= set(listed(popular)) - seen(ratings, 98)


def test_the_history_of_user_90(client: Client, ratings: list[Rating]) -> None:
    answer = client.ask(HISTORY, user=90, k=100)
    assert answer["total"] == len(seen(ratings, 90))
    assert set(listed(answer)) <= seen(ratings, 90)
    dates = [item["date"] for item in answer["items"]]
    assert dates == sorted(dates, reverse=True)


def test_title_and_description_of_film_9(client: Client, movies: Movies) -> None:
    answer = client.ask(ITEM, items=[9], get=["title", "description"])
    assert answer["items"] == [{"item_id": 9, "title": "Dead Man Walking", "description": movies[9]["description"]}]


def test_the_age_category_of_user_198(client: Client, viewers: Viewers) -> None:
    assert 20 <= viewers[198]["age"] <= 30
    answer = client.ask(USER, user=198, get=["age_category"])
    assert answer["fields"] == {"age_category": "young_adult"}


def test_someone_without_an_id_who_likes_two_films(client: Client) -> None:
    found = client.ask(FILTER, title=["Toy Story", "Aladdin"], match="any")
    assert {item["title"] for item in found["items"]} == {"Toy Story", "Aladdin"}
    answer = client.ask(RECOMMEND, liked_items=listed(found), reasons=True)
    assert len(listed(answer)) == 5
    assert not set(listed(answer)) & set(listed(found))
    assert {reason["item_id"] for item in answer["items"] for reason in item["because"]} == set(listed(found))


def test_no_id_at_all_is_answered_with_the_question_for_it(client: Client) -> None:
    result = client.portal.call(client.session.call, RECOMMEND, {"k": 5})
    assert result["isError"]
    assert "for which viewer? Ask for the ID" in result["content"][0]["text"]
