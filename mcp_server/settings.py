"""Settings of the program: environment variables ``RECSYS_*``, a file of such variables, or files named ``recsys_*`` in
a folder of secrets, as Docker and Kubernetes mount them.

Whoever starts the program is trusted, and so is a file that they name with ``--env-file``. A file ``.env`` that merely
lies in the working directory is not: hosts start servers in whatever folder their users have opened.
"""

import hashlib
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from mcp_server.dataset.spec import bundled_spec_file
from mcp_server.errors import InvalidInputError

SECRETS_FOLDER = "/run/secrets"
"""Where files of secrets are, unless RECSYS_SECRETS_DIR says otherwise."""

ENV_FILE_VARIABLE = "RECSYS_ENV_FILE"

FOUND_ENV_FILE = ".env"
"""Read from the working directory where no other file is named."""

HARMLESS = frozenset(
    {"transport", "port", "path_prefix", "stateless", "item_set_days", "database_pool_size", "log_level", "log_format"}
    | {"max_body_kb", "max_connections", "max_sessions", "max_sessions_each"}
    | {"max_calls", "call_timeout", "shutdown_timeout"}
)
"""Settings that a file ``.env`` which was merely found may have. All others decide which code runs, which files are
read or written, which servers are asked, or who may ask this one.
"""

Transport = Literal["stdio", "sse", "streamable-http", "http"]


def _split(value: Any) -> Any:
    """Lists are written with commas in the environment."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _split_paths(value: Any) -> Any:
    """Paths are separated as in PATH."""
    return [part for part in value.split(os.pathsep) if part.strip()] if isinstance(value, str) else value


Names = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Paths = Annotated[list[Path], NoDecode, BeforeValidator(_split_paths)]


def secrets_folder() -> Path:
    """Where an orchestrator mounts files of secrets."""
    return Path(os.environ.get("RECSYS_SECRETS_DIR", SECRETS_FOLDER))


class Settings(BaseSettings):
    """Each field can be set as RECSYS_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="RECSYS_", extra="ignore")

    def __init__(self, **values: Any) -> None:
        """Raises: InvalidInputError: a file of settings cannot be read, or has what it may not have."""
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
        """What was found in the working directory may not lead to code, files, servers or other clients."""
        assert isinstance(dotenv_settings, DotEnvSettingsSource)
        ours = {name: value for name, value in dotenv_settings.env_vars.items() if name.startswith("recsys_")}
        dotenv_settings.env_vars = ours  # some versions of the library take a name without the prefix for a field, too
        if dotenv_settings.env_file == Path(FOUND_ENV_FILE):
            fields = {f"recsys_{name}" for name in settings_cls.model_fields if name not in HARMLESS}
            if refused := sorted(name.upper() for name in ours if name in fields):
                raise InvalidInputError(
                    f"{Path.cwd() / FOUND_ENV_FILE} sets {', '.join(refused)}, which a file that is merely found in "
                    f"the working directory may not: if you trust it, name it with --env-file {FOUND_ENV_FILE}"
                )
        return init_settings, env_settings, dotenv_settings, file_secret_settings

    env_file: Path | None = Field(None, description="File of settings as these, one RECSYS_NAME=VALUE a line.")

    # What is served, and where it is kept

    dataset: str = Field("ml-100k", description="Path of a dataset.yaml, or the name of a bundled dataset.")
    data: Path | None = Field(None, description="Folder with the dataset's files, where they are elsewhere.")
    state: Path | None = Field(None, description="Folder of all prepared state; the user's data folder if not set.")
    embedding_model: str = Field(
        "bundled-minilm",
        description="The bundled all-MiniLM-L6-v2, or any text model of fastembed by its name.",
    )
    item_set_days: float = Field(7.0, gt=0, description="Item sets unused for so many days are forgotten.")

    tools_path: Paths = Field(
        default_factory=list,
        description="Folders with tools of your own, separated as in PATH. Their code is run by the server.",
    )

    # A database server, in place of files in the state folder

    database_url: SecretStr | None = Field(
        None,
        description="MySQL or MariaDB: mysql+aiomysql://USER:PASSWORD@HOST:PORT/DATABASE. It then holds the catalogue, "
        "the model, the item sets and the record of what is served.",
    )
    database_password: SecretStr | None = Field(None, description="Goes before the URL's, so that it can be a secret.")
    database_pool_size: int = Field(
        10,
        ge=1,
        le=1000,
        description="Connections for the calls of one server process; one more follows new states.",
    )
    database_tls: Literal["off", "on", "verify"] = Field(
        "off", description="on: encrypted; verify: the server's certificate and name are checked too."
    )
    database_ca: Path | None = Field(None, description="Certificates to verify by, where the system's do not serve.")
    database_cert: Path | None = Field(None, description="Client certificate, where the database asks for one.")
    database_key: Path | None = Field(None, description="Its private key.")

    # A vector database, in place of the engine in the process

    qdrant_url: str | None = Field(None, description="Qdrant server or cloud: http://HOST:6333.")
    qdrant_api_key: SecretStr | None = Field(None, description="Of the Qdrant server.")
    qdrant_collection: str = Field(
        "recsys", pattern=r"^[A-Za-z0-9_-]{1,60}$", description="Begins the names of all collections made."
    )

    # How the tools are served

    transport: Transport = Field("stdio", description="http is streamable HTTP with SSE beside it.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes any that is free.")
    path_prefix: str = Field("", description="Goes before every path, such as /recommender.")
    stateless: bool = Field(False, description="Streamable HTTP without sessions: any replica can answer any request.")
    tokens: SecretStr | None = Field(None, description="Bearer tokens that are accepted, separated by commas.")
    tokens_file: Path | None = Field(None, description="File of bearer tokens, one a line; read again when it changes.")
    allow_anonymous: bool = Field(False, description="Listen beyond this machine without tokens all the same.")
    allowed_hosts: Names = Field(
        default_factory=list, description="Host headers to accept besides this machine's own names."
    )
    allowed_origins: Names = Field(default_factory=list, description="Origins of web pages that may call the server.")
    max_body_kb: int = Field(1024, ge=1, description="Longest body of a request, in KiB.")
    max_connections: int = Field(
        1024, ge=1, description="Connections that are open at once; fewer where the limit of open files is lower."
    )
    max_sessions: int = Field(10_000, ge=1, description="Sessions that are open at once, streams of SSE included.")
    max_sessions_each: int = Field(
        1000, ge=1, description="As many of them for each token; for each client address where no tokens are set."
    )
    max_calls: int = Field(64, ge=1, description="Calls that run at once; others wait for their turn.")
    call_timeout: float = Field(30.0, gt=0, description="Seconds after which a call is given up, waiting included.")
    shutdown_timeout: float = Field(
        30.0, ge=0, description="Seconds that running calls have to finish when the server is asked to stop."
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="What goes to stderr.")
    log_format: Literal["text", "json"] = Field("text", description="json: one object a line.")

    @property
    def state_folder(self) -> Path:
        """The folder of state. Datasets have folders of their own unless the user names one."""
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
        """How a process of the same settings is told of their file."""
        return [] if self.env_file is None else ["--env-file", str(self.env_file.expanduser().absolute())]

    @property
    def chosen_dataset(self) -> str | None:
        """The dataset, where the user named one."""
        return self.dataset if "dataset" in self.model_fields_set else None
