"""Ledgers of the films and of catalogues of other kinds."""

import pytest

from mcp_server.dataset.spec import find_spec_file
from mcp_server.questions.ledger import Ledger
from mcp_server.reading.files import DatasetFiles
from tests.conftest import skip_without_recbole
from tests.reading.records import read_dataset


@pytest.fixture(scope="session")
def films_ledger() -> Ledger:
    """MovieLens-100k."""
    skip_without_recbole()
    return Ledger(read_dataset(DatasetFiles.find(find_spec_file("ml-100k"), None)))
