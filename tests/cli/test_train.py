"""`train`: another model served, and what cannot be trained."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mcp_server.cli.doctor import examine
from mcp_server.serving.service import Service
from mcp_server.state.folder import StateFolder
from tests.cli.shop_on_servers import Commands, place_of
from tests.cli.terminal import Terminal, shop_options
from tests.e2e.test_several_processes import Shop
from tests.names import RECOMMEND


async def test_train_serves_another_model(terminal: Terminal, shop_state: Path, shop: Service) -> None:
    options = shop_options(shop_state)
    trained = terminal.run("train", "--model", "BPR", "--set", "epochs=2", "--set", "embedding_size=8", *options)
    assert trained.code == 0, trained.err
    assert trained.out == ""
    assert "BPR" in trained.err
    findings = {finding["check"]: finding for finding in terminal.run("doctor", "--json", *options).json}
    assert findings["model"]["status"] == "ok"
    assert "BPR" in findings["model"]["text"]
    assert "'embedding_size': 8" in findings["model"]["text"]
    content = terminal.run("call", RECOMMEND, "user=anna", "--json", *options).json
    assert len(content["items"]) == 5
    assert content["items"] != (await shop.call(RECOMMEND, {"user": "anna"}))["items"]
    assert list(terminal.folder.iterdir()) == []


def test_train_refuses_an_unknown_model_with_the_names_of_models(terminal: Terminal, shop_state: Path) -> None:
    before = StateFolder(shop_state).manifest()
    said = terminal.refused("train", "--model", "Nope", *shop_options(shop_state))
    assert "'Nope'" in said
    assert all(name in said for name in ("EASE", "BPR", "LightGCN", "ItemKNN"))
    assert StateFolder(shop_state).manifest() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "BPR", "--set", "nonsense"], "KEY=VALUE"),
        (["--set", "epochs=2"], "--model"),
        (["--model", "BPR", "--config", "missing.yaml"], "missing.yaml"),
        (["--model", "BPR", "--set", "epochs=[1"], "epochs"),
    ],
)
def test_train_refuses_what_it_cannot_read(terminal: Terminal, shop_state: Path, words: list[str], said: str) -> None:
    assert said in terminal.refused("train", *words, *shop_options(shop_state))


async def recommended(shop: Shop) -> list[dict[str, Any]]:
    service = Service(shop.settings, prepare_if_needed=False)
    try:
        items: list[dict[str, Any]] = (await service.call(RECOMMEND, {"user": "anna"}))["items"]
        return items
    finally:
        await service.close()


def test_train_serves_another_model_from_the_database(plain: Shop, terminal: Terminal, tmp_path: Path) -> None:
    """On other machines too; and preparing keeps it."""
    before = asyncio.run(recommended(plain))
    trained = Commands(terminal, plain).run("train", "--model", "BPR", "--set", "epochs=2", "--set", "embedding_size=8")
    assert (trained.code, trained.out) == (0, "")
    assert "made: model;" in trained.err
    assert f"database at {place_of(plain)}" in " ".join(trained.err.split())
    assert plain.prepare() == []
    elsewhere = Shop(plain.dataset, tmp_path / "elsewhere", plain.variables)
    after = asyncio.run(recommended(elsewhere))
    assert len(after) == len(before) == 5
    assert after != before
    (found,) = [each for each in examine(elsewhere.settings) if each.check == "model"]
    assert found.status == "ok"
    assert found.text.startswith("BPR")
