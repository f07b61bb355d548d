"""The page in a browser: Chromium, the real page server, the real MCP server, and a model that follows a script.

They need the extra `web`, Playwright and Chromium, and RECSYS_TEST_STATE as the tests of the agent do.
"""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from mcp_server.settings import Settings
from tests.agent.scripted_models import ScriptedModel
from tests.agent_web.serving import PageServer
from tests.running_servers import http_server

if importlib.util.find_spec("chainlit") is None or importlib.util.find_spec("playwright") is None:
    collect_ignore_glob = ["test_*.py"]

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MODELS = ("first", "second")

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

BROWSER_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def model() -> Iterator[ScriptedModel]:
    scripted = ScriptedModel()
    yield scripted
    scripted.close()


@pytest.fixture(scope="session")
def films_url(films_settings: Settings) -> Iterator[str]:
    """recsys-mcp over HTTP."""
    with http_server(films_settings.state_folder) as server:
        yield f"{server.base}/mcp"


@pytest.fixture(scope="session")
def started_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the page is started."""
    return tmp_path_factory.mktemp("started-in")


@pytest.fixture(scope="session")
def server(
    model: ScriptedModel, films_url: str, started_in: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PageServer]:
    running = PageServer(MODELS, f"{model.url}/v1", films_url, tmp_path_factory.mktemp("state"), started_in)
    assert running.base, "\n".join(running.log)
    yield running
    running.close()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Ends with its module: while it is open, no other tests of this process can have an event loop."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # five seconds are little where much else runs
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_OPTIONS))
        yield launched
        launched.close()


@pytest.fixture(params=["desktop"])
def page(request: pytest.FixtureRequest, browser: "Browser", server: PageServer) -> "Iterator[Page]":
    """A page of a browser that has never been here. All that it loads comes from its server, and nothing fails in it.

    By indirect parameters, "phone" gives a narrow one.
    """
    context = browser.new_context(viewport=PHONE if request.param == "phone" else DESKTOP)
    opened = context.new_page()
    elsewhere: list[str] = []
    errors: list[str] = []
    context.on("request", lambda each: elsewhere.append(each.url) if not _is_own(each.url) else None)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.set_default_timeout(20_000)
    opened.goto(server.base)
    yield opened
    context.close()
    assert not elsewhere
    assert not errors


def _is_own(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob") or parts.hostname == "127.0.0.1"
