"""A running server for third-party clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_server.settings import Settings
from tests.clients.npm import skip_without_node
from tests.running_servers import HttpServer, http_server


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder for programs that store settings."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(films_settings: Settings) -> Iterator[HttpServer]:
    """Both HTTP transports; the tests that use it are skipped where there is no node to run its clients."""
    skip_without_node()
    with http_server(films_settings.state_folder) as running:
        yield running
