"""A proxy in the environment: addresses of this machine do not go through it, and errors name it where others do."""

import importlib.util
import os
from collections.abc import Iterator

import pytest

from mcp_server.errors import BackendError, RecsysError
from mcp_server.protocol.client import http_session
from mcp_server.settings import Settings
from mcp_server.vectors.qdrant_server import QdrantServer
from tests.names import RECOMMEND
from tests.proxies import VARIABLES, Recorder, recorder
from tests.running_servers import HttpServer, http_server

ELSEWHERE = "http://recs.example.test/mcp"

UNUSED_PORT = 9


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Variables that send all requests to a proxy, as far as the environment decides."""
    for name in [name for name in os.environ if name.upper() in VARIABLES]:
        monkeypatch.delenv(name)
    with recorder() as listening:
        for name, value in listening.environment(user="someone:secret@").items():
            monkeypatch.setenv(name, value)
        yield listening


@pytest.fixture(scope="module")
def server(films_settings: Settings) -> Iterator[HttpServer]:
    with http_server(films_settings.state_folder) as running:
        yield running


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("path", ["mcp", "sse"])
async def test_a_server_of_this_machine_is_reached_directly(
    server: HttpServer, proxy: Recorder, host: str, path: str
) -> None:
    async with http_session(f"{server.base.replace('127.0.0.1', host)}/{path}") as session:
        assert RECOMMEND in {tool["name"] for tool in await session.list_tools()}
    assert proxy.asked == []


async def test_a_server_of_this_machine_is_reached_although_a_proxy_cannot_be_used(
    server: HttpServer, proxy: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"socks5://{proxy.address}")
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://")
    async with http_session(f"{server.base}/mcp") as session:
        assert await session.list_tools()


async def why_not(url: str) -> str:
    with pytest.raises(RecsysError) as refused:
        async with http_session(url):
            pass
    return str(refused.value)


@pytest.mark.parametrize("url", [ELSEWHERE, "https://recs.example.test/sse"])
async def test_an_error_names_the_proxy_and_not_its_password(proxy: Recorder, url: str) -> None:
    said = await why_not(url)
    variable = "HTTPS_PROXY" if url.startswith("https") else "HTTP_PROXY"
    assert f"{url} through the proxy http://{proxy.address} ({variable})" in said
    assert "secret" not in said
    assert "\n" not in said
    assert len(proxy.asked) >= 1


async def test_no_proxy_is_respected(proxy: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "recs.example.test")
    assert "proxy" not in await why_not(ELSEWHERE)
    assert proxy.asked == []


async def test_a_socks_proxy_without_its_package_is_said_in_one_line(
    proxy: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("socksio") is not None:
        pytest.skip("the package is installed here")
    monkeypatch.setenv("HTTP_PROXY", f"socks5://someone:secret@{proxy.address}")
    assert await why_not(ELSEWHERE) == (
        f"{ELSEWHERE} cannot be asked: HTTP_PROXY names a SOCKS proxy (socks5://{proxy.address}), which needs one "
        "more package: pip install socksio, or unset HTTP_PROXY"
    )


def test_qdrant_on_this_machine_is_reached_directly(proxy: Recorder) -> None:
    server = QdrantServer(f"http://127.0.0.1:{UNUSED_PORT}")
    with pytest.raises(BackendError, match="cannot be reached") as refused, server.answering():
        server.client().get_collections()
    assert "proxy" not in str(refused.value)
    assert proxy.asked == []


def test_an_error_of_qdrant_elsewhere_names_the_proxy(proxy: Recorder) -> None:
    server = QdrantServer("http://qdrant.example.test")
    with pytest.raises(BackendError) as refused, server.answering():
        server.client().get_collections()
    said = str(refused.value)
    assert said.startswith(
        f"Qdrant at http://qdrant.example.test:6333 through the proxy http://{proxy.address} (HTTP_PROXY)"
    )
    assert "secret" not in said
    assert proxy.asked
