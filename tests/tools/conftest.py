"""The tools over the canteen."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from tests.conftest import skip_without_recbole
from tests.tools.canteen import write_canteen


@pytest.fixture(scope="session")
def canteen_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    skip_without_recbole()
    folder = tmp_path_factory.mktemp("canteen")
    settings = Settings(_env_file=None, dataset=str(write_canteen(folder / "dataset")), state=folder / "state")
    prepare_with_progress(settings, Console(stderr=True))
    return settings


@pytest_asyncio.fixture
async def canteen(canteen_settings: Settings) -> AsyncIterator[Service]:
    service = Service(canteen_settings, prepare_if_needed=False)
    yield service
    await service.close()
