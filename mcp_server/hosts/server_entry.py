"""Our server as hosts know it: the command that starts it, or the address where it runs."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr

from mcp_server.errors import InvalidInputError
from mcp_server.settings import SOURCE_PREFIX, Settings

OVER_HTTP = frozenset(
    {"transport", "host", "port", "path_prefix", "stateless", "tokens", "tokens_file", "allow_anonymous"}
    | {"allowed_hosts", "allowed_origins", "max_body_kb", "shutdown_timeout"}
    | {"max_connections", "max_sessions", "max_sessions_each"}
)
"""Settings that only servers over HTTP use; hosts start none of these."""

AS_OPTIONS = ("dataset", "state", "data", "env_file")
"""Settings that are written as options, where people see them; the others become environment variables."""


@dataclass(frozen=True)
class LocalServer:
    """A server that the host starts and talks to over stdio.

    Args:
        secrets: Environment variables that the server needs, and that only the user should write into a file.
    """

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemoteServer:
    """A server that is already running."""

    url: str
    token: str | None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise InvalidInputError(f"{self.url!r} is not the URL of a server, such as http://127.0.0.1:8000/mcp")

    @property
    def over_sse(self) -> bool:
        return urlsplit(self.url).path.rstrip("/").endswith("/sse")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def local_server(settings: Settings, environment: Mapping[str, str], python: str = sys.executable) -> LocalServer:
    """The server with the settings of this process, wherever they come from, because hosts have another working
    directory and pass on little of the environment.

    Args:
        python: The interpreter of the environment that the program is installed in.
    """
    command, *args = _program(Path(python))
    args.append("serve")
    env = {}
    in_file = _variables_in(settings.env_file) - environment.keys()
    secrets = [variable for variable in settings.source_environment if variable not in in_file]
    if settings.state is None and environment.get(
        "XDG_DATA_HOME"
    ):  # it decides where the state is, and hosts may not pass it on
        args += ["--state", str(settings.state_folder)]
    for name in type(settings).model_fields:
        if name not in settings.model_fields_set or name in OVER_HTTP or name == "sources":
            continue
        value, variable = getattr(settings, name), f"RECSYS_{name.upper()}"
        if value is None or (variable in in_file and name not in AS_OPTIONS):
            continue
        if isinstance(value, SecretStr):
            secrets.append(variable)
        elif name in AS_OPTIONS:
            args += [f"--{name.replace('_', '-')}", _absolute(name, value)]
        else:
            env[variable] = _absolute(name, value)
    return LocalServer(command, tuple(args), env, tuple(secrets))


def _variables_in(env_file: Path | None) -> set[str]:
    """Names of the variables that a file of settings has."""
    return set() if env_file is None else {name.upper() for name in dotenv_values(env_file.expanduser())}


def is_secret(variable: str) -> bool:
    """True for an environment variable of this program that holds a secret."""
    fields = Settings.model_fields.items()
    secrets = [f"RECSYS_{name.upper()}" for name, field in fields if SecretStr in _types(field.annotation)]
    return variable in secrets or variable.startswith(SOURCE_PREFIX)


def _types(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)


def _program(python: Path) -> list[str]:
    """The console script beside the interpreter, or the interpreter with our module where there is none."""
    script = python.with_name("recsys-mcp.exe" if python.suffix == ".exe" else "recsys-mcp")
    return [str(script.absolute())] if script.is_file() else [str(python.absolute()), "-P", "-m", "mcp_server"]


def _absolute(name: str, value: Any) -> str:
    """A setting as a text, with absolute paths."""
    if isinstance(value, list):  # of folders
        return os.pathsep.join(_absolute(name, each) for each in value)
    if isinstance(value, Path) or (name == "dataset" and Path(value).expanduser().exists()):
        return str(Path(value).expanduser().absolute())
    return str(value)
