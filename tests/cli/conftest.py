"""Prepared states for commands: in folders of files, and in a database and Qdrant."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_server.settings import Settings
from tests.cli.shop_on_servers import DATABASE_USER, KEY, Commands, new_place
from tests.cli.terminal import Terminal
from tests.commands import Ended
from tests.conftest import SHOP
from tests.e2e.test_several_processes import Shop, open_shop
from tests.mariadb import MISSING, PASSWORD, PrivateServer, Server, installed
from tests.vectors.qdrant_over_http import QdrantOverHttp


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    (tmp_path / "here").mkdir()
    return Terminal(tmp_path / "here")


@pytest.fixture
def films_state(films_settings: Settings) -> list[object]:
    """Options that name prepared MovieLens."""
    return ["--dataset", "ml-100k", "--state", films_settings.state_folder]


@pytest.fixture
def shop_state(shop_settings: Settings, tmp_path: Path) -> Path:
    """A copy of the prepared corner shop's state."""
    shutil.copytree(shop_settings.state_folder, tmp_path / "state")
    return tmp_path / "state"


@pytest.fixture(scope="session")
def private_server() -> Iterator[PrivateServer]:
    if not installed():
        pytest.skip(MISSING)
    with PrivateServer() as server:
        root = Server(server.host, server.port, "root", "")
        root.query(f"CREATE USER {DATABASE_USER} IDENTIFIED BY %s", PASSWORD)
        root.query(f"GRANT ALL ON `recsys%`.* TO {DATABASE_USER}")
        yield server


@pytest.fixture(scope="session")
def qdrant() -> Iterator[QdrantOverHttp]:
    with QdrantOverHttp(api_key=KEY) as server:
        yield server


@pytest.fixture(scope="session")
def remote_shop(
    private_server: PrivateServer,
    qdrant: QdrantOverHttp,
    tmp_path_factory: pytest.TempPathFactory,
    shop_settings: Settings,
) -> Shop:
    """A shop on the servers, with nothing prepared."""
    folder = tmp_path_factory.mktemp("shop")
    return open_shop(folder, shop_settings, new_place(private_server, qdrant), prepared=False)


@pytest.fixture(scope="session")
def preparations(remote_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> list[Ended]:
    """`prepare`, run twice for the shop."""
    commands = Commands(Terminal(tmp_path_factory.mktemp("here")), remote_shop)
    return [commands.run("prepare"), commands.run("prepare")]


@pytest.fixture
def commands(remote_shop: Shop, preparations: list[Ended], terminal: Terminal) -> Commands:
    """Commands for the shop, which has been prepared."""
    assert [ended.code for ended in preparations] == [0, 0]
    return Commands(terminal, remote_shop)


@pytest.fixture
def own(private_server: PrivateServer, qdrant: QdrantOverHttp, tmp_path: Path, shop_settings: Settings) -> Shop:
    """A shop of the test's own, prepared."""
    return open_shop(tmp_path, shop_settings, new_place(private_server, qdrant))


@pytest.fixture
def plain(private_server: PrivateServer, qdrant: QdrantOverHttp, tmp_path: Path, shop_settings: Settings) -> Shop:
    """The same without search, which is faster."""
    return open_shop(tmp_path, shop_settings, new_place(private_server, qdrant), searchable=False)


@pytest.fixture
def larger_shop(tmp_path: Path) -> Path:
    """The corner shop with more purchases, so that there are some to test on."""
    shutil.copytree(SHOP, tmp_path / "larger-shop")
    chance = random.Random(4)
    products = [line.split(",")[0] for line in (SHOP / "products.csv").read_text("utf-8").splitlines()[1:]]
    customers, purchases = ["customer,city,tier"], ["customer,sku"]
    for number in range(30):
        customers.append(f"customer{number:02},Lyon,g")
        purchases += [f"customer{number:02},{product}" for product in chance.sample(products, 6)]
    for name, lines in {"customers": customers, "purchases": purchases}.items():
        (tmp_path / "larger-shop" / f"{name}.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return tmp_path / "larger-shop"
