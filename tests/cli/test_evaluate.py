"""`evaluate`: models compared, and nothing else changed."""

import json
import re
from pathlib import Path

from mcp_server.state.folder import StateFolder
from tests.cli.shop_on_servers import Commands, place_of
from tests.cli.terminal import Terminal, shop_options
from tests.e2e.test_several_processes import Shop
from tests.mariadb import PrivateServer
from tests.vectors.qdrant_over_http import QdrantOverHttp

METRICS = {f"{name}@{k}" for name in ("ndcg", "recall", "hit", "mrr") for k in (5, 10)}


def test_evaluate_compares_models_and_serves_nothing(terminal: Terminal, larger_shop: Path, tmp_path: Path) -> None:
    options = ["--models", "ItemKNN, BPR", "--set", "epochs=1", *shop_options(tmp_path / "state", larger_shop)]
    ended = terminal.run("evaluate", *options)
    assert ended.code == 0, ended.err
    report = json.loads((tmp_path / "state" / "evaluation.json").read_text(encoding="utf-8"))
    assert [model["model"] for model in report["models"]] == ["ItemKNN", "BPR"]
    for model in report["models"]:
        assert model["metrics"].keys() == METRICS
        assert all(0 <= value <= 1 for value in model["metrics"].values())
        row = next(line for line in ended.out.splitlines() if re.search(rf"\b{model['model']}\b", line))
        assert all(f"{value:.4f}" in row for value in model["metrics"].values())
    assert list(terminal.folder.iterdir()) == []
    assert StateFolder(tmp_path / "state").published() is None
    assert list((tmp_path / "state" / "parts").iterdir()) == []


def test_evaluate_changes_nothing_on_the_servers(
    plain: Shop,
    terminal: Terminal,
    private_server: PrivateServer,
    qdrant: QdrantOverHttp,
    larger_shop: Path,
    tmp_path: Path,
) -> None:
    name = place_of(plain).rpartition("/")[2]
    before = private_server.query("CHECKSUM TABLE recsys_state, recsys_parts, recsys_files", database=name)
    n_requests = len(qdrant.requests)
    shop = Shop(larger_shop, tmp_path / "elsewhere", plain.variables)
    ended = Commands(terminal, shop).run("evaluate", "--models", "ItemKNN")
    assert ended.code == 0, ended.err
    report = json.loads((tmp_path / "elsewhere" / "evaluation.json").read_text(encoding="utf-8"))
    assert [model["model"] for model in report["models"]] == ["ItemKNN"]
    assert private_server.query("CHECKSUM TABLE recsys_state, recsys_parts, recsys_files", database=name) == before
    assert len(qdrant.requests) == n_requests
