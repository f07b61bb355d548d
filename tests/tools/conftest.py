"""The tools over the canteen, and what recommendations of films are computed from by hand."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from rich.console import Console
from safetensors.numpy import load_file

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from tests.conftest import Rating, skip_without_recbole
from tests.tools.canteen import write_canteen
from tests.tools.films_by_hand import Arrays, Histories, Likes, Movies


@pytest.fixture(scope="session")
def canteen_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    skip_without_recbole()
    folder = tmp_path_factory.mktemp("canteen")
    settings = Settings(_env_file=None, dataset=str(write_canteen(folder / "dataset")), state=folder / "state")
    prepare_with_progress(settings, Console(stderr=True))
    return settings


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def canteen(canteen_settings: Settings) -> AsyncIterator[Service]:
    service = Service(canteen_settings, prepare_if_needed=False)
    yield service
    await service.close()


@pytest.fixture(scope="session")
def arrays(films_settings: Settings) -> Arrays:
    """The trained weights, rows and columns in the order of the IDs 1 to 1682."""
    state = StateFolder(films_settings.state_folder)
    found: Arrays = load_file(state.part(state.manifest().model) / "artifact.safetensors")
    return found


@pytest.fixture(scope="session")
def histories(ratings: list[Rating]) -> Histories:
    """The films that each user rated."""
    found: dict[int, list[int]] = {}
    for line in ratings:
        found.setdefault(line.user, []).append(line.item)
    return found


@pytest.fixture(scope="session")
def likes(films_settings: Settings, ratings: list[Rating]) -> Likes:
    """The films that each user likes, newest first, and how much each counts by its rating and its age."""
    state = StateFolder(films_settings.state_folder)
    counting = json.loads((state.part(state.manifest().model) / "artifact.json").read_text("utf-8"))["history"]
    found: dict[int, dict[int, float]] = {}
    in_order = sorted(enumerate(ratings), key=lambda line: (line[1].timestamp, line[0]), reverse=True)
    for _, line in in_order:
        if line.rating >= 4:
            of_user = found.setdefault(line.user, {})
            of_rating = 1 + counting["per_rating"] * (line.rating - counting["middle"])
            of_user[line.item] = of_rating * (1 + len(of_user)) ** -counting["recency"]
    return found


@pytest.fixture(scope="session")
def twins(movies: Movies) -> dict[int, set[int]]:
    """All IDs of each film: those with the same IMDb ID, or the same title and release date."""
    same: dict[int, set[int]] = {item: {item} for item in movies}
    seen: dict[object, int] = {}
    for item, movie in movies.items():
        keys: list[object] = [movie["imdb_id"]] if movie["imdb_id"] else []
        keys += [(movie["title"], movie["release_date"])] if movie["release_date"] else []
        for key in keys:
            other = seen.setdefault(key, item)
            union = same[item] | same[other]
            for member in union:
                same[member] = union
    return same
