"""A preparation that is killed at any moment: what was served stays served, and the next run completes."""

import contextlib
import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.errors import NotPreparedError
from mcp_server.serving.service import Service
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from mcp_server.state.manifest import Manifest
from tests.conftest import SHOP

REG_WEIGHT = 20.0

Answers = list[dict[str, Any]]


@dataclass(frozen=True)
class Shop:
    """A dataset of one's own to change, and a folder for its state."""

    dataset: Path
    folder: Path

    @property
    def settings(self) -> Settings:
        return Settings(dataset=str(self.dataset), state=self.folder)

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.folder)

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.dataset / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")

    def set_model(self, name: str, **settings: float) -> None:
        path = self.dataset / "dataset.yaml"
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))
        spec["model"] = {"name": name, "settings": settings}
        path.write_text(yaml.safe_dump(spec), encoding="utf-8")

    def epochs_done(self) -> int:
        """How far the running preparation says that its training is."""
        try:
            step = json.loads(self.state.progress_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return 0
        return int(step["done"]) if step["label"].startswith("Training") else 0

    def with_state_in(self, folder: Path) -> "Shop":
        return Shop(self.dataset, folder)

    def prepare(self) -> list[str]:
        """To the end, in this process; gives the parts that had to be made."""
        return prepare_with_progress(self.settings, Console(stderr=True)).made

    def start_preparing(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "mcp_server", "prepare", "--dataset", str(self.dataset)]
        command += ["--state", str(self.folder)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8")

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[Service]:
        service = Service(self.settings, prepare_if_needed=False)
        try:
            yield service
        finally:
            await service.close()

    async def answers(self) -> Answers:
        """What a newly started service says, from every backend."""
        async with self.served() as service:
            return [
                await service.call("get_top_k_recommendations_tool", {"user": "anna", "k": 20, "detail": "full"}),
                await service.call("vector_store_search_tool", {"query": "something to play with", "k": 20}),
                await service.call("item_filter_tool", {"materials": "wood"}),
                await service.call("get_item_metadata_tool", {"items": ["TOY-02"], "get": ["materials"]}),
                await service.call("get_interacted_items_tool", {"user": "ben"}),
            ]

    def assert_tidy(self, *former: Manifest) -> None:
        """There are just the parts of what is served and of former states, and nothing half-made."""
        parts = {part.name for part in (self.folder / "parts").iterdir()}
        states = [self.state.manifest(), *former]
        assert parts == {name for state in states for name in (state.catalog, state.model, state.vectors)}
        assert not self.state.progress_file.exists()


def _open_shop(folder: Path) -> Shop:
    shutil.copytree(SHOP, folder / "dataset")
    own = Shop(folder / "dataset", folder / "state")
    own.replace("dataset.yaml", "items:\n  id: sku", "search: {texts: [name]}\nitems:\n  id: sku")
    return own


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The corner shop with searchable names; nothing is prepared."""
    return _open_shop(tmp_path)


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop with another model, and nothing prepared but that."""
    folder = tmp_path_factory.mktemp("trained-shop")
    own = _open_shop(folder)
    own.set_model("EASE", reg_weight=2 * REG_WEIGHT)
    own.prepare()
    for part in own.folder.glob("parts/*"):
        if not part.name.startswith("model-"):
            shutil.rmtree(part)
    own.state.manifest_file.unlink()
    return folder


@pytest.fixture
def trained_shop(trained_once: Path, tmp_path: Path) -> Shop:
    """A copy of it."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    return Shop(tmp_path / "dataset", tmp_path / "state")


def kill(process: "subprocess.Popen[str]") -> bool:
    """Kill at once; False where the process had ended well before."""
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode != 0


def kill_after_lines(process: "subprocess.Popen[str]", lines: int) -> bool:
    """Kill when so many lines have been reported; False where the process ended well before."""
    assert process.stderr is not None
    for _ in range(lines):
        if not process.stderr.readline():
            process.communicate(timeout=60)
            assert process.returncode == 0
            return False
    return kill(process)


def training_processes(shop: Shop) -> list[psutil.Process]:
    """Those that work in the shop's state."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            at_work = any("recommender.training" in part for part in process.cmdline())
            if at_work and Path(process.cwd()).is_relative_to(shop.folder):
                found.append(process)
    return found


def assert_training_ends(shop: Shop) -> None:
    until = time.monotonic() + 10
    while training_processes(shop) and time.monotonic() < until:
        time.sleep(0.05)
    assert training_processes(shop) == []


def training_has_started(shop: Shop) -> bool:
    return bool(training_processes(shop))


def training_is_under_way(shop: Shop) -> bool:
    return shop.epochs_done() > 0


def start_and_wait(shop: Shop, moment: Callable[[Shop], bool]) -> "subprocess.Popen[str]":
    """A preparation that has come to a moment."""
    process = shop.start_preparing()
    while not moment(shop):
        assert process.poll() is None
        time.sleep(0.02)
    return process


async def assert_nothing_or_all_is_served(shop: Shop, expected: Answers) -> None:
    if shop.state.published() is not None:
        assert await shop.answers() == expected
        return
    with pytest.raises(NotPreparedError, match="recsys-mcp prepare"):
        await shop.answers()


def ease_scores(shop: Shop, user: str) -> dict[str, float]:
    """EASE (Steck 2019) computed from the file: the scores of what others have bought and the user has not."""
    with (shop.dataset / "purchases.csv").open(encoding="utf-8", newline="") as stream:
        bought = {(row["customer"], row["sku"]) for row in csv.DictReader(stream)}
    customers = sorted({customer for customer, _ in bought})
    products = sorted({sku for _, sku in bought})
    matrix = np.array([[float((customer, sku) in bought) for sku in products] for customer in customers])
    inverse = np.linalg.inv(matrix.T @ matrix + REG_WEIGHT * np.eye(len(products)))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    scores = matrix[customers.index(user)] @ weights
    return {sku: score for sku, score in zip(products, scores, strict=True) if (user, sku) not in bought}


async def test_killed_again_and_again_in_one_folder_it_completes_in_the_end(shop: Shop) -> None:
    """Killed after 0.3 s, then after longer and longer, until it ends before it is killed."""
    shop.set_model("EASE", reg_weight=REG_WEIGHT)
    expected = ease_scores(shop, "anna")
    n_kills, delay = 0, 0.3
    while True:
        process = shop.start_preparing()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(delay)
        if not kill(process):
            break
        n_kills, delay = n_kills + 1, delay * 1.6
        if shop.state.published() is None:
            with pytest.raises(NotPreparedError, match="recsys-mcp prepare"):
                await shop.answers()
        else:
            recommended, *_ = await shop.answers()
            assert {item["item_id"] for item in recommended["items"]} == set(expected)
    assert n_kills > 0
    recommended, *_ = await shop.answers()
    scores = {item["item_id"]: item["score"] for item in recommended["items"]}
    assert scores == pytest.approx(expected, abs=1e-3)
    assert_training_ends(shop)
    assert shop.prepare() == []
    shop.assert_tidy()


async def test_killed_at_any_step_it_can_be_run_again(trained_shop: Shop, tmp_path: Path) -> None:
    """Killed after the first line that it reports, the third, and so on, each time from the beginning."""
    whole = trained_shop.with_state_in(tmp_path / "whole")
    shutil.copytree(trained_shop.folder, whole.folder)
    assert whole.prepare() == ["catalog", "vectors"]
    expected = await whole.answers()
    for lines in count(1, 2):
        shop = trained_shop.with_state_in(tmp_path / f"killed-{lines}")
        shutil.copytree(trained_shop.folder, shop.folder)
        assert kill_after_lines(shop.start_preparing(), lines)
        published = shop.state.published() is not None
        await assert_nothing_or_all_is_served(shop, expected)
        shop.prepare()
        assert await shop.answers() == expected
        shop.assert_tidy()
        if published:
            break
    assert lines > 8  # four steps, each reported when it begins and when it ends


async def test_killed_at_any_step_the_former_state_stays_served(trained_shop: Shop) -> None:
    """A second preparation, killed after the first line that it reports, the fifth, and so on, in one folder."""
    trained_shop.prepare()
    former, before = trained_shop.state.manifest(), await trained_shop.answers()
    async with trained_shop.served() as service:
        question = {"items": ["TOY-02"], "get": ["materials"]}
        await service.call("get_item_metadata_tool", question)
        trained_shop.replace("products.csv", "TOY-02,Kite,", "TOY-02,Box kite,")
        for lines in count(1, 4):
            killed = kill_after_lines(trained_shop.start_preparing(), lines)
            told = await service.call("get_item_metadata_tool", question)
            after = await trained_shop.answers()
            if after != before:
                break
            assert killed
            assert told["items"][0]["title"] == "Kite"
        assert told["items"][0]["title"] == "Box kite"
    trained_shop.prepare()
    trained_shop.assert_tidy(former)
    assert await trained_shop.answers() == after


async def test_killed_in_training_it_leaves_no_process_and_the_new_catalogue_with_the_former_model(
    trained_shop: Shop,
) -> None:
    trained_shop.prepare()
    former = trained_shop.state.manifest()
    trained_shop.set_model("BPR", epochs=1_000_000, stopping_step=1_000_000)
    with (trained_shop.dataset / "purchases.csv").open("a", encoding="utf-8") as stream:
        stream.write("anna,TOY-04\n")
    for moment in (training_has_started, training_is_under_way):
        assert kill(start_and_wait(trained_shop, moment))
        assert_training_ends(trained_shop)
        served = trained_shop.state.manifest()
        assert (served.model, served.vectors) == (former.model, former.vectors)
        assert served.catalog != former.catalog
        recommended, *_ = await trained_shop.answers()
        assert "TOY-04" not in {item["item_id"] for item in recommended["items"]}
    trained_shop.set_model("EASE", reg_weight=REG_WEIGHT)
    assert "model" in trained_shop.prepare()
    recommended, *_ = await trained_shop.answers()
    scores = {item["item_id"]: item["score"] for item in recommended["items"]}
    assert scores == pytest.approx(ease_scores(trained_shop, "anna"), abs=1e-3)
    trained_shop.assert_tidy(served)


def test_interrupted_in_training_it_cleans_up(shop: Shop) -> None:
    shop.set_model("BPR", epochs=1_000_000, stopping_step=1_000_000)
    process = start_and_wait(shop, training_has_started)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert training_processes(shop) == []
    assert not [part.name for part in (shop.folder / "parts").iterdir() if part.name.startswith(".")]
    assert not shop.state.progress_file.exists()
    assert shop.state.published() is None
