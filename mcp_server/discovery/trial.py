"""A proposal put to the test: its dataset.yaml is loaded, and all of the data is read by it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mcp_server.discovery.document import render
from mcp_server.discovery.proposal import Proposal
from mcp_server.errors import DatasetError
from mcp_server.reading.databases import Databases
from mcp_server.reading.dataset import open_dataset
from mcp_server.reading.files import DatasetFiles


@dataclass(frozen=True)
class Trial:
    """A proposal that can be read, and what was read."""

    proposal: Proposal
    text: str
    n_items: int
    n_users: int
    n_interactions: int
    notes: list[str]


def try_out(
    proposal: Proposal,
    data_folder: Path | None,
    urls: Mapping[str, str],
    advance: Callable[[str], None] = lambda step: None,
) -> Trial:
    """Read all data by a proposal. Where rows cannot be used, the proposal is changed to skip them.

    Args:
        data_folder: Folder of the files.
        urls: URLs of databases, by name.

    Raises:
        DatasetError: The data cannot be read by the proposal.
    """
    try:
        return _read(proposal, data_folder, urls, advance)
    except DatasetError as error:
        if "on_bad_row: skip" not in str(error):
            raise
    skipping = replace(proposal, on_bad_row="skip")
    return _read(skipping, data_folder, urls, advance)


def _read(
    proposal: Proposal, data_folder: Path | None, urls: Mapping[str, str], advance: Callable[[str], None]
) -> Trial:
    with _written(render(proposal)) as path:
        files = DatasetFiles.find(path, data_folder, Databases(urls))
        with open_dataset(files, advance) as dataset:
            notes = [note.replace(f"{data_folder}/", "") for note in dataset.notes]
            counts = len(dataset.items), len(dataset.users), len(dataset.interactions)
    told = replace(proposal, notes=notes)
    return Trial(told, render(told), *counts, notes)


@contextmanager
def _written(text: str) -> Iterator[Path]:
    with TemporaryDirectory(prefix="recsys-mcp-") as folder:
        path = Path(folder) / "dataset.yaml"
        path.write_text(text, encoding="utf-8")
        yield path
