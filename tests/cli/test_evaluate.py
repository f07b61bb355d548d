"""`evaluate`: models compared, and nothing else changed."""

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mcp_server import OWN_PROGRAM
from mcp_server.cli.evaluate import evaluate
from mcp_server.errors import InvalidInputError
from mcp_server.recommender.training.quick_models import CANDIDATES
from mcp_server.state.folder import StateFolder
from tests.cli.shop_on_servers import Commands, place_of
from tests.cli.terminal import Terminal, shop_options
from tests.conftest import SHOP
from tests.e2e.test_several_processes import Shop
from tests.mariadb import PrivateServer
from tests.running_servers import PATIENCE_SECONDS, own_environment
from tests.vectors.qdrant_over_http import QdrantOverHttp

METRICS = {f"{name}@{k}" for name in ("ndcg", "recall", "hit", "mrr") for k in (5, 10)}


def _report(state: Path) -> Any:
    return json.loads((state / "evaluation.json").read_text(encoding="utf-8"))


def test_evaluate_compares_models_and_serves_nothing(terminal: Terminal, larger_shop: Path, tmp_path: Path) -> None:
    options = ["--models", "ItemKNN, BPR", "--set", "epochs=1", *shop_options(tmp_path / "state", larger_shop)]
    ended = terminal.run("evaluate", *options)
    assert ended.code == 0, ended.err
    report = _report(tmp_path / "state")
    assert [model["model"] for model in report["models"]] == ["ItemKNN", "BPR"]
    assert (report["failed"], report["interrupted"]) == ([], False)
    for model in report["models"]:
        assert model["metrics"].keys() == METRICS
        assert all(0 <= value <= 1 for value in model["metrics"].values())
        low, high = model["interval"]
        assert low <= model["metrics"]["ndcg@10"] <= high
        row = next(line for line in ended.out.splitlines() if re.search(rf"\b{model['model']}\b", line))
        assert all(f"{model['metrics'][name]:.4f}" in row for name in ("ndcg@10", "recall@10", "hit@10", "mrr@10"))
        assert f"{model['coverage']:.1%}" in row
    [best] = [model for model in report["models"] if "against_best" not in model]
    [other] = [model for model in report["models"] if "against_best" in model]
    difference = other["metrics"]["ndcg@10"] - best["metrics"]["ndcg@10"]
    assert other["against_best"]["difference"] == pytest.approx(difference, abs=2e-6)
    assert max(map(len, ended.out.splitlines())) <= 120
    assert list(terminal.folder.iterdir()) == []
    assert StateFolder(tmp_path / "state").published() is None
    assert list((tmp_path / "state" / "parts").iterdir()) == []


def test_a_model_that_fails_loses_nothing_of_the_others(terminal: Terminal, larger_shop: Path, tmp_path: Path) -> None:
    options = ["--models", "EAZE,ItemKNN,EASE", "--set", "EASE.reg_weight=0", "--set", "ItemKNN.k=5"]
    ended = terminal.run("evaluate", *options, *shop_options(tmp_path / "state", larger_shop))
    assert ended.code == 0, ended.err
    report = _report(tmp_path / "state")
    assert [(model["model"], model["settings"]) for model in report["models"]] == [("ItemKNN", {"k": 5})]
    assert [each["model"] for each in report["failed"]] == ["EAZE", "EASE"]
    assert "there is no general recommender 'EAZE'" in report["failed"][0]["why"]
    assert re.search(r"^EAZE could not be measured: there is no general recommender 'EAZE'", ended.out, re.MULTILINE)
    assert re.search(r"^EASE could not be measured: training EASE .* regularisation$", ended.out, re.MULTILINE)


def test_models_that_all_fail_are_an_error_that_says_why(terminal: Terminal, larger_shop: Path, tmp_path: Path) -> None:
    options = shop_options(tmp_path / "state", larger_shop)
    ended = terminal.run("evaluate", "--models", "EAZE,EASE", "--set", "EASE.k=1", *options)
    assert (ended.code, ended.out) == (2, "")
    said = ended.err.splitlines()[-1]
    assert said.startswith("recsys-mcp: no model could be measured. EAZE: there is no")
    assert "EASE has no setting 'k'" in said
    assert not (tmp_path / "state" / "evaluation.json").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--models", " , "], "--models is empty"),
        (["--models", "EASE", "--plot", "plot.gif"], "has to end in .png or .svg"),
        (["--models", "EASE", "--set", "BPR.epochs=1"], "'BPR' is not among the models: EASE"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_trained(
    terminal: Terminal, tmp_path: Path, options: list[str], said: str
) -> None:
    assert said in terminal.refused("evaluate", *options, *shop_options(tmp_path / "state"))


def test_all_models_that_train_quickly_are_compared_and_plotted(
    terminal: Terminal, larger_shop: Path, tmp_path: Path
) -> None:
    options = ["--models", "all-fast", "--plot", tmp_path / "plot.svg", "--json"]
    for model in ("BPR", "ADMMSLIM", "SLIMElastic"):
        options += ["--set", f"{model}.epochs=1"]
    ended = terminal.run("evaluate", *options, *shop_options(tmp_path / "state", larger_shop))
    report = ended.json
    assert [model["model"] for model in report["models"]] == list(CANDIDATES)
    assert report["left_out"] == []
    assert "all-fast, by estimate at most 60 s each on 30 users, 12 items, 180 interactions: CEASE, CKNN, " in ended.err
    plot = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert all(f">{model}<" in plot for model in CANDIDATES)


def test_a_catalogue_on_which_nothing_trains_quickly_is_refused_with_the_estimates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_server.recommender.training.quick_models.MOST_SECONDS", 0)
    with pytest.raises(InvalidInputError, match=r"interactions: none\. Left out: .*Pop \(about .*Name the models"):
        evaluate("all-fast", dataset=str(SHOP), state=tmp_path / "state")


def test_the_models_that_all_fast_stands_for_are_named_in_the_help(terminal: Terminal) -> None:
    shown = " ".join(terminal.run("evaluate", "--help", COLUMNS="200", TERM="dumb").out.split())
    assert all(re.search(rf"all-fast stands for[^;]*\b{model}\b", shown) for model in CANDIDATES)


@pytest.mark.parametrize("n_measured", [0, 1])
def test_ctrl_c_shows_what_has_been_measured(
    terminal: Terminal, larger_shop: Path, tmp_path: Path, n_measured: int
) -> None:
    models = ["ItemKNN", "BPR"][1 - n_measured :]
    endless = ["--set", "BPR.epochs=1000000", "--set", "BPR.stopping_step=1000000"]
    words = ["evaluate", "--models", ",".join(models), *endless, *shop_options(tmp_path / "state", larger_shop)]
    with subprocess.Popen(
        [*OWN_PROGRAM, *map(str, words)],
        cwd=terminal.folder,
        env=own_environment({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Split at random, BPR: " in line:  # an epoch is done
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert ("ItemKNN " in out) == bool(n_measured)
    assert "BPR" not in out
    if n_measured:
        report = _report(tmp_path / "state")
        assert [model["model"] for model in report["models"]] == ["ItemKNN"]
        assert report["interrupted"]
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
