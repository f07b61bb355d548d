"""Fixtures: really prepared datasets, and the raw data for answers computed another way."""

import csv
import importlib.util
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from pydantic import SecretStr
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.dataset.spec import bundled_folder
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from mcp_server.vectors.embedder import Embedder

if TYPE_CHECKING:
    from tests.mariadb import Server

pytest_plugins = ["tests.mariadb", "tests.postgresql"]

TESTS = Path(__file__).parent

SHOP = TESTS / "shop"

SLOWEST_FIRST = (
    "preparation",
    "clients",
    "e2e",
    "attacks",
    "serving",
    "protocol",
    "agent_web",
    "agent",
    "generations",
    "hosts",
)
"""Folders whose tests start many processes. Where several processes share the tests, a file goes to one of them, and
none should be left with a long one at the end.
"""

SHARED_SERVICES = frozenset({"films", "shop", "canteen"})
"""Fixtures that a session sets up once. Tests that use them run in the event loop in which these were opened."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a shell's background job
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def order(item: pytest.Item) -> int:
        folder = item.path.relative_to(TESTS).parts[0]
        return SLOWEST_FIRST.index(folder) if folder in SLOWEST_FIRST else len(SLOWEST_FIRST)

    items.sort(key=order)
    for item in items:
        if pytest_asyncio.is_async_test(item) and SHARED_SERVICES.intersection(item.fixturenames):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@dataclass(frozen=True)
class Rating:
    """A line of MovieLens-100k's ratings."""

    user: int
    item: int
    rating: float
    timestamp: int


def _shared_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder of this run of the tests. Where several processes run them, the first to come prepares for all."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name


@pytest.fixture(scope="session")
def films_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """MovieLens-100k, prepared once a session; RECSYS_TEST_STATE names a folder to keep it in between sessions."""
    kept = os.environ.get("RECSYS_TEST_STATE")
    folder = Path(kept) if kept else _shared_folder(tmp_path_factory, "films")
    settings = Settings(dataset="ml-100k", state=folder)
    if kept and importlib.util.find_spec("recbole") is None:  # the agent's environment, where nothing can be prepared
        StateFolder(settings.state_folder).manifest()
    else:
        prepare_with_progress(settings, Console(stderr=True))
    return settings


def skip_without_recbole() -> None:
    """The agent's environment has none: nothing can be prepared there, nor compared with RecBole's copy of the data."""
    if importlib.util.find_spec("recbole") is None:
        pytest.skip("RecBole is not installed in this environment")


@pytest.fixture(scope="session")
def shop_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The corner shop, prepared once a session."""
    skip_without_recbole()
    settings = Settings(dataset=str(SHOP), state=_shared_folder(tmp_path_factory, "shop-state"))
    prepare_with_progress(settings, Console(stderr=True))
    return settings


def _on_server(settings: Settings, server: "Server") -> Iterator[Settings]:
    """The same state again, in a database of its own; its model and texts need not be trained and embedded anew."""
    skip_without_recbole()
    database = server.create_database()
    changes = {"database_url": SecretStr(server.url(database))}
    on_server = Settings(**{**settings.model_dump(exclude_unset=True), **changes})
    prepare_with_progress(on_server, Console(stderr=True))
    yield on_server
    server.drop_database(database)


@pytest.fixture(scope="session")
def films_on_server(films_settings: Settings, database_server: "Server") -> Iterator[Settings]:
    """MovieLens-100k in MariaDB or MySQL."""
    yield from _on_server(films_settings, database_server)


@pytest.fixture(scope="session")
def shop_on_server(shop_settings: Settings, database_server: "Server") -> Iterator[Settings]:
    """The corner shop in MariaDB or MySQL."""
    yield from _on_server(shop_settings, database_server)


@pytest.fixture(scope="session", params=["sqlite", "server"])
def database(request: pytest.FixtureRequest) -> str:
    """Every test over the tools runs on both kinds of database."""
    return str(request.param)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def films(database: str, request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    """The tools over MovieLens-100k, without a protocol. Calls of tools change nothing, so tests share them."""
    settings = request.getfixturevalue({"sqlite": "films_settings", "server": "films_on_server"}[database])
    service = Service(settings, prepare_if_needed=False)
    yield service
    await service.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(database: str, request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    """The tools over the corner shop, without a protocol. Calls of tools change nothing, so tests share them."""
    settings = request.getfixturevalue({"sqlite": "shop_settings", "server": "shop_on_server"}[database])
    service = Service(settings, prepare_if_needed=False)
    yield service
    await service.close()


def movielens_folder() -> Path:
    """The copy of MovieLens-100k that RecBole ships."""
    skip_without_recbole()
    spec = importlib.util.find_spec("recbole")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "dataset_example" / "ml-100k"


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        lines = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(lines)
        yield from lines


@pytest.fixture(scope="session")
def ratings() -> list[Rating]:
    """All ratings, read without this project's readers."""
    rows = _rows(movielens_folder() / "ml-100k.inter")
    return [Rating(int(user), int(item), float(rating), int(time)) for user, item, rating, time in rows]


@pytest.fixture(scope="session")
def movies() -> dict[int, dict[str, Any]]:
    """The film metadata by ID, with "genres" from MovieLens; read without this project's readers."""
    lines = (bundled_folder() / "ml-100k" / "movies.jsonl").read_text(encoding="utf-8").splitlines()
    found: dict[int, dict[str, Any]] = {(movie := json.loads(line))["item_id"]: movie for line in lines}
    for item, _, _, genres in _rows(movielens_folder() / "ml-100k.item"):
        found[int(item)]["genres"] = [genre for genre in genres.split(" ") if genre != "unknown"]
    return found


@pytest.fixture(scope="session")
def viewers() -> dict[int, dict[str, Any]]:
    """Age, gender (M or F) and occupation by user ID."""
    rows = _rows(movielens_folder() / "ml-100k.user")
    return {int(user): {"age": int(age), "gender": sex, "occupation": job} for user, age, sex, job, _ in rows}


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are really embedded, in the order of embedding."""
    texts: list[str] = []
    embed = Embedder.embed

    def note_and_embed(self: Embedder, given: Sequence[str], *rest: Any) -> Any:
        texts.extend(given)
        return embed(self, given, *rest)

    monkeypatch.setattr(Embedder, "embed", note_and_embed)
    return texts
