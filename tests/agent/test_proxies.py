"""A proxy in the environment: what is on this machine is reached directly, and errors name the proxy of the rest."""

import importlib.util
from collections.abc import Iterator

import pytest

from tests.agent.commands import QUESTION, RECOMMENDING, run
from tests.agent.conftest import PROVIDERS, TOKEN, address_of
from tests.agent.scripted_models import ScriptedModel
from tests.proxies import Recorder, recorder, without_proxies
from tests.running_servers import HttpServer


@pytest.fixture
def proxy() -> Iterator[Recorder]:
    with recorder() as listening:
        yield listening


def asked(words: list[str], environment: dict[str, str], proxies: dict[str, str]) -> tuple[int, str]:
    """The exit code of a question, and what was said on stderr."""
    ended = run(["ask", QUESTION, *words], without_proxies(environment) | proxies)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_model_and_a_server_of_this_machine_are_reached_directly(
    provider: str,
    model: ScriptedModel,
    running_server: HttpServer,
    environment: dict[str, str],
    proxy: Recorder,
) -> None:
    model.play(*RECOMMENDING)
    path = "mcp" if provider == "openai" else "sse"
    words = ["--model", f"{provider}:scripted", "--base-url", address_of(provider, model).place]
    words += ["--server", f"{running_server.base}/{path}", "--token", TOKEN]
    code, said = asked(words, environment, proxy.environment())
    assert code == 0, said
    assert proxy.asked == []


@pytest.mark.parametrize(
    "words",
    [
        ["--model", "ollama:x", "--server", "http://recs.example.test/mcp"],
        ["--model", "ollama:x", "--server", "http://recs.example.test/sse"],
    ],
)
def test_an_error_of_a_server_names_the_proxy(words: list[str], environment: dict[str, str], proxy: Recorder) -> None:
    code, said = asked(words, environment, proxy.environment(user="someone:secret@"))
    assert code == 2
    assert f"the server at {words[-1]} through the proxy http://{proxy.address} (HTTP_PROXY) cannot be used" in said
    assert "secret" not in said
    assert len(said.splitlines()) == 1
    assert proxy.asked


@pytest.mark.parametrize("model", ["ollama:x", "openai:x"])
def test_an_error_of_a_model_names_the_proxy(
    model: str, running_server: HttpServer, environment: dict[str, str], proxy: Recorder
) -> None:
    url = "http://models.example.test/v1"
    words = ["--model", model, "--base-url", url, "--server", f"{running_server.base}/mcp", "--token", TOKEN]
    code, said = asked(words, environment, proxy.environment(user="someone:secret@"))
    assert code == 2
    assert f"{url} through the proxy http://{proxy.address} (HTTP_PROXY) cannot be reached" in said
    assert "secret" not in said
    assert len(said.splitlines()) == 1
    assert proxy.asked


@pytest.mark.parametrize(
    ("proxies", "said"),
    [
        ({"HTTP_PROXY": "socks5://u:secret@proxy.test:1080"}, "pip install socksio, or unset HTTP_PROXY"),
        ({"HTTP_PROXY": "nonsense://u:secret@x"}, "HTTP_PROXY does not name a usable proxy"),
    ],
)
@pytest.mark.parametrize(
    "words",
    [
        ["--model", "openai:x", "--base-url", "http://models.example.test"],
        ["--model", "ollama:x"],
        ["--model", "ollama:x", "--server", "http://recs.example.test/mcp"],
    ],
)
def test_a_proxy_that_cannot_be_used_is_said_before_anything_is_imported(
    words: list[str], proxies: dict[str, str], said: str, environment: dict[str, str]
) -> None:
    if "socksio" in said and importlib.util.find_spec("socksio") is not None:
        pytest.skip("the package is installed here")
    code, told = asked(words, environment, proxies)
    assert code == 2
    assert said in told
    assert "secret" not in told
    assert len(told.splitlines()) == 1
