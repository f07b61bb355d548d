"""A catalogue that grows: it is served at once by the model of before, which is trained again when it is worth it."""

import csv
import json
import multiprocessing
import time
from pathlib import Path

import pytest
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.dataset.spec import ModelSpec
from mcp_server.preparation.prepare import Wish
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder
from mcp_server.state.manifest import Manifest
from tests.names import FILTER, HISTORY, ITEM, POPULAR, RECOMMEND, SEARCH
from tests.preparation.machines import Machine
from tests.preparation.shops import Prepared, served

CHEAP = "ZZZ-01,Wind chime,Garden,steel,8,4"
"""A new product, after all others in order."""
FIRST = "AAA-01,Rocking horse,Toys,wood,90,1"
"""A new product, before all others in order, so that their positions change."""


def said(capsys: pytest.CaptureFixture[str], beginning: str) -> list[str]:
    """The lines on stderr that begin so."""
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith(beginning)]


async def scores(prepared: Prepared, user: str) -> dict[str, float]:
    async with served(prepared) as service:
        found = await service.call(RECOMMEND, {"user": user, "k": 20, "detail": "full"})
    return {item["item_id"]: item["score"] for item in found["items"]}


async def test_a_new_product_is_found_at_once_and_others_keep_their_scores(
    prepared: Prepared, capsys: pytest.CaptureFixture[str]
) -> None:
    before = await scores(prepared, "anna")
    prepared.add("products.csv", CHEAP)
    prepared.change(
        "products.csv",
        "sku,name,department,materials,price,stock\n",
        "sku,name,department,materials,price,stock\n" + FIRST + "\n",
    )
    outcome = prepared.prepare(Wish(retrain="never"))
    assert outcome.made == ["catalog", "vectors"]
    assert said(capsys, "keeping the model") != []
    after = await scores(prepared, "anna")
    assert {sku: after[sku] for sku in before} == before
    async with served(prepared) as service:
        filtered = await service.call(FILTER, {"materials": ["steel"]})
        assert "ZZZ-01" in {item["item_id"] for item in filtered["items"]}
        found = await service.call(SEARCH, {"query": "a horse that rocks", "k": 1})
        assert found["items"][0]["item_id"] == "AAA-01"
        known = await service.call(ITEM, {"items": ["AAA-01", "KIT-01"], "get": ["name"]})
        assert [item["title"] for item in known["items"]] == ["Rocking horse", "Oak chopping board"]


async def test_a_new_product_that_sells_is_popular_at_once_and_recommended_after_all_known_ones(
    prepared: Prepared,
) -> None:
    prepared.add("products.csv", CHEAP)
    for customer in ("ben", "cleo", "dora", "emil", "fred", "gina"):
        prepared.add("purchases.csv", f"{customer},ZZZ-01")
    prepared.prepare(Wish(retrain="never"))
    async with served(prepared) as service:
        popular = await service.call(POPULAR, {"k": 1, "items": ["ZZZ-01", "TOY-04"]})
        assert popular["items"][0]["item_id"] == "ZZZ-01"
        recommended = await service.call(RECOMMEND, {"user": "anna", "k": 20, "reasons": True})
        assert recommended["items"][-1]["item_id"] == "ZZZ-01"
        assert recommended["items"][-1]["because"] == []
        alike = await service.call(RECOMMEND, {"liked_items": ["ZZZ-01"], "k": 3})
        assert "Nothing could be concluded from the products given" in alike["message"]


def drift_of(prepared: Prepared) -> tuple[int, int, int]:
    drift = prepared.state.manifest().drift
    assert drift is not None
    return drift.n_new, drift.n_gone, drift.n_new_items


def test_what_the_model_does_not_know_is_recorded_and_forgotten_when_it_is_trained(
    prepared: Prepared, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift_of(prepared) == (0, 0, 0)
    prepared.add("purchases.csv", "newcomer,TOY-04")
    before = prepared.state.manifest()
    assert prepared.prepare().made == ["catalog"]
    assert drift_of(prepared) == (1, 0, 0)
    (sentence,) = said(capsys, "keeping the model")
    assert "% of the purchases are new; `recsys-mcp prepare --retrain always` trains now" in sentence
    assert prepared.prepare().made == []
    assert said(capsys, "keeping the model") == [sentence]
    assert prepared.prepare(Wish(retrain="always")).made == ["model"]
    assert drift_of(prepared) == (0, 0, 0)
    after = prepared.state.manifest()
    assert after.model != before.model
    assert after.trained_at is not None and before.trained_at is not None
    assert before.trained_at <= after.trained_at <= time.time()


def test_many_new_purchases_train_again_with_the_reason(prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    for sku in ("TOY-01", "TOY-03"):
        prepared.add("purchases.csv", f"newcomer,{sku}")
    assert prepared.prepare().made == ["catalog", "model"]
    assert said(capsys, "training again: ")[0].endswith("% of the purchases are new")


def test_an_old_model_is_trained_again_although_the_files_are_unchanged(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared.add("purchases.csv", "newcomer,TOY-04")
    assert prepared.prepare().made == ["catalog"]
    now = time.time()
    monkeypatch.setattr("mcp_server.preparation.prepare.time.time", lambda: now + 8 * 86_400)
    assert prepared.prepare().made == ["model"]


def test_the_dataset_says_when_to_train(prepared: Prepared) -> None:
    prepared.add("dataset.yaml", "model: {retrain: never}")
    for sku in ("TOY-01", "TOY-03", "KIT-03"):
        prepared.add("purchases.csv", f"newcomer,{sku}")
    assert prepared.prepare().made == ["catalog"]
    assert prepared.prepare(Wish(retrain="auto")).made == ["model"]


def test_train_trains_whatever_the_dataset_says(prepared: Prepared) -> None:
    prepared.add("dataset.yaml", "model: {retrain: never}")
    prepared.add("purchases.csv", "newcomer,TOY-04")
    assert prepared.prepare().made == ["catalog"]
    assert prepared.train(None).made == ["model"]


def _prepare(settings: Settings) -> None:
    prepare_with_progress(settings, Console(stderr=True))


def test_the_catalogue_is_published_before_training_and_survives_its_end(prepared: Prepared) -> None:
    """The process is killed as soon as the new catalogue is published, in the middle of a long training."""
    before = prepared.state.manifest()
    prepared.add("dataset.yaml", "model: {name: BPR, settings: {epochs: 100000, stopping_step: 100000}}")
    prepared.change("products.csv", "TOY-02,Kite,", "TOY-02,Box kite,")
    process = multiprocessing.get_context("spawn").Process(target=_prepare, args=(prepared.settings,))
    process.start()
    until = time.monotonic() + 120
    while prepared.state.manifest().catalog == before.catalog:
        assert time.monotonic() < until
        time.sleep(0.05)
    process.kill()
    process.join()
    assert prepared.state.manifest().model == before.model
    prepared.change("dataset.yaml", "{epochs: 100000, stopping_step: 100000}", "{epochs: 1}")
    assert prepared.prepare().made == ["model"]


# Too little to train


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A dataset of four products, with no purchase yet."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "dataset.yaml").write_text(
        "name: tiny\ntitle: Tiny\n"
        "nouns: {item: product, items: products, interaction: purchase, interactions: purchases}\n"
        "items: {id: id, id_type: string, title: name, sources: [{file: items.csv, format: delimited}],"
        " fields: [{name: name, kind: text, filter: true}]}\n"
        "users: {id: user, id_type: string}\n"
        "interactions: {user: user, item: item, sources: [{file: inter.csv, format: delimited}]}\n",
        encoding="utf-8",
    )
    (folder / "items.csv").write_text("id,name\na,Apple\nb,Bread\nc,Cheese\nd,Dates\n", encoding="utf-8")
    return folder


def _buy(dataset: Path, purchases: str) -> Prepared:
    """The dataset with these purchases, as in "u:a u:b"."""
    rows = [purchase.split(":") for purchase in purchases.split()]
    with (dataset / "inter.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["user", "item"], *rows])
    return Prepared(dataset, Settings(_env_file=None, dataset=str(dataset), state=dataset.parent / "state"))


def _kind(prepared: Prepared) -> str:
    state = StateFolder(prepared.settings.state_folder)
    header = json.loads((state.part(state.manifest().model) / "artifact.json").read_text("utf-8"))
    kind: str = header["kind"]
    return kind


TINY4 = "u0:a u0:b u0:d u1:a u1:c u1:d u2:b u2:c u3:a u3:b u3:d u4:a u4:c u4:d u5:b u5:c u6:a u6:b u7:c"


async def test_four_products_are_enough_to_train(tiny: Path) -> None:
    prepared = _buy(tiny, TINY4)
    assert prepared.prepare().made == ["catalog", "model"]
    assert _kind(prepared) == "item_item"
    async with served(prepared) as service:
        found = await service.call(RECOMMEND, {"user": "u7", "k": 20})
    assert {item["item_id"] for item in found["items"]} == {"a", "b", "d"}


@pytest.mark.parametrize("purchases", ["u:a", "u:a u:b u:c", "u:a v:a w:a", "u:a u:b v:a v:b"])
async def test_where_nothing_can_be_learnt_popularity_stands_in_and_says_so(
    tiny: Path, purchases: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = _buy(tiny, purchases)
    outcome = prepared.prepare()
    assert outcome.made == ["catalog", "model"]
    assert _kind(prepared) == "popularity"
    assert outcome.manifest.card.notes == [
        "There is too little to learn from, so the products with the most purchases are recommended."
    ]
    assert prepared.prepare().made == []
    async with served(prepared) as service:
        await service.call(RECOMMEND, {"user": "u", "k": 4})
        history = await service.call(HISTORY, {"user": "u"})
    assert {item["item_id"] for item in history["items"]} == {
        purchase[2:] for purchase in purchases.split() if purchase.startswith("u:")
    }


async def test_a_model_is_trained_once_there_is_enough_and_the_note_goes(tiny: Path) -> None:
    _buy(tiny, "u:a").prepare()
    prepared = _buy(tiny, TINY4)
    outcome = prepared.prepare()
    assert outcome.made == ["catalog", "model"]
    assert outcome.manifest.card.notes == []
    assert _kind(prepared) == "item_item"


# A state in a database


def lent(machine: Machine, *states: Manifest) -> list[str]:
    """Things that are neither of the present state nor of these."""
    return [left for left in machine.leftovers(machine.manifest, *states) if not left.startswith("copy")]


async def test_a_database_serves_a_new_product_by_the_model_of_before(machine: Machine) -> None:
    before, first = await machine.answers(), machine.manifest
    machine.change("products.csv", "KIT-01,Oak", f"{FIRST}\nKIT-01,Oak")
    prepare_with_progress(machine.settings, Console(stderr=True), Wish(retrain="never"))
    assert machine.manifest.model == first.model
    assert machine.manifest.drift is not None
    assert machine.manifest.drift.n_new_items == 1
    after = await machine.answers()
    assert after[0] == before[0]
    assert after[1:4] != [] and after[3] == before[3]
    elsewhere = machine.elsewhere("another-machine")
    assert await elsewhere.answers() == after


async def test_a_database_keeps_the_catalogue_of_before_until_the_preparation_after_the_training(
    machine: Machine,
) -> None:
    first = machine.manifest
    async with machine.served() as service:
        question = {"user": "anna", "k": 3}
        expected = await service.call(RECOMMEND, question)
        machine.change("products.csv", "KIT-01,Oak", f"{FIRST}\nKIT-01,Oak")
        outcome = machine.prepare(ModelSpec(name="CKNN"))
        assert outcome.made == ["catalog", "model"]
        assert lent(machine, first) == []
        assert expected["items"] != []
    machine.set_price(99)
    machine.prepare()
    assert first.catalog not in {f"catalog-{name.split('_')[1]}" for name in machine.tables if name.count("_") > 1}
