"""Preparing again: what is made anew, what is kept, and what is served meanwhile."""

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.errors import DamagedPartError, RecsysError
from mcp_server.state.manifest import Manifest
from tests.conftest import SHOP
from tests.names import HISTORY, RECOMMEND, SEARCH
from tests.names import ITEM as METADATA
from tests.preparation.shops import Prepared, answers, ask, served


def times_of_change(folder: Path) -> dict[Path, int]:
    """Of all files but locks, which every run takes, and the vector engine's own, which it touches to open them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    ours = [path for path in files if not path.name.endswith("lock") and "store" not in path.parts]
    return {path: path.stat().st_mtime_ns for path in ours}


def identities(folder: Path) -> dict[Path, int]:
    """Of the folders of all parts: a part that is made again has another."""
    return {part: part.stat().st_ino for part in (folder / "parts").iterdir()}


def assert_tidy(prepared: Prepared, *former: Manifest) -> None:
    """There are just the parts of what is served and of former states, and nothing half-made."""
    states = [prepared.state.manifest(), *former]
    names = {name for state in states for name in (state.catalog, state.model, state.vectors) if name}
    assert prepared.part_names == names
    assert not prepared.state.progress_file.exists()


def test_a_second_run_makes_nothing(prepared: Prepared, embedded: list[str]) -> None:
    folder = prepared.settings.state_folder
    before, parts = times_of_change(folder), identities(folder)
    outcome = prepared.prepare()
    assert outcome.made == []
    assert embedded == []
    assert times_of_change(folder) == before
    assert identities(folder) == parts


async def test_a_new_purchase_only_loads_the_catalogue(prepared: Prepared, embedded: list[str]) -> None:
    before = prepared.state.manifest()
    prepared.add("purchases.csv", "newcomer,TOY-04")
    outcome = prepared.prepare()
    assert outcome.made == ["catalog"]
    assert embedded == []
    assert (outcome.manifest.vectors, outcome.manifest.model) == (before.vectors, before.model)
    async with served(prepared) as service:
        history = await service.call(HISTORY, {"user": "newcomer"})
        recommended = await service.call(RECOMMEND, {"user": "newcomer", "k": 20})
    assert [item["item_id"] for item in history["items"]] == ["TOY-04"]
    products = {line.split(",")[0] for line in (SHOP / "products.csv").read_text("utf-8").splitlines()[1:]}
    assert {item["item_id"] for item in recommended["items"]} == products - {"TOY-04"}


async def test_a_changed_text_is_the_only_one_embedded(prepared: Prepared, embedded: list[str]) -> None:
    before = prepared.state.manifest()
    prepared.change("products.csv", "TOY-02,Kite,", "TOY-02,Paper dragon on a string,")
    outcome = prepared.prepare()
    assert outcome.made == ["catalog", "vectors"]
    assert set(embedded) == {"Paper dragon on a string", "Toys product. plastic, cotton. Paper dragon on a string"}
    assert outcome.manifest.model == before.model
    async with served(prepared) as service:
        found = await service.call(SEARCH, {"query": "a dragon made of paper", "k": 1})
    assert [item["item_id"] for item in found["items"]] == ["TOY-02"]
    assert found["items"][0]["title"] == "Paper dragon on a string"


def test_a_changed_price_only_loads_the_catalogue(prepared: Prepared, embedded: list[str]) -> None:
    prepared.change("products.csv", "wood,24.5,12", "wood,19.5,12")
    assert prepared.prepare().made == ["catalog"]
    assert embedded == []


async def test_a_new_product_moves_no_other_products_texts(prepared: Prepared, embedded: list[str]) -> None:
    prepared.change("dataset.yaml", "search:", "model: {name: CKNN}\nsearch:")
    prepared.add("products.csv", "AAA-01,Rocking horse,Toys,wood,90,1")  # before all others in order
    assert prepared.prepare().made == ["catalog", "vectors", "model"]
    assert set(embedded) == {"Rocking horse", "Toys product. wood. Rocking horse"}
    async with served(prepared) as service:
        for query, product in {"a horse that rocks": "AAA-01", "a can for watering plants": "GAR-02"}.items():
            found = await service.call(SEARCH, {"query": query, "k": 1})
            assert [item["item_id"] for item in found["items"]] == [product]


def test_former_parts_stay_for_who_still_reads_them_until_the_next_state(prepared: Prepared) -> None:
    first = prepared.state.manifest()
    prepared.change("products.csv", "TOY-02,Kite,", "TOY-02,Box kite,")
    second = prepared.prepare().manifest
    assert_tidy(prepared, first)
    prepared.change("products.csv", "TOY-02,Box kite,", "TOY-02,Stunt kite,")
    third = prepared.prepare().manifest
    assert_tidy(prepared, second)
    assert len({first.catalog, second.catalog, third.catalog, first.vectors, second.vectors, third.vectors}) == 6


async def test_another_model_in_the_dataset_file_is_trained(prepared: Prepared, embedded: list[str]) -> None:
    before = await answers(prepared)
    prepared.add("dataset.yaml", "model: {name: CKNN, settings: {neighbours: 2}}")
    outcome = prepared.prepare()
    assert outcome.made == ["model"]
    assert embedded == []
    after = await answers(prepared)
    assert after[0]["items"] != before[0]["items"]
    assert after[1:] == before[1:]


async def test_a_model_chosen_by_train_is_kept_until_train_goes_back(prepared: Prepared) -> None:
    original = await answers(prepared)
    assert prepared.train("CKNN").made == ["model"]
    chosen = await answers(prepared)
    assert chosen[0]["items"] != original[0]["items"]
    assert prepared.prepare().made == []
    prepared.change("products.csv", "wood,24.5,12", "wood,19.5,12")
    assert prepared.prepare().made == ["catalog"]
    assert (await answers(prepared))[0] == chosen[0]
    assert prepared.train(None).made == ["model"]
    assert (await answers(prepared))[0] == original[0]
    assert prepared.prepare().made == []


def spoil_purchases(prepared: Prepared) -> None:
    prepared.add("purchases.csv", "anna,KIT-04,surplus")


def remove_customers(prepared: Prepared) -> None:
    (prepared.dataset / "customers.csv").unlink()


def spoil_price(prepared: Prepared) -> None:
    prepared.change("products.csv", "wood,24.5,12", "wood,cheap,12")


def break_yaml(prepared: Prepared) -> None:
    prepared.add("dataset.yaml", "model: {name: EASE")


def ask_for_an_unknown_language(prepared: Prepared) -> None:
    prepared.change("dataset.yaml", "texts: [name]", "texts: [name], language: klingon")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_purchases, "purchases.csv, line 25: 3 columns instead of 2"),
        (remove_customers, "customers.csv"),
        (spoil_price, r"products\.csv, line 2: price 'cheap' is not a number"),
        (break_yaml, "dataset.yaml cannot be read as YAML"),
        (ask_for_an_unknown_language, r"search\.language.*'english'"),
    ],
)
async def test_a_failing_preparation_leaves_what_is_served(
    prepared: Prepared, spoil: Callable[[Prepared], None], said: str
) -> None:
    async with served(prepared) as service:
        before = await ask(service)
        published = prepared.state.manifest()
        spoil(prepared)
        with pytest.raises(RecsysError, match=said):
            prepared.prepare()
        assert await ask(service) == before
    assert prepared.state.manifest() == published
    assert await answers(prepared) == before
    assert not any(name.startswith(".") for name in prepared.part_names)
    assert not prepared.state.progress_file.exists()


async def test_a_training_that_fails_leaves_the_new_catalogue_with_the_old_model(prepared: Prepared) -> None:
    before = await answers(prepared)
    model = prepared.state.manifest().model
    prepared.change("products.csv", "TOY-02,Kite,", "TOY-02,Box kite,")
    prepared.add("dataset.yaml", "model: {name: Nope}")
    with pytest.raises(RecsysError, match=r"'Nope'.*BPR"):
        prepared.prepare()
    assert prepared.state.manifest().model == model
    after = await answers(prepared)
    assert after[2]["items"][0]["title"] == "Box kite"
    assert [item["score"] for item in after[0]["items"]] == [item["score"] for item in before[0]["items"]]
    prepared.change("dataset.yaml", "Nope", "CKNN")
    assert prepared.prepare().made == ["model"]


async def test_an_unknown_embedding_model_leaves_what_is_served(prepared: Prepared) -> None:
    before = await answers(prepared)
    other = prepared.settings.model_copy(update={"embedding_model": "nobody/nothing"})
    with pytest.raises(RecsysError, match="no text model 'nobody/nothing'"):
        prepare_with_progress(other, Console(stderr=True))
    assert await answers(prepared) == before


async def test_an_open_service_takes_over_a_new_state(prepared: Prepared) -> None:
    async with served(prepared) as service:
        before = await ask(service)
        prepared.change("products.csv", "TOY-02,Kite,", "TOY-02,Box kite,")
        prepared.prepare()
        after = await ask(service)
    assert [item["title"] for item in before[2]["items"]] == ["Kite", "Oak chopping board"]
    assert [item["title"] for item in after[2]["items"]] == ["Box kite", "Oak chopping board"]
    assert after == await answers(prepared)


async def test_calls_during_a_preparation_give_the_old_or_the_new_answer(prepared: Prepared) -> None:
    question = {"items": ["TOY-02"], "get": ["materials"]}
    titles = []
    async with served(prepared) as service:
        await ask(service)
        prepared.change("products.csv", "TOY-02,Kite,", "TOY-02,Box kite,")
        running = asyncio.create_task(asyncio.to_thread(prepared.prepare))
        while not running.done():
            titles.append((await service.call(METADATA, question))["items"][0]["title"])
            await asyncio.sleep(0)
        await running
        titles.append((await service.call(METADATA, question))["items"][0]["title"])
    first_new = titles.index("Box kite")
    assert set(titles[:first_new]) == {"Kite"}
    assert set(titles[first_new:]) == {"Box kite"}


def run_at_once(prepared: Prepared, count: int) -> list[str]:
    """What so many processes report that prepare at the same time; all must end well."""
    command = [sys.executable, "-m", "mcp_server", "prepare", "--dataset", str(prepared.dataset)]
    command += ["--state", str(prepared.settings.state_folder)]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(count)]
    reports = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0] * count, reports
    return reports


async def test_two_preparations_at_once_end_well_with_one_state(prepared: Prepared) -> None:
    expected = await answers(prepared)
    current = prepared.state.manifest()
    assert current.vectors is not None
    for name in (current.catalog, current.vectors):
        shutil.rmtree(prepared.state.part(name))
    prepared.state.manifest_file.unlink()
    reports = run_at_once(prepared, 2)
    assert sorted(re.findall(r"is ready \((.*);", "".join(reports))) == [
        "everything was up to date",
        "made: catalog, vectors",
    ]
    assert_tidy(prepared)
    assert await answers(prepared) == expected


@pytest.mark.parametrize("kind", ["catalog", "vectors"])
async def test_a_deleted_part_is_made_again(prepared: Prepared, embedded: list[str], kind: str) -> None:
    expected = await answers(prepared)
    name = getattr(prepared.state.manifest(), kind)
    shutil.rmtree(prepared.state.part(name))
    assert prepared.prepare().made == [kind]
    assert embedded == []
    assert await answers(prepared) == expected


async def test_a_corrupt_model_is_mended_as_its_error_says(prepared: Prepared) -> None:
    expected = await answers(prepared)
    tensors = prepared.state.part(prepared.state.manifest().model) / "artifact.safetensors"
    content = bytearray(tensors.read_bytes())
    content[-1] ^= 0xFF
    tensors.write_bytes(content)
    with pytest.raises(DamagedPartError, match=r"safetensors has changed.*run `recsys-mcp prepare` to make it again"):
        await answers(prepared)
    assert prepared.prepare().made == ["model"]
    assert await answers(prepared) == expected


@pytest.mark.parametrize("length", [0, 1_000])
async def test_a_damaged_record_of_what_is_served_is_written_again(prepared: Prepared, length: int) -> None:
    expected = await answers(prepared)
    file = prepared.state.manifest_file
    file.write_bytes(file.read_bytes()[:length])
    assert prepared.state.published() is None
    assert prepared.prepare().made == []
    assert await answers(prepared) == expected


async def test_without_search_in_the_dataset_file_there_are_no_vectors(prepared: Prepared) -> None:
    prepared.change("dataset.yaml", "search: {texts: [name]}\n", "")
    outcome = prepared.prepare()
    assert outcome.made == ["catalog"]
    assert outcome.manifest.vectors is None
    async with served(prepared) as service:
        assert SEARCH not in service.tools


async def test_an_item_that_nobody_has_used_is_recommended_by_what_it_is(prepared: Prepared) -> None:
    prepared.add("products.csv", "KIT-99,Beech chopping board,Kitchen,wood,19.5,4")
    prepared.add("products.csv", "TOY-99,Tin drum,Toys,steel,9.5,4")
    prepared.train(None)
    async with served(prepared) as service:
        wooden = await service.call(RECOMMEND, {"liked_items": ["KIT-01", "KIT-03"], "k": 100})
        by_cold = await service.call(RECOMMEND, {"liked_items": ["KIT-99"], "k": 3})
    places = {item["item_id"]: place for place, item in enumerate(wooden["items"])}
    assert places["KIT-99"] < places["TOY-99"]
    assert {item["item_id"] for item in by_cold["items"]} <= {
        "KIT-01",
        "KIT-02",
        "KIT-03",
        "KIT-04",
        "GAR-01",
        "TOY-01",
    }
    assert by_cold["items"][0]["fit"] == 100
