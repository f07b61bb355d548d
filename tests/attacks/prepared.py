"""The corner shop with names that can be searched, prepared once for the tests of a module."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.settings import Settings
from tests.conftest import SHOP
from tests.mounts import copy_tree


@dataclass(frozen=True)
class Shop:
    """A dataset and its state."""

    dataset: Path
    state: Path

    @property
    def settings(self) -> Settings:
        return Settings(dataset=str(self.dataset), state=self.state)

    def copy(self, folder: Path) -> "Shop":
        """The same state at another place, and the dataset of this one."""
        return Shop(self.dataset, copy_tree(self.state, folder))

    def command(self, *words: str) -> list[str]:
        """A command of the program."""
        return [sys.executable, "-m", "mcp_server", *words, "--dataset", str(self.dataset), "--state", str(self.state)]


@pytest.fixture(scope="module")
def searchable_shop(shop_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Its model is that of the shop, which has the same purchases. Not to be changed: copy it."""
    folder = tmp_path_factory.mktemp("searchable-shop")
    shutil.copytree(SHOP, folder / "dataset")
    with (folder / "dataset" / "dataset.yaml").open("a", encoding="utf-8") as stream:
        stream.write("search: {texts: [name]}\n")
    shop = Shop(folder / "dataset", folder / "state")
    prepare_with_progress(shop.settings, Console(stderr=True))
    return shop
