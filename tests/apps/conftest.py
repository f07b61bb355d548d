"""The pages in Chromium, in the official host for MCP Apps, over the real server.

They need Playwright, Chromium, and the packages of tests/clients/package.json.
"""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mcp_server.settings import Settings
from tests.apps.hosted import CallTool, Host, Hosted, Server, make_host_script, open_host, running_server
from tests.clients.npm import skip_without_node


@pytest.fixture(scope="session")
def host_script(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The host, as one script."""
    skip_without_node()
    return make_host_script(tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="session")
def films_server(films_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(films_settings, tmp_path_factory.mktemp("films-server") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def films_call(films_server: Server) -> CallTool:
    """Calls a tool as the host of a page does."""
    return films_server.call


@pytest.fixture(scope="session")
def shop_server(shop_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(shop_settings, tmp_path_factory.mktemp("shop-server") / "log") as server:
        yield server


@pytest.fixture(scope="module")
def host(host_script: str) -> Iterator[Host]:
    """Ends with its module, so that others can have event loops. Datasets must be prepared before, so a module is
    about films or about the shop.
    """
    if importlib.util.find_spec("playwright") is None or shutil.which("chromium") is None:
        pytest.skip("there is no Playwright, or no Chromium")
    with open_host(host_script) as opened:
        yield opened


Open = Callable[..., Hosted]
"""Opens a page by its name; takes what Hosted takes besides."""


def _opener(host: Host, server: Server) -> Iterator[Open]:
    """Pages fetch nothing, and the browser has nothing to complain of."""
    host.elsewhere.clear()
    host.complaints.clear()

    def open_page(name: str, **options: Any) -> Hosted:
        document = options.pop("document", None) or server.page(name)
        return Hosted(host, document, options.pop("call", server.call), **options)

    yield open_page
    assert not host.elsewhere
    assert not host.complaints


@pytest.fixture
def films_page(host_script: str, films_server: Server, host: Host) -> Iterator[Open]:
    """Opens pages of MovieLens. The script comes first: where it cannot be made, no server need be started."""
    yield from _opener(host, films_server)


@pytest.fixture
def shop_page(host_script: str, shop_server: Server, host: Host) -> Iterator[Open]:
    """Opens pages of the shop."""
    yield from _opener(host, shop_server)
