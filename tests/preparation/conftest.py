"""Machines with an empty or a prepared database."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.serving import state_takeover
from mcp_server.settings import Settings
from tests.conftest import SHOP
from tests.mariadb import PrivateServer, Server
from tests.preparation.machines import SEARCHABLE, Machine
from tests.preparation.shops import Prepared


@pytest.fixture(scope="module")
def searchable_shop(shop_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corner shop with searchable names, prepared."""
    folder = tmp_path_factory.mktemp("searchable-shop")
    shutil.copytree(SHOP, folder / "dataset")
    with (folder / "dataset" / "dataset.yaml").open("a", encoding="utf-8") as stream:
        stream.write("search: {texts: [name]}\n")
    outcome = Prepared(folder / "dataset", Settings(dataset=str(folder / "dataset"), state=folder / "state")).prepare()
    assert outcome.made == ["catalog", "vectors", "model"]
    return folder


@pytest.fixture
def prepared(searchable_shop: Path, tmp_path: Path) -> Prepared:
    """A copy of the searchable shop and of its state."""
    shutil.copytree(searchable_shop, tmp_path / "own")
    dataset = tmp_path / "own" / "dataset"
    return Prepared(dataset, Settings(dataset=str(dataset), state=tmp_path / "own" / "state"))


@pytest.fixture(scope="module")
def rated_shop(shop_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corner shop with searchable names and with ratings. It is prepared in a folder, so that texts need not be
    embedded again.
    """
    folder = tmp_path_factory.mktemp("rated-shop")
    dataset = folder / "dataset"
    shutil.copytree(SHOP, dataset)
    with (dataset / "dataset.yaml").open("a", encoding="utf-8") as stream:
        stream.write(f"  rating: stars\n  like_threshold: 4\n{SEARCHABLE}")
    header, *lines = (dataset / "purchases.csv").read_text(encoding="utf-8").splitlines()
    rated = [f"{header},stars", *(f"{line},{number % 5 + 1}" for number, line in enumerate(lines))]
    (dataset / "purchases.csv").write_text("\n".join(rated) + "\n", encoding="utf-8")
    settings = Settings(_env_file=None, dataset=str(dataset), state=folder / "state")
    assert prepare_with_progress(settings, Console(stderr=True)).made == ["catalog", "vectors", "model"]
    return folder


def _bare(rated_shop: Path, folder: Path, server: Server, *, searchable: bool) -> Machine:
    """A machine with a copy of the rated shop and an empty database. Its folder has what tests need not make again:
    the model, vectors, and vectors of texts.
    """
    shutil.copytree(rated_shop / "dataset", folder / "dataset")
    machine = Machine(folder / "dataset", folder / "state", server, server.create_database())
    leave_out = ["catalog-*", "current.json", *(["vectors-*"] if not searchable else [])]
    shutil.copytree(
        rated_shop / "state", machine.folder, ignore=shutil.ignore_patterns(*leave_out), copy_function=_copy_sparsely
    )
    if not searchable:
        machine.change("dataset.yaml", SEARCHABLE, "")
    return machine


def _copy_sparsely(source: str, target: str) -> None:
    """Copy a file with its holes: vector stores are mostly holes."""
    hole = bytes(2**20)
    with Path(source).open("rb") as reader, Path(target).open("wb") as writer:
        while block := reader.read(len(hole)):
            if block == hole:
                writer.seek(len(block), os.SEEK_CUR)
            else:
                writer.write(block)
        writer.truncate()


@pytest.fixture
def bare(rated_shop: Path, tmp_path: Path, database_server: Server) -> Iterator[Machine]:
    """A machine without search; nothing is prepared, and nothing need be trained."""
    made = _bare(rated_shop, tmp_path, database_server, searchable=False)
    yield made
    database_server.drop_database(made.database)


@pytest.fixture
def machine(bare: Machine) -> Machine:
    """A prepared machine."""
    bare.prepare()
    return bare


@pytest.fixture
def bare_searching(rated_shop: Path, tmp_path: Path, database_server: Server) -> Iterator[Machine]:
    """A machine with search; nothing is prepared, and nothing need be trained or embedded."""
    made = _bare(rated_shop, tmp_path, database_server, searchable=True)
    yield made
    database_server.drop_database(made.database)


@pytest.fixture
def searching(bare_searching: Machine) -> Machine:
    """A prepared machine."""
    bare_searching.prepare()
    return bare_searching


@pytest.fixture
def private(rated_shop: Path, tmp_path: Path, private_server: PrivateServer) -> Iterator[Machine]:
    """A prepared machine without search, whose database is on a server to stop and start."""
    made = _bare(rated_shop, tmp_path, private_server, searchable=False)
    made.prepare()
    yield made
    private_server.start()
    private_server.drop_database(made.database)


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services look for new states often."""
    monkeypatch.setattr(state_takeover, "WATCH_SECONDS", 0.1)
