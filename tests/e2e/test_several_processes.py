"""Three server processes over one state, each over another transport: they answer alike, read each other's item sets,
and take over a new state without a restart.
"""

import asyncio
import contextlib
import csv
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.protocol.client import Session, http_session, stdio_session
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.conftest import SHOP
from tests.mariadb import Server
from tests.names import FILTER, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, USER
from tests.running_servers import PATIENCE_SECONDS, HttpServer, http_server
from tests.vectors.qdrant_over_http import QdrantOverHttp

Question = tuple[str, dict[str, Any]]
Answers = list[dict[str, Any]]

QUESTIONS: list[Question] = [
    (RECOMMEND, {"user": "anna", "k": 20, "reasons": True}),
    (RECOMMEND, {"liked_items": ["GAR-01", "GAR-04"], "k": 3}),
    (FILTER, {"materials": "wooden", "price": {"lt": 30}}),
    (FILTER, {"department": ["Gardn"]}),
    (SEARCH, {"query": "something to play with", "k": 5}),
    (SEARCH, {"similar_to": "TOY-02", "k": 3}),
    (LIKE, {"items": ["TOY-01", "KIT-01"]}),
    (POPULAR, {}),
    (POPULAR, {"user_group": ["gold"]}),
    (USER, {"user": "chloé", "get": ["city", "tier"]}),
    (ITEM, {"items": ["KIT-04", "TOY-02"], "get": ["materials", "price", "stock"]}),
    (HISTORY, {"user": "eve"}),
]

PRICES = [4.0, 5.0, 6.5, 12.0, 15.0, 18.0, 24.5, 29.0, 39.0, 45.0]
"""Prices of one product each, without the cheapest."""


@dataclass(frozen=True)
class Shop:
    """A corner shop of one's own, and where its state is.

    Args:
        variables: Further settings of all that use the state, as environment variables.
    """

    dataset: Path
    folder: Path
    variables: dict[str, str]

    @property
    def settings(self) -> Settings:
        values: dict[str, Any] = {name.removeprefix("RECSYS_").lower(): value for name, value in self.variables.items()}
        return Settings(dataset=str(self.dataset), state=self.folder, **values)

    def rename(self, product: str, title: str) -> str:
        """Give a product another title; gives the one before."""
        file = self.dataset / "products.csv"
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        (row,) = (row for row in rows if row[0] == product)
        former, row[1] = row[1], title
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(rows)
        return former

    def prepare(self) -> list[str]:
        """Gives the kinds of the parts that had to be made."""
        return prepare_with_progress(self.settings, Console(stderr=True)).made

    async def answers(self) -> Answers:
        """The answer of a service in this process."""
        service = Service(self.settings, prepare_if_needed=False)
        try:
            return [await service.call(tool, arguments) for tool, arguments in QUESTIONS]
        finally:
            await service.close()


def open_shop(
    folder: Path, shop_settings: Settings, variables: dict[str, str], *, searchable: bool = True, prepared: bool = True
) -> Shop:
    """A shop; its model is that of the corner shop, which has the same purchases.

    Args:
        searchable: Products are found by their names, too.
    """
    shutil.copytree(SHOP, folder / "dataset")
    if searchable:
        with (folder / "dataset" / "dataset.yaml").open("a", encoding="utf-8") as stream:
            stream.write("search: {texts: [name]}\n")
    for part in (shop_settings.state_folder / "parts").glob("model-*"):
        shutil.copytree(part, folder / "state" / "parts" / part.name)
    shop = Shop(folder / "dataset", folder / "state", variables)
    if prepared:
        shop.prepare()
    return shop


async def answer(session: Session, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await session.call(tool, arguments)
    assert not result["isError"], result
    content: dict[str, Any] = result["structuredContent"]
    return content


async def members(session: Session, handle: str) -> dict[str, Any]:
    """An item set, read as a resource."""
    (content,) = (await session.read(f"itemset://{handle}"))["contents"]
    found: dict[str, Any] = json.loads(content["text"])
    return found


@dataclass(frozen=True)
class Platform:
    """A shop, and two servers of it that are running."""

    shop: Shop
    over_sse: HttpServer
    over_http: HttpServer
    folder: Path
    """State folder of a third server."""

    @contextlib.asynccontextmanager
    async def sessions(self) -> AsyncIterator[list[Session]]:
        """Sessions with the two servers, and with a third over stdio."""
        with (self.folder / "log").open("a") as log:
            async with (
                http_session(f"{self.over_sse.base}/sse") as first,
                http_session(f"{self.over_http.base}/mcp") as second,
                stdio_session(["serve", "--state", str(self.folder)], self.shop.variables, log) as third,
            ):
                yield [first, second, third]


@contextlib.contextmanager
def platform_of(shop: Shop, *folders: Path) -> Iterator[Platform]:
    """A shop with two running servers.

    Args:
        folders: The state folder of each of the three servers, as on machines of their own; by default all share one.
    """
    one, two, three = folders or [shop.folder] * 3
    with (
        http_server(one, transport="sse", **shop.variables) as over_sse,
        http_server(two, transport="streamable-http", **shop.variables) as over_http,
    ):
        three.mkdir(exist_ok=True)
        yield Platform(shop, over_sse, over_http, three)


@pytest.fixture(scope="module", params=["in a folder", "on servers"])
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shop_settings: Settings
) -> Iterator[Platform]:
    """All state in one folder; or in a database and a Qdrant server, and three folders that are empty at first."""
    folder = tmp_path_factory.mktemp("shop")
    if request.param == "in a folder":
        with platform_of(open_shop(folder, shop_settings, {})) as platform:
            yield platform
        return
    database: Server = request.getfixturevalue("database_server")
    with contextlib.ExitStack() as stack:
        name = database.create_database()
        stack.callback(database.drop_database, name)
        qdrant = stack.enter_context(QdrantOverHttp())
        variables = {"RECSYS_DATABASE_URL": database.url(name), "RECSYS_QDRANT_URL": qdrant.url}
        shop = open_shop(folder, shop_settings, variables)
        yield stack.enter_context(platform_of(shop, *(folder / name for name in ("one", "two", "three"))))


async def test_three_servers_answer_alike_and_know_each_others_item_sets(platform: Platform, tmp_path: Path) -> None:
    """The three answer like a service in this process over files."""
    embedded = Shop(platform.shop.dataset, tmp_path / "state", {})
    shutil.copytree(platform.shop.folder / "parts", tmp_path / "state" / "parts")
    embedded.prepare()
    expected = await embedded.answers()
    async with platform.sessions() as sessions:
        for session in sessions:
            assert await ask_all(session) == expected
        await check_sets_of_each(sessions)
        await check_sets_made_at_once(sessions)


async def check_sets_of_each(sessions: list[Session]) -> None:
    """A set that one server has made is known to all."""
    expected = {
        "steel": {"GAR-01", "GAR-02", "KIT-02", "KIT-04"},
        "plastic": {"TOY-02", "KIT-02", "GAR-04"},
        "cotton": {"TOY-02", "TOY-03"},
    }
    for maker, (material, products) in zip(sessions, expected.items(), strict=True):
        handle = (await answer(maker, FILTER, {"materials": material}))["item_set"]
        for session in sessions:
            listed = await answer(session, ITEM, {"item_set": handle, "get": ["materials"]})
            assert {item["item_id"] for item in listed["items"]} == products
            assert all(material in item["materials"] for item in listed["items"])
            whole = await members(session, handle)
            assert (whole["item_set"], whole["count"], set(whole["items"])) == (handle, len(products), products)
    for session in sessions:
        with pytest.raises(Exception, match="set_aaaaaa"):
            await members(session, "set_aaaaaa")


async def check_sets_made_at_once(sessions: list[Session]) -> None:
    """All make the same sets at the same moment, and none can tell who was first."""

    async def make(session: Session) -> list[str]:
        found = await asyncio.gather(*(answer(session, FILTER, {"price": {"lte": price}}) for price in PRICES))
        return [each["item_set"] for each in found]

    handles, *others = await asyncio.gather(*map(make, sessions))
    assert others == [handles, handles]
    for session in sessions:
        sets = await asyncio.gather(*(members(session, handle) for handle in handles))
        assert [each["count"] for each in sets] == list(range(2, 2 + len(PRICES)))


async def test_new_states_are_taken_over_by_all_and_no_call_fails_meanwhile(platform: Platform) -> None:
    """Two, one after the other: with the second, the parts of the first go."""
    async with platform.sessions() as sessions:
        before = await ask_all(sessions[0])
        for title in ("Box kite", "Stunt kite"):
            former = platform.shop.rename("TOY-02", title)
            preparing = asyncio.create_task(asyncio.to_thread(platform.shop.prepare))
            asking = [asyncio.create_task(ask_until_all_is_new(session, before)) for session in sessions]
            assert await preparing == ["catalog", "vectors"]
            async with asyncio.timeout(PATIENCE_SECONDS):
                after, *others = await asyncio.gather(*asking)
            assert others == [after, after]
            renamed = json.loads(json.dumps(before).replace(json.dumps(former), json.dumps(title)))
            for (tool, _), found, expected in zip(QUESTIONS, after, renamed, strict=True):
                if tool == SEARCH:  # another text may be nearer, or farther
                    assert former not in {item["title"] for item in found["items"]}
                else:
                    assert found == expected
            before = after


async def ask_all(session: Session) -> Answers:
    return [await answer(session, tool, arguments) for tool, arguments in QUESTIONS]


async def ask_until_all_is_new(session: Session, before: Answers) -> Answers:
    """Ask everything again and again, until the answers are others than before; gives those.

    A round in which the state changes has old answers first, and then new ones.
    """
    while True:
        mixed = await ask_all(session)
        if mixed != before:
            break
        await asyncio.sleep(0.05)  # who prepares needs the machine too
    after = await ask_all(session)
    n_old = next(number for number, (now, old) in enumerate(zip(mixed, before, strict=True)) if now != old)
    assert mixed[n_old:] == after[n_old:]
    return after
