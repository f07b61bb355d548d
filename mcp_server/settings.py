"""Settings of the program: environment variables ``RECSYS_*``, or a file ``.env`` in the working directory."""

import hashlib
from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each field can be set as RECSYS_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="RECSYS_", env_file=".env", extra="ignore")

    dataset: str = Field("ml-100k", description="Path of a dataset.yaml, or the name of a bundled dataset.")
    data: Path | None = Field(None, description="Folder with the dataset's files, where they are elsewhere.")
    state: Path | None = Field(None, description="Folder of all prepared state; the user's data folder if not set.")
    embedding_model: str = Field(
        "bundled-minilm",
        description="The bundled all-MiniLM-L6-v2, or any text model of fastembed by its name.",
    )
    item_set_days: float = Field(7.0, gt=0, description="Item sets unused for so many days are forgotten.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="What goes to stderr.")

    @property
    def state_folder(self) -> Path:
        """The folder of state. Datasets have folders of their own unless the user names one."""
        if self.state is not None:
            return self.state.expanduser().absolute()
        path = Path(self.dataset).expanduser().absolute()
        if path.exists():  # two folders of one name are two datasets
            folder = path if path.is_dir() else path.parent
            name = f"{folder.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
        else:
            name = self.dataset
        return user_data_path("recsys-mcp", appauthor=False) / name

    @property
    def chosen_dataset(self) -> str | None:
        """The dataset, where the user named one."""
        return self.dataset if "dataset" in self.model_fields_set else None
