"""The address of a language model: provider, name, endpoint and key, and the options of a client that asks it."""

import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from agent_client.errors import ModelError
from recsys_shared.proxies import ProxyError, check_proxies, client_options, through_proxy

ANSWER_SECONDS = 300
"""Time without a word after which a model is given up; a small computer reads the list of tools for minutes."""


class Provider(NamedTuple):
    """An API of language models, as far as it is known before its library is imported."""

    key: str
    """Environment variable of the key; empty if there is none."""
    url: str
    url_variable: str
    """Environment variable that names another endpoint."""
    library: str


_FILE = Path(__file__).with_name("providers.toml")
PROVIDERS = {name: Provider(**about) for name, about in tomllib.loads(_FILE.read_text("utf-8")).items()}


@dataclass(frozen=True)
class ModelAddress:
    """A language model's provider, name and endpoint, and how it is asked."""

    provider: str
    """One of PROVIDERS; openai for everything that speaks its chat completions."""
    name: str
    base_url: str | None = None
    key_variable: str | None = None
    """Environment variable of the key in place of the provider's; if empty, no key is sent."""
    timeout: float = ANSWER_SECONDS
    """Seconds without a word after which the model is given up."""
    temperature: float | None = None
    """None leaves it to the provider."""

    @classmethod
    def parse(cls, text: str, base_url: str | None = None) -> "ModelAddress":
        """The address in a text such as "ollama:qwen2.5:7b"; a ModelError for texts of another form."""
        provider, _, name = text.partition(":")
        if provider not in PROVIDERS or not name:
            raise ModelError(
                f"{text!r} is not a model: write openai:NAME or ollama:NAME, such as ollama:qwen2.5:7b, "
                "or anthropic:NAME, google:NAME, azure:DEPLOYMENT"
            )
        return cls(provider, name, base_url)

    @property
    def place(self) -> str:
        """The endpoint's URL; empty if none is known."""
        provider = PROVIDERS[self.provider]
        return self.base_url or os.environ.get(provider.url_variable) or provider.url

    @property
    def reached(self) -> str:
        """The endpoint, and the proxy on the way to it."""
        return f"{self.place}{through_proxy(self.place)}"

    @property
    def key_name(self) -> str:
        """The environment variable of the key; empty if no key is sent."""
        return PROVIDERS[self.provider].key if self.key_variable is None else self.key_variable

    @property
    def key(self) -> str | None:
        return os.environ.get(self.key_name) or None

    @property
    def advice(self) -> str:
        """The likely remedy if the endpoint turns out not to be one."""
        root, versions = re.subn(r"(?<=[^/])/(openai/)?v\d.*", "", self.place)
        if (self.provider == "openai") == bool(versions):
            return "check --base-url"
        return f"try --base-url {root.rstrip('/')}{'' if versions else '/v1'}"

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"

    def client_options(self) -> dict[str, Any]:
        """Options of the HTTPX client that asks this model.

        Raises:
            ModelError: The model cannot be asked: a package, its endpoint or a key is missing, or a proxy cannot be
                used.
        """
        provider = PROVIDERS[self.provider]
        if find_spec(provider.library) is None:
            raise ModelError(f"{self} needs one more package: pip install {provider.library.replace('_', '-')}")
        if not self.place:
            raise ModelError(f"{self} needs its endpoint: give --base-url, or set {provider.url_variable}")
        if self.provider != "ollama" and not re.match("https?://", self.place):
            raise ModelError(f"{self.place!r} is not the URL of a model: write http://HOST:PORT/v1")
        own = self.provider == "openai" and urlsplit(self.place).hostname != "api.openai.com"  # which may need no key
        if self.key_name and not self.key and (self.key_variable or not own):
            elsewhere = ", or name another endpoint with --base-url" if self.provider == "openai" else ""
            raise ModelError(f"{self} needs a key: set {self.key_name}{elsewhere}")
        try:
            if self.provider == "ollama":
                check_proxies()  # the library of Ollama makes a client of its own when it is imported
            return client_options(self.place)
        except ProxyError as error:
            raise ModelError(f"{self.place} cannot be asked: {error}") from error


def models_of(
    texts: Iterable[str],
    base_urls: Iterable[str] = (),
    key_variables: Iterable[str] = (),
    timeout: float = ANSWER_SECONDS,
    temperature: float | None = None,
) -> list[ModelAddress]:
    """The models that a person has named.

    Args:
        base_urls: Endpoints: a URL for all models, or MODEL=URL for one of them, which goes first.
        key_variables: Environment variables of keys, in the same forms.

    Raises:
        ModelError: A text has another form, or it is not clear which model it belongs to.
    """
    models = [ModelAddress.parse(text) for text in dict.fromkeys(texts)]
    urls, variables = _assigned("--base-url", base_urls, models), _assigned("--key-variable", key_variables, models)
    if not all(re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) for name in variables.values()):
        raise ModelError("--key-variable takes the name of an environment variable such as MY_API_KEY, never a key")
    found = []
    for model in models:
        # OpenAI's key is not for somebody else's endpoint beside it.
        usual = "" if model.provider == "openai" and model in urls else None
        url, variable = urls.get(model, urls.get(None)), variables.get(model, variables.get(None, usual))
        found.append(replace(model, base_url=url, key_variable=variable, timeout=timeout, temperature=temperature))
    return found


def _assigned(option: str, values: Iterable[str], models: Sequence[ModelAddress]) -> dict[ModelAddress | None, str]:
    """The values of single models, and under None the one for all others."""
    for_all: list[str] = []
    for_one: dict[ModelAddress | None, str] = {}
    for text in values:
        name, separator, value = text.partition("=")
        if not separator or "://" in name:
            for_all.append(text)
            continue
        named = [model for model in models if name in (str(model), model.name)]
        if len(named) != 1:
            raise ModelError(f"{option} {name}=... does not name one of the models: {', '.join(map(str, models))}")
        for_one[named[0]] = value
    if for_all and (len(for_all) > 1 or len({model.provider for model in models if model not in for_one}) > 1):
        raise ModelError(f"{option} does not say which model it is for: write {option} {models[0]}=...")
    return {**for_one, None: for_all[0]} if for_all else for_one
