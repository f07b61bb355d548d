"""A dataset that one process has read and another one uses: a folder with its tables and arrays, and a few words."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from mcp_server.dataset.records import Dataset, Interactions
from mcp_server.dataset.spec import DatasetSpec
from mcp_server.errors import DatasetError
from mcp_server.reading.entities import TableRecords
from mcp_server.reading.session import Session

ARRAYS = "arrays.npz"


class Summary(BaseModel):
    """The parts of a dataset that are neither tables nor arrays."""

    n_dropped: int
    notes: list[str]


def hand_over(dataset: Dataset, folder: Path) -> Summary:
    """Leave a dataset in the folder of the session that has read it."""
    interactions = dataset.interactions
    arrays = {"canonical": dataset.canonical, "available": dataset.available, **vars(interactions)}
    np.savez(folder / ARRAYS, **{name: array for name, array in arrays.items() if array is not None})
    return Summary(n_dropped=dataset.n_dropped, notes=dataset.notes)


@contextmanager
def take_over(spec: DatasetSpec, folder: Path, summary: Summary) -> Iterator[Dataset]:
    """The dataset that another process has left in a folder.

    Raises:
        DatasetError: It is not whole.
    """
    try:
        with np.load(folder / ARRAYS, allow_pickle=False) as file:
            arrays = dict(file)
        (folder / ARRAYS).unlink()
    except (OSError, ValueError) as error:
        raise DatasetError(f"dataset {spec.name} was not read whole: {error}") from error
    with contextlib.closing(Session.reopen(folder)) as session:
        yield Dataset(
            spec=spec,
            items=TableRecords.of_table(session, "items"),
            canonical=arrays["canonical"],
            available=arrays.get("available"),
            users=TableRecords.of_table(session, "users"),
            interactions=Interactions(
                user=arrays["user"],
                item=arrays["item"],
                value=arrays.get("value"),
                n_events=arrays.get("n_events"),
                timestamp=arrays.get("timestamp"),
                liked=arrays["liked"],
            ),
            n_dropped=summary.n_dropped,
            notes=summary.notes,
        )
