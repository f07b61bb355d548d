"""The examples as they are: through real servers, against the raw data; and the page of documentation about them."""

import csv
import inspect
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mcp_server import tool_api
from mcp_server.catalog.catalog import Catalog
from mcp_server.catalog.item_sets import ItemSets
from mcp_server.catalog.statistics import Statistics
from mcp_server.catalog.user_histories import UserHistories
from mcp_server.protocol.client import Session, stdio_session
from mcp_server.recommender.ranker import Ranker
from mcp_server.serving.backends import Backends
from mcp_server.settings import Settings
from mcp_server.vectors.search import TextSearch
from tests.conftest import SHOP, Rating
from tests.names import FILTER, RECOMMEND, SEARCH

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "your-own-tools.md"

GEMS = "hidden_gems_tool"
OVERLAP = "audience_overlap_tool"

Movies = dict[int, dict[str, Any]]


@asynccontextmanager
async def serving(settings: Settings, log: Path, **variables: str) -> AsyncIterator[Session]:
    with log.open("w+") as stream:
        command = ["serve", "--state", str(settings.state_folder), "--dataset", settings.dataset]
        async with stdio_session(command, variables, stream) as session:
            yield session


async def answer(session: Session, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await session.call(tool, arguments)
    assert not result["isError"], result
    content: dict[str, Any] = result["structuredContent"]
    return content


@pytest.mark.parametrize(("user", "about"), [(4, None), (98, None), (405, None), (4, "a bank robbery"), (98, "ghosts")])
async def test_hidden_gems_fit_the_user_and_are_little_known_and_liked(
    films_settings: Settings, ratings: list[Rating], movies: Movies, tmp_path: Path, user: int, about: str | None
) -> None:
    known, liked = Counter(r.item for r in ratings), Counter(r.item for r in ratings if r.rating >= 4)
    share = {item: 100 * liked[item] / known[item] for item in known}
    little_known = [item for item in movies if 5 <= known[item] <= 40]
    async with serving(films_settings, tmp_path / "log", RECSYS_TOOLS_PATH=str(EXAMPLES / "tools")) as session:
        if about is not None:
            found = await answer(session, SEARCH, query=about, items=little_known, k=100)
            little_known = [item["item_id"] for item in found["items"]]
        ranked = await answer(session, RECOMMEND, user=user, items=little_known, k=100)
        given = {"user": user, "k": 4, "known_by": 40, "liked_by": 65, **({"about": about} if about else {})}
        result = await answer(session, GEMS, **given)
    best = [item["item_id"] for item in ranked["items"] if share[item["item_id"]] >= 65][:4]
    assert len(best) == 4
    assert result["items"] == [
        {
            "item_id": item,
            "title": movies[item]["title"],
            "n_interactions": known[item],
            "liked_by": round(share[item], 1),
        }
        for item in best
    ]
    assert result["message"] == f"4 hidden gems for viewer {user}, best first."


async def test_hidden_gems_say_what_cannot_be_done(films_settings: Settings, tmp_path: Path) -> None:
    async with serving(films_settings, tmp_path / "log", RECSYS_TOOLS_PATH=str(EXAMPLES / "tools")) as session:
        (tool,) = [tool for tool in await session.list_tools() if tool["name"] == GEMS]
        unknown = await session.call(GEMS, {"user": 944})
        too_few = await session.call(GEMS, {"user": 4, "known_by": 1})
        none = await answer(session, GEMS, user=4, known_by=10, liked_by=100, k=100)
    assert tool["inputSchema"]["required"] == ["user"]
    assert "{" not in tool["description"]
    assert "viewer 944 is not in ml-100k: IDs run from 1 to 943" in unknown["content"][0]["text"]
    assert "known_by: at least" in too_few["content"][0]["text"]
    assert "No more of the films meet this" in none["message"]


async def test_a_shop_without_ratings_has_no_hidden_gems(shop_settings: Settings, tmp_path: Path) -> None:
    async with serving(shop_settings, tmp_path / "log", RECSYS_TOOLS_PATH=str(EXAMPLES / "tools")) as session:
        assert GEMS not in {tool["name"] for tool in await session.list_tools()}
    assert "hidden_gems" not in (tmp_path / "log").read_text()


@pytest.fixture
def installed(tmp_path: Path) -> str:
    """A folder in which the example of a package is installed, as an installer leaves it."""
    site, source = tmp_path / "site", EXAMPLES / "package"
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shutil.copytree(source / "audience_overlap", site / "audience_overlap")
    metadata = site / f"audience_overlap-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
    )
    ((group, named),) = project["entry-points"].items()
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in named.items()), ""]
    (metadata / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return str(site)


def users_of(lines: Iterable[tuple[Any, Any]], items: Iterable[Any]) -> set[Any]:
    wanted = set(items)
    return {user for user, item in lines if item in wanted}


async def test_an_installed_package_compares_audiences_of_films(
    films_settings: Settings, ratings: list[Rating], movies: Movies, installed: str, tmp_path: Path
) -> None:
    likes = [(line.user, line.item) for line in ratings if line.rating >= 4]
    westerns = [item for item, movie in movies.items() if "Western" in movie["genres"]]
    noirs = [item for item, movie in movies.items() if "Film-Noir" in movie["genres"]]
    first, second = users_of(likes, westerns), users_of(likes, noirs)
    async with serving(films_settings, tmp_path / "log", PYTHONPATH=installed) as session:
        found = await answer(session, FILTER, genres="Western")
        result = await answer(session, OVERLAP, item_set=found["item_set"], other_items=noirs)
        one_sided = await session.call(OVERLAP, {"items": [1]})
    numbers = {"n_first": len(first), "n_second": len(second), "n_both": len(first & second)}
    assert {name: result[name] for name in numbers} == numbers
    assert f"{len(first & second)} viewers like some of both" in result["message"]
    assert "two lists of films are needed" in one_sided["content"][0]["text"]


async def test_an_installed_package_compares_audiences_of_products(
    shop_settings: Settings, installed: str, tmp_path: Path
) -> None:
    with (SHOP / "purchases.csv").open(encoding="utf-8", newline="") as file:
        purchases = [(line["customer"], line["sku"]) for line in csv.DictReader(file)]
    toys, kitchen = (sorted({sku for _, sku in purchases if sku.startswith(kind)}) for kind in ("TOY", "KIT"))
    first, second = users_of(purchases, toys), users_of(purchases, kitchen)
    async with serving(shop_settings, tmp_path / "log", PYTHONPATH=installed) as session:
        result = await answer(session, OVERLAP, items=toys, other_items=kitchen)
    assert (result["n_first"], result["n_second"]) == (len(first), len(second))
    assert result["n_both"] == len(first & second) > 0


async def test_a_package_that_is_broken_is_named(shop_settings: Settings, installed: str, tmp_path: Path) -> None:
    (Path(installed) / "audience_overlap" / "__init__.py").write_text("\nimport no_such_module\n")
    async with serving(shop_settings, tmp_path / "log", PYTHONPATH=installed) as session:
        assert OVERLAP not in {tool["name"] for tool in await session.list_tools()}
    log = (tmp_path / "log").read_text()
    assert "entry point audience_overlap of audience-overlap (audience_overlap): ModuleNotFoundError" in log
    assert f"({Path(installed) / 'audience_overlap' / '__init__.py'}, line 2)" in log


# The page


def test_the_page_shows_the_example_as_it_is() -> None:
    page, example = PAGE.read_text(encoding="utf-8"), EXAMPLES / "tools" / "hidden_gems.py"
    assert f"```python\n{example.read_text(encoding='utf-8')}```" in page
    assert f"```toml\n{(EXAMPLES / 'package' / 'pyproject.toml').read_text(encoding='utf-8')}```" in page


def test_the_page_names_methods_and_arguments_that_there_are() -> None:
    classes = {
        "backends": Backends,
        "catalog": Catalog,
        "catalog.histories": UserHistories,
        "catalog.statistics": Statistics,
        "ranker": Ranker,
        "search": TextSearch,
        "item_sets": ItemSets,
    }
    named = re.findall(r"^\| `(await )?([a-z_.]+)\.(\w+)\((.*?)\)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {owner for _, owner, _, _ in named} == classes.keys()
    assert len(named) > 15
    for awaited, owner, method, arguments in named:
        function = getattr(classes[owner], method)
        parameters = [name for name in inspect.signature(function).parameters if name != "self"]
        assert [part.strip() for part in arguments.split(",") if part.strip(" *")] == parameters
        assert inspect.iscoroutinefunction(function) == bool(awaited)


def test_the_page_explains_all_that_a_tool_imports() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in tool_api.__all__ if f"`{name}" not in page] == []
