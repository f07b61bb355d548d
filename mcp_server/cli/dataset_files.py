"""The files of the dataset that a command works on, with what it asks of databases."""

import contextlib
from typing import TYPE_CHECKING

from mcp_server.dataset.spec import find_spec_file
from mcp_server.settings import Settings

if TYPE_CHECKING:
    from mcp_server.preparation.progress_bars import Progress, Step
    from mcp_server.reading.files import DatasetFiles


def find_dataset_files(settings: Settings, progress: "Progress | None" = None) -> "DatasetFiles":
    """Find the files of the dataset that the settings name, and fetch what it asks of databases.

    Args:
        progress: Shows how many rows have been fetched.

    Raises:
        DatasetError: The dataset or one of its sources cannot be used.
    """
    from mcp_server.reading.databases import Databases
    from mcp_server.reading.files import DatasetFiles

    with contextlib.ExitStack() as opened:
        steps: list[Step] = []

        def advance(name: str, n_rows: int) -> None:
            label = f"Reading rows of the database {name}"
            if progress is not None and not steps:
                steps.append(opened.enter_context(progress.step(label)))
            for step in steps:
                step.update(n_rows, label=label)

        spec_file = find_spec_file(settings.dataset)
        return DatasetFiles.find(spec_file, settings.data, Databases(settings.source_urls), advance)
