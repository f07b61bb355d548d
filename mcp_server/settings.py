"""Settings of the program: environment variables ``RECSYS_*``, a file of such variables, or files named ``recsys_*`` in
a folder of secrets, as Docker and Kubernetes mount them.

The person who starts the program is trusted, and so is a file that they name with ``--env-file``. A ``.env`` file that
merely lies in the working directory is not: hosts start servers in whatever folder their users have opened.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import BeforeValidator, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from mcp_server.dataset.sources import SOURCE_NAME
from mcp_server.dataset.spec import bundled_spec_file
from mcp_server.errors import InvalidInputError, quoted

SECRETS_FOLDER = "/run/secrets"
"""Folder of secrets, unless RECSYS_SECRETS_DIR names another."""

ENV_FILE_VARIABLE = "RECSYS_ENV_FILE"

FOUND_ENV_FILE = ".env"
"""File that is read from the working directory if no other file is named."""

HARMLESS = frozenset(
    {"transport", "port", "path_prefix", "stateless", "item_set_days", "database_pool_size", "log_level", "log_format"}
    | {"max_body_kb", "max_connections", "max_sessions", "max_sessions_each"}
    | {"max_calls", "call_timeout", "shutdown_timeout", "tools"}
)
"""Settings that a merely found ``.env`` file may have. All others decide which code runs, which files are read or
written, which servers are asked, or who may ask this one.
"""

SOURCE_PREFIX = "RECSYS_SOURCE_"
"""Beginning of the variables that give the URLs of databases, each by the name that datasets have for it."""

Transport = Literal["stdio", "sse", "streamable-http", "http"]


def _split(value: Any) -> Any:
    """The parts of a list, which the environment separates by commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _split_paths(value: Any) -> Any:
    """The parts of a list of paths, which are separated as in PATH."""
    return [part for part in value.split(os.pathsep) if part.strip()] if isinstance(value, str) else value


def _named_sources(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(f"each database has a variable of its own: {SOURCE_PREFIX}NAME=URL")
    return value


def source_variable(name: str) -> str:
    """The environment variable for the URL of a database."""
    return SOURCE_PREFIX + name.upper()


def check_source_name(name: str, place: str) -> None:
    """Check the name of a database.

    Args:
        place: Where the name is given, for the message.

    Raises:
        InvalidInputError: No dataset can have this name for a database.
    """
    if not SOURCE_NAME.fullmatch(name):
        raise InvalidInputError(
            f"{place}: {quoted(name)} cannot be the name of a database: up to 40 lower-case letters, digits and _ were "
            "expected, a letter first"
        )


Names = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Paths = Annotated[list[Path], NoDecode, BeforeValidator(_split_paths)]
Sources = Annotated[dict[str, SecretStr], NoDecode, BeforeValidator(_named_sources)]


def secrets_folder() -> Path:
    """The folder in which an orchestrator mounts files of secrets."""
    return Path(os.environ.get("RECSYS_SECRETS_DIR", SECRETS_FOLDER))


def _source_secrets() -> dict[str, str]:
    """The contents of those files of the folder of secrets that are URLs of databases."""
    folder = secrets_folder()
    files = folder.iterdir() if folder.is_dir() else ()
    return {
        file.name: file.read_text(encoding="utf-8").strip()
        for file in files
        if file.name.upper().startswith(SOURCE_PREFIX) and file.is_file()
    }


class _SourceVariables(PydanticBaseSettingsSource):
    """The setting ``sources`` from variables of the form RECSYS_SOURCE_NAME; those that are empty count as not set."""

    def __init__(self, settings_cls: type[BaseSettings], variables: Mapping[str, str | None]) -> None:
        super().__init__(settings_cls)
        self._variables = variables

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        found = {}
        for variable, url in self._variables.items():
            if url and variable.upper().startswith(SOURCE_PREFIX):
                name = variable[len(SOURCE_PREFIX) :].lower()
                check_source_name(name, variable.upper())
                found[name] = url
        return found or None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found, *_ = self.get_field_value(self.settings_cls.model_fields["sources"], "sources")
        return {} if found is None else {"sources": found}


class Settings(BaseSettings):
    """The settings of a process; each field can be set as RECSYS_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="RECSYS_", extra="ignore")

    def __init__(self, **values: Any) -> None:
        """Read the settings from all sources; values given here take precedence.

        Raises:
            InvalidInputError: A file of settings cannot be read, or sets what it may not set.
        """
        folder = secrets_folder()
        named = values.get("env_file") or os.environ.get(ENV_FILE_VARIABLE)
        file = Path(named).expanduser().absolute() if named else Path(FOUND_ENV_FILE)
        if named and not file.is_file():
            raise InvalidInputError(f"the file of settings {file} does not exist (--env-file, {ENV_FILE_VARIABLE})")
        values.setdefault("_env_file", file if file.is_file() else None)
        try:
            super().__init__(_secrets_dir=folder if folder.is_dir() else None, **values)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"the file of settings {file} cannot be read: {error}") from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources of settings, after a check that a merely found file sets only harmless ones."""
        assert isinstance(dotenv_settings, DotEnvSettingsSource)
        ours = {name: value for name, value in dotenv_settings.env_vars.items() if name.startswith("recsys_")}
        dotenv_settings.env_vars = ours  # some versions of the library also take names without the prefix
        if dotenv_settings.env_file == Path(FOUND_ENV_FILE):
            fields = {f"recsys_{name}" for name in settings_cls.model_fields if name not in HARMLESS}
            if refused := sorted(n.upper() for n in ours if n in fields or n.startswith(SOURCE_PREFIX.lower())):
                raise InvalidInputError(
                    f"{Path.cwd() / FOUND_ENV_FILE} sets {', '.join(refused)}, which a file that merely lies in "
                    f"the working directory may not set: if you trust it, name it with --env-file {FOUND_ENV_FILE}"
                )
        assert isinstance(env_settings, EnvSettingsSource)
        return (
            init_settings,
            env_settings,
            _SourceVariables(settings_cls, env_settings.env_vars),
            dotenv_settings,
            _SourceVariables(settings_cls, dotenv_settings.env_vars),
            file_secret_settings,
            _SourceVariables(settings_cls, _source_secrets()),
        )

    env_file: Path | None = Field(None, description="File of settings, one RECSYS_NAME=VALUE a line.")

    # The dataset, and the folder of its state

    dataset: str = Field("ml-100k", description="Path of a dataset.yaml, or the name of a bundled dataset.")
    data: Path | None = Field(None, description="Folder with the dataset's files, if they are not beside dataset.yaml.")
    sources: Sources = Field(
        default_factory=dict,
        description="URLs of the databases that datasets read from, by name; each is a variable RECSYS_SOURCE_NAME.",
    )
    state: Path | None = Field(None, description="Folder of all prepared state; by default in the user's data folder.")
    embedding_model: str = Field(
        "bundled-minilm",
        description="Model for embedding: the bundled all-MiniLM-L6-v2, or any text model of fastembed by its name.",
    )
    item_set_days: float = Field(7.0, gt=0, description="Days after which an unused item set is forgotten.")

    tools: Literal["all", "eight"] = Field(
        "all", description="Tools of the server: all, or eight, without find_users_tool and get_statistics_tool."
    )
    tools_path: Paths = Field(
        default_factory=list,
        description="Folders with tools of your own, separated as in PATH. The server runs their code.",
    )

    # A database server in place of files in the state folder

    database_url: SecretStr | None = Field(
        None,
        description="MySQL or MariaDB: mysql+aiomysql://USER:PASSWORD@HOST:PORT/DATABASE. It then holds the catalogue, "
        "the model, the item sets and the record of what is served.",
    )
    database_password: SecretStr | None = Field(None, description="Database password; takes precedence over the URL's.")
    database_pool_size: int = Field(
        10,
        ge=1,
        le=1000,
        description="Connections for the calls of one server process; one more watches for new states.",
    )
    database_tls: Literal["off", "on", "verify"] = Field(
        "off", description="TLS to the database: on encrypts; verify also checks the server's certificate and name."
    )
    database_ca: Path | None = Field(None, description="Certificates to verify the database by; else the system's.")
    database_cert: Path | None = Field(None, description="Client certificate, if the database asks for one.")
    database_key: Path | None = Field(None, description="Private key of the client certificate.")

    # A vector database in place of the engine in the process

    qdrant_url: str | None = Field(None, description="Qdrant server or cloud: http://HOST:6333.")
    qdrant_api_key: SecretStr | None = Field(None, description="API key of the Qdrant server.")
    qdrant_collection: str = Field(
        "recsys", pattern=r"^[A-Za-z0-9_-]{1,60}$", description="Prefix of the names of all collections made."
    )

    # Serving

    transport: Transport = Field("stdio", description="How clients connect; http is streamable HTTP and SSE.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes any free port.")
    path_prefix: str = Field("", description="Prefix of every path, such as /recommender.")
    stateless: bool = Field(False, description="Streamable HTTP without sessions: any replica can answer any request.")
    tokens: SecretStr | None = Field(None, description="Bearer tokens that are accepted, separated by commas.")
    tokens_file: Path | None = Field(None, description="File of bearer tokens, one a line; read again when it changes.")
    allow_anonymous: bool = Field(False, description="Listen beyond this machine even though no tokens are set.")
    allowed_hosts: Names = Field(
        default_factory=list, description="Host headers to accept besides this machine's own names."
    )
    allowed_origins: Names = Field(default_factory=list, description="Origins of web pages that may call the server.")
    max_body_kb: int = Field(1024, ge=1, description="Upper bound on the body of a request, in KiB.")
    max_connections: int = Field(
        1024, ge=1, description="Upper bound on open connections; fewer if the limit of open files is lower."
    )
    max_sessions: int = Field(10_000, ge=1, description="Upper bound on open sessions, including SSE streams.")
    max_sessions_each: int = Field(
        1000,
        ge=1,
        description="Upper bound on the open sessions of one token, or of one client address if no tokens are set.",
    )
    max_calls: int = Field(64, ge=1, description="Upper bound on calls that run at once; others wait for their turn.")
    call_timeout: float = Field(30.0, gt=0, description="Seconds after which a call is given up, including its wait.")
    shutdown_timeout: float = Field(
        30.0, ge=0, description="Seconds that running calls have to finish when the server is asked to stop."
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Lowest level that is logged.")
    log_format: Literal["text", "json"] = Field("text", description="Form of the log; json is one object a line.")

    @property
    def state_folder(self) -> Path:
        """The folder of state: the one that is set, else one of the dataset's own."""
        if self.state is not None:
            return self.state.expanduser().absolute()
        path = Path(self.dataset).expanduser().absolute()
        name = self.dataset
        if bundled_spec_file(name) is None and path.exists():  # two folders of one name are two datasets
            folder = path if path.is_dir() else path.parent
            name = f"{folder.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
        return user_data_path("recsys-mcp", appauthor=False) / name

    @property
    def env_file_option(self) -> list[str]:
        """Options that name the file of settings to another process."""
        return [] if self.env_file is None else ["--env-file", str(self.env_file.expanduser().absolute())]

    @property
    def source_urls(self) -> dict[str, str]:
        """URLs of databases by name, passwords and all."""
        return {name: url.get_secret_value() for name, url in self.sources.items()}

    @property
    def source_environment(self) -> dict[str, str]:
        """Environment variables that give the databases to another process. Its arguments would show them to others."""
        return {source_variable(name): url for name, url in self.source_urls.items()}

    @property
    def chosen_dataset(self) -> str | None:
        """The dataset, if the user named one."""
        return self.dataset if "dataset" in self.model_fields_set else None
