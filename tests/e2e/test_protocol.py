"""The protocol besides tools: prompts, resources, completions, questions, progress, logs, pages of
lists. Over stdio, in the words of each generation of the protocol that the SDK at hand speaks.
"""

import asyncio
import base64
import json
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
import pytest_asyncio
from mcp.server.lowlevel import Server

from mcp_server.settings import Settings
from tests.conftest import SHOP, Rating
from tests.names import FILTER, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, USER
from tests.wire import Generation, WireClient, WireError, wire_client

Movies = dict[int, dict[str, Any]]

RESOURCE_NOT_FOUND, INVALID_PARAMS = -32002, -32602

GENERATIONS: list[Generation] = ["2025-06-18", "2025-11-25"]
if not hasattr(Server, "list_tools"):  # the SDK's line 2.x
    GENERATIONS.append("2026-07-28")

FILM_PROMPTS = {
    "recommend",
    "recommend_together",
    "recommend_by_attributes",
    "recommend_for_mood",
    "recommend_by_storyline",
    "recommend_popular",
    "similar_items",
    "audience_for_storyline",
    "best_genre_for_month",
    "ideal_value",
    "about_user",
    "about_item",
    "explain_recommendations",
    "assistant",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=GENERATIONS)
async def client(request: pytest.FixtureRequest, films_settings: Settings) -> AsyncIterator[WireClient]:
    async with wire_client(films_settings, request.param) as connected:
        yield connected


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop_client(shop_settings: Settings) -> AsyncIterator[WireClient]:
    async with wire_client(shop_settings) as connected:
        yield connected


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def read(client: WireClient, uri: str) -> Any:
    (content,) = (await client.ask("resources/read", uri=uri))["contents"]
    assert content["uri"] == uri
    return json.loads(content["text"]) if content["mimeType"] == "application/json" else content["text"]


async def complete(client: WireClient, typed: str, *, argument: str, **reference: str) -> dict[str, Any]:
    kind = "ref/resource" if "uri" in reference else "ref/prompt"
    params = {"ref": {"type": kind, **reference}, "argument": {"name": argument, "value": typed}}
    completion: dict[str, Any] = (await client.ask("completion/complete", **params))["completion"]
    return completion


async def refused(client: WireClient, code: int, method: str, **params: Any) -> str:
    with pytest.raises(WireError) as refusal:
        await client.ask(method, **params)
    assert refusal.value.code == code
    return str(refusal.value)


# What the server says of itself


async def test_the_server_says_all_that_it_can_do(client: WireClient) -> None:
    said = client.greeting
    assert {"tools", "resources", "prompts", "completions", "logging"} <= set(said["capabilities"])
    assert "1 to 943" in said["instructions"]
    if client.generation == "2026-07-28":  # older ones have no word for extensions
        assert "io.modelcontextprotocol/ui" in said["capabilities"]["extensions"]
    else:
        assert said["serverInfo"]["name"] == "recsys-mcp"
        assert is_svg(said["serverInfo"]["icons"])


def is_svg(icons: list[dict[str, Any]]) -> bool:
    (icon,) = icons
    assert icon["mimeType"] == "image/svg+xml"
    return ElementTree.fromstring(unquote(icon["src"].removeprefix("data:image/svg+xml,"))).tag.endswith("svg")


# Prompts


async def test_prompts_are_described(client: WireClient) -> None:
    prompts = (await client.ask("prompts/list"))["prompts"]
    assert {prompt["name"] for prompt in prompts} == FILM_PROMPTS
    for prompt in prompts:
        assert prompt["title"]
        assert len(prompt["description"]) > 20
        assert is_svg(prompt["icons"])
        for argument in prompt["arguments"]:
            assert argument["title"]
            assert argument["description"]
        said = json.dumps({**prompt, "icons": None}, ensure_ascii=False)
        assert "{" not in said.replace('{"', "").replace("[{", "")
    taken = {prompt["name"]: [a["name"] for a in prompt["arguments"] if a["required"]] for prompt in prompts}
    assert taken["recommend"] == taken["explain_recommendations"] == ["user"]
    assert taken["recommend_together"] == ["users"]
    assert taken["recommend_for_mood"] == ["user", "mood"]
    assert taken["audience_for_storyline"] == ["storyline"]


async def text_of(client: WireClient, name: str, **arguments: str) -> str:
    got = await client.ask("prompts/get", name=name, arguments=arguments)
    (message,) = got["messages"]
    assert message["role"] == "user"
    text: str = message["content"]["text"]
    return text


async def test_each_prompt_says_what_was_filled_in_and_names_tools_that_there_are(client: WireClient) -> None:
    tools = {tool["name"] for tool in (await client.ask("tools/list"))["tools"]}
    for prompt in (await client.ask("prompts/list"))["prompts"]:
        given = {argument["name"]: f"<{argument['name']}>" for argument in prompt["arguments"]}
        given |= {"k": "7"} if "k" in given else {}
        text = await text_of(client, prompt["name"], **given)
        assert all(value in text for value in given.values())
        named = set(re.findall(r"\w+_tool\b", text))
        assert named
        assert named <= tools
        assert not re.search(r"[{}\[\]]", re.sub(r'=\["[^"]*"\]', "", text))


async def test_what_is_left_open_has_a_meaning(client: WireClient) -> None:
    assert "Recommend 5 films to viewer 98" in await text_of(client, "recommend", user=" 98 ")
    assert "own group" in await text_of(client, "recommend_popular", user="98")
    assert "own group" not in await text_of(client, "recommend_popular", user="98", user_group="teenager")
    assert "to viewer" not in await text_of(client, "similar_items", item="Heat")
    # What is filled in is not filled in once more.
    assert '"a [user] of {items}"' in await text_of(
        client, "recommend_by_storyline", user="7", storyline="a [user] of {items}"
    )


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("recommend", {}, "fill in user"),
        ("recommend", {"user": "  "}, "fill in user"),
        ("recommend_for_mood", {"user": "6"}, "fill in mood"),
        ("recommend", {"user": "6", "colour": "red"}, "there is no argument 'colour' (arguments: user, k)"),
        ("recommend", {"user": "6", "k": "many"}, "k is a number from 1 to 100"),
        ("recommend", {"user": "6", "k": "0"}, "k is a number from 1 to 100"),
        ("recommend_by_attributes", {"user": "6"}, "fill in at least one of genres"),
        ("audience_for_storyline", {"storyline": "x" * 10_001}, "longer than 10,000"),
        ("nothing", {}, "there is no prompt 'nothing'. There are: recommend,"),
    ],
)
async def test_a_prompt_filled_in_wrongly_is_refused(
    client: WireClient, name: str, arguments: dict[str, str], said: str
) -> None:
    assert said in await refused(client, INVALID_PARAMS, "prompts/get", name=name, arguments=arguments)


async def test_a_shop_has_prompts_of_its_own(shop_client: WireClient) -> None:
    prompts = {prompt["name"]: prompt for prompt in (await shop_client.ask("prompts/list"))["prompts"]}
    expected = {"recommend", "recommend_by_attributes", "recommend_popular", "ideal_value", "about_user", "about_item"}
    assert set(prompts) == expected | {"recommend_together", "explain_recommendations", "assistant"}
    names = {argument["name"] for argument in prompts["recommend_by_attributes"]["arguments"]}
    assert names == {"user", "department", "materials", "conditions", "k"}
    said = json.dumps(prompts).lower()
    assert "customer" in said
    assert "film" not in said


# Resources


async def test_the_card_tells_what_the_dataset_holds(client: WireClient) -> None:
    listed = {one["uri"]: one for one in (await client.ask("resources/list"))["resources"]}
    assert listed["dataset://ml-100k"]["mimeType"] == "text/markdown"
    assert all(is_svg(one["icons"]) and one["title"] and one["description"] for one in listed.values())
    card = await read(client, "dataset://ml-100k")
    for fact in ("1,682", "943", "100,000", "1 to 5", "4 or more", "GroupLens", "teenager"):
        assert fact in card
    assert re.search(r"\| release_year \| Release year \| number \| 19\d\d to 1998 \| yes \|", card)
    assert re.search(r"\| genres \| Genres \| category, several \| 1[89]: Drama, Comedy", card)


async def test_a_film_can_be_read(client: WireClient, movies: Movies) -> None:
    film = await read(client, "item://9")
    assert film["title"] == movies[9]["title"]
    assert film["storyline"] == movies[9]["storyline"]
    assert film["actors"] == movies[9]["actors"]


async def test_a_viewer_can_be_read(client: WireClient, ratings: list[Rating]) -> None:
    viewer = await read(client, "user://198")
    theirs = [rating for rating in ratings if rating.user == 198]
    assert (viewer["user_id"], viewer["n_items"]) == (198, len(theirs))
    assert len(viewer["newest"]) == 20
    assert viewer["newest"][0]["rating"] in {
        r.rating for r in theirs if r.timestamp == max(t.timestamp for t in theirs)
    }
    assert viewer["age_category"]


async def test_a_set_can_be_read_page_by_page(client: WireClient) -> None:
    found = (await client.call(FILTER, release_year={"gt": 1900}))["structuredContent"]
    whole = await read(client, f"itemset://{found['item_set']}")
    assert whole["count"] == found["count"] == len(whole["items"])
    rest = await read(client, f"itemset://{found['item_set']}?offset=1600")
    assert rest["items"] == whole["items"][1600:]
    assert "next" not in rest


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("item://5000", "film 5000 is not in ml-100k: IDs run from 1 to 1682"),
        ("user://0", "viewer 0 is not in ml-100k: IDs run from 1 to 943"),
        ("user://bob", "'bob' is not the ID of a viewer"),
        ("itemset://set_nothing", "set_nothing"),
        ("itemset://set_abcdef?offset=x", "there is no resource"),
        ("film://9", "There are: dataset://ml-100k"),
        ("item://", "there is no resource"),
        ("ui://recsys/nothing", "there is no resource"),
    ],
)
async def test_what_is_not_there_cannot_be_read(client: WireClient, uri: str, said: str) -> None:
    code = INVALID_PARAMS if client.generation == "2026-07-28" else RESOURCE_NOT_FOUND
    assert said in await refused(client, code, "resources/read", uri=uri)
    with pytest.raises(WireError) as refusal:
        await client.ask("resources/read", uri=uri)
    assert refusal.value.data == {"uri": uri}


async def test_string_ids_are_read_with_all_their_characters(shop_client: WireClient) -> None:
    templates = {
        template["uriTemplate"] for template in (await shop_client.ask("resources/templates/list"))["resourceTemplates"]
    }
    assert templates == {"item://{id}", "user://{id}", "itemset://{handle}"}
    some = (await shop_client.call(POPULAR, k=1))["structuredContent"]["items"][0]["item_id"]
    assert (await read(shop_client, f"item://{some}"))["item_id"] == some
    said = await refused(shop_client, RESOURCE_NOT_FOUND, "resources/read", uri="item://no%20such%2Fthing")
    assert "product 'no such/thing' is not in corner-shop" in said


async def test_pages_are_resources_that_tools_point_to(client: WireClient) -> None:
    tools = (await client.ask("tools/list"))["tools"]
    shown = {tool["name"]: tool["_meta"]["ui"]["resourceUri"] for tool in tools if "_meta" in tool}
    assert {RECOMMEND, HISTORY, POPULAR} <= set(shown)
    listed = {one["uri"] for one in (await client.ask("resources/list"))["resources"]}
    for uri in set(shown.values()):
        assert uri in listed
        (content,) = (await client.ask("resources/read", uri=uri))["contents"]
        assert content["mimeType"] == "text/html;profile=mcp-app"
        assert content["text"].lstrip().lower().startswith("<!doctype html>")


# Completion


async def test_names_are_completed(client: WireClient, movies: Movies) -> None:
    genres = await complete(client, "c", name="recommend_by_attributes", argument="genres")
    assert set(genres["values"]) == {"Comedy", "Crime", "Children's"}
    assert genres["total"] == 3
    assert not genres["hasMore"]
    actors = await complete(client, "cru", name="recommend_by_attributes", argument="actors")
    assert "Tom Cruise" in actors["values"]
    n_films = Counter(actor for film in movies.values() for actor in film.get("actors") or [])
    common = await complete(client, "", name="recommend_by_attributes", argument="actors")
    assert len(common["values"]) == 100
    assert common["hasMore"]
    assert common["total"] == len(n_films)
    assert [n_films[actor] for actor in common["values"]] == sorted(n_films.values(), reverse=True)[:100]
    countries = await complete(client, "united", name="recommend_by_attributes", argument="country")
    assert {"United States", "United Kingdom"} <= set(countries["values"])


async def test_titles_and_ids_are_completed(client: WireClient, movies: Movies) -> None:
    titles = await complete(client, "toy", name="similar_items", argument="item")
    assert titles["values"][0] == "Toy Story"
    assert titles["total"] == len({film["title"] for film in movies.values() if "toy" in film["title"].lower()})
    assert (await complete(client, "Toy Story", uri="item://{id}", argument="id"))["values"] == ["1"]
    beginning = {str(number) for number in range(1, 1683) if str(number).startswith("12")}
    assert set((await complete(client, "12", uri="item://{id}", argument="id"))["values"]) <= beginning
    users = await complete(client, "94", uri="user://{id}", argument="id")
    assert users["values"] == ["94", "940", "941", "942", "943"]
    assert (await complete(client, "94", name="recommend", argument="user"))["values"] == users["values"]


async def test_groups_months_and_fields_are_completed(client: WireClient) -> None:
    groups = await complete(client, "", name="recommend_popular", argument="user_group")
    assert groups["values"][:5] == ["kid", "teenager", "young_adult", "adult", "senior"]
    assert set(groups["values"][5:]) == {"female", "male"}
    assert (await complete(client, "dec", name="best_genre_for_month", argument="month"))["values"] == ["December"]
    assert "duration" in (await complete(client, "d", name="ideal_value", argument="field"))["values"]


async def test_free_text_has_no_completion_and_strange_characters_do_no_harm(client: WireClient) -> None:
    assert (await complete(client, "sa", name="recommend_for_mood", argument="mood"))["values"] == []
    assert (await complete(client, "set_", uri="itemset://{handle}", argument="handle"))["values"] == []
    for strange in ("%", "_", "\\", "'; drop table users; --", "\N{SNOWMAN}", "x" * 5000):
        assert (await complete(client, strange, uri="user://{id}", argument="id"))["total"] == 0
        await complete(client, strange, name="similar_items", argument="item")


async def test_completion_of_what_is_not_there_is_refused(client: WireClient) -> None:
    argument = {"name": "nothing", "value": ""}
    reference: dict[str, Any] = {"type": "ref/prompt", "name": "recommend"}
    said = await refused(client, INVALID_PARAMS, "completion/complete", ref=reference, argument=argument)
    assert "recommend has no argument 'nothing'" in said
    reference = {"type": "ref/resource", "uri": "film://{id}"}
    said = await refused(client, INVALID_PARAMS, "completion/complete", ref=reference, argument=argument)
    assert "There are: item://{id}" in said


# Questions


FORM = {"elicitation": {"form": {}}}

NEEDS_USER: list[tuple[str, dict[str, Any]]] = [
    (RECOMMEND, {"k": 3}),
    (HISTORY, {"k": 3}),
    (USER, {"get": ["age_category"]}),
]


@pytest.mark.parametrize("generation", ["2025-06-18", "2025-11-25"])
async def test_a_host_that_can_ask_is_asked_for_the_missing_user(films_settings: Settings, generation: Any) -> None:
    def answer(method: str, _: dict[str, Any]) -> dict[str, Any]:
        assert method == "elicitation/create"
        return {"action": "accept", "content": {"user": 98}}

    async with wire_client(films_settings, generation, {"elicitation": {}}, answer) as client:
        for tool, arguments in NEEDS_USER:
            asked = await client.call(tool, **arguments)
            assert not asked.get("isError"), asked
            assert asked["structuredContent"] == (await client.call(tool, user=98, **arguments))["structuredContent"]
        for whom in ({"liked_items": [1, 50]}, {"users": [1, 50]}):  # nobody is missing here
            assert not (await client.call(RECOMMEND, **whom)).get("isError")
    assert len(client.questions) == len(NEEDS_USER)
    question = client.questions[0]["params"]
    assert question["message"] == "For which viewer?"
    assert question["requestedSchema"]["required"] == ["user"]
    field = question["requestedSchema"]["properties"]["user"]
    assert field == {"type": "integer", "title": "Viewer ID", "description": "IDs run from 1 to 943."}


async def test_a_question_that_is_not_answered_ends_in_a_plain_error(films_settings: Settings) -> None:
    answers = [
        ({"action": "decline"}, "The question was not answered"),
        ({"action": "cancel"}, "The question was not answered"),
        ({"action": "accept", "content": {}}, "The question was not answered"),
        ({"action": "accept", "content": {"user": 5000}}, "viewer 5000 is not in ml-100k: IDs run from 1 to 943"),
    ]
    given = iter(answers)
    async with wire_client(films_settings, capabilities=FORM, answer=lambda *_: next(given)[0]) as client:
        for _, said in answers:
            refusal = await client.call(RECOMMEND)
            assert refusal["isError"]
            assert said in refusal["content"][0]["text"]
    assert len(client.questions) == len(answers)


async def test_a_host_that_cannot_ask_gets_the_plain_error(films_settings: Settings) -> None:
    for capabilities in ({}, {"elicitation": {"url": {}}}):
        async with wire_client(films_settings, capabilities=capabilities) as client:
            refusal = await client.call(RECOMMEND)
            assert refusal["isError"]
            assert "for which viewer?" in refusal["content"][0]["text"]
            assert client.questions == []


@pytest.mark.skipif("2026-07-28" not in GENERATIONS, reason="the SDK at hand does not speak it")
async def test_without_sessions_the_question_is_an_answer(films_settings: Settings) -> None:
    async with wire_client(films_settings, "2026-07-28", FORM) as client:
        asked = await client.call(RECOMMEND, k=3)
        assert asked["resultType"] == "input_required"
        (key,) = asked["inputRequests"]
        assert asked["inputRequests"][key]["params"]["message"] == "For which viewer?"
        call = {"name": RECOMMEND, "arguments": {"k": 3}}
        accepted = {key: {"action": "accept", "content": {"user": 98}}}
        answered = await client.ask("tools/call", **call, inputResponses=accepted)
        assert answered["resultType"] == "complete"
        direct = await client.call(RECOMMEND, user=98, k=3)
        assert answered["structuredContent"] == direct["structuredContent"]
        declined = await client.ask("tools/call", **call, inputResponses={key: {"action": "decline"}})
        assert declined["isError"]


# Progress, logs, giving up, pages of lists


async def test_the_first_call_says_what_it_waits_for(films_settings: Settings) -> None:
    for generation in GENERATIONS:
        async with wire_client(films_settings, generation) as client:
            await client.ask("tools/call", {"progressToken": "p1"}, name=HISTORY, arguments={"user": 4})
            told = [note["params"] for note in client.notifications if note["method"] == "notifications/progress"]
            assert told
            assert {note["progressToken"] for note in told} == {"p1"}
            assert told[0]["message"] == "opening ml-100k"
            before = len(client.notifications)
            await client.call(HISTORY, user=4)  # nobody asked to be told
            assert len(client.notifications) == before


async def test_while_a_dataset_is_prepared_calls_are_told_how_far_it_is(tmp_path: Path) -> None:
    pytest.importorskip("recbole", reason="preparing takes it")
    settings = Settings(dataset=str(SHOP / "dataset.yaml"), state=tmp_path)
    async with wire_client(settings) as client:
        assert (await complete(client, "", name="recommend", argument="user"))["values"] == []
        call = {"name": POPULAR, "arguments": {}}
        while (answer := await client.ask("tools/call", {"progressToken": 7}, **call)).get("isError"):
            assert "is being prepared" in answer["content"][0]["text"]
            client.notifications.clear()
        told = [note["params"] for note in client.notifications if note["method"] == "notifications/progress"]
    steps = [note["progress"] for note in told]
    assert steps == sorted(set(steps))
    assert {note["message"].partition(" (")[0] for note in told} <= {"preparing corner-shop", "opening corner-shop"}
    assert told


async def test_a_call_that_is_given_up_ends(films_settings: Settings) -> None:
    async with wire_client(films_settings) as client:
        call = {"name": SEARCH, "arguments": {"query": "a story " * 1000}}
        number = await client.begin("tools/call", {"progressToken": 1}, **call)
        await client.notified.wait()  # until it has begun: line 1.x overlooks who gives up earlier
        await client.tell("notifications/cancelled", requestId=number, reason="not needed")
        assert (await client.call(LIKE, items=[1]))["structuredContent"]["n_items"] == 1
        with pytest.raises((WireError, TimeoutError)):  # line 1.x answers with an error, line 2.x not at all
            async with asyncio.timeout(2):
                await client.result(number)


async def test_trouble_is_logged_to_clients_that_asked_for_it(films_settings: Settings, tmp_path: Path) -> None:
    damaged = Settings(dataset="ml-100k", state=tmp_path / "state")
    copy_without_model(films_settings.state_folder, damaged.state_folder)
    async with wire_client(damaged) as client:
        for level, n_logged in ((None, 0), ("critical", 0), ("warning", 1), ("debug", 1)):
            if level is not None:
                assert await client.ask("logging/setLevel", level=level) == {}
            client.notifications.clear()
            answer = await client.call(RECOMMEND, user=4)
            assert answer["isError"]
            logged = [note["params"] for note in client.notifications if note["method"] == "notifications/message"]
            assert len(logged) == n_logged
            for note in logged:
                assert (note["level"], note["logger"]) == ("warning", "recsys-mcp")
                assert note["data"] == answer["content"][0]["text"]


def copy_without_model(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("embedding*", "vectors-*"))
    for artifact in target.glob("parts/model-*/artifact.safetensors"):
        artifact.write_bytes(b"")


async def test_a_strange_cursor_is_refused(client: WireClient) -> None:
    for cursor in ("nonsense", base64.urlsafe_b64encode(b"100000").decode(), base64.urlsafe_b64encode(b"-5").decode()):
        for method in ("tools/list", "prompts/list", "resources/list", "resources/templates/list"):
            assert "cursor" in await refused(client, INVALID_PARAMS, method, cursor=cursor)


async def test_all_answers_have_what_the_newest_generation_asks_for(films_settings: Settings) -> None:
    if "2026-07-28" not in GENERATIONS:
        pytest.skip("the SDK at hand does not speak it")
    async with wire_client(films_settings, "2026-07-28") as client:
        asked: list[tuple[str, Mapping[str, Any]]] = [
            ("tools/list", {}),
            ("tools/call", {"name": ITEM, "arguments": {"items": [1], "get": ["title"]}}),
            ("prompts/get", {"name": "recommend", "arguments": {"user": "4"}}),
            ("resources/read", {"uri": "item://1"}),
        ]
        for method, params in asked:
            assert (await client.ask(method, **params))["resultType"] == "complete"
