"""Pictures of items on cards, for a catalogue that says where they are."""

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from mcp_server.apps import build_pages
from mcp_server.cli.doctor_data import examine_dataset
from mcp_server.cli.prepare import prepare_with_progress
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.images import ImageSpec
from mcp_server.dataset.spec import load_spec
from mcp_server.errors import DatasetError
from mcp_server.settings import Settings
from tests.apps.accessibility import problems
from tests.apps.conftest import Open, _opener
from tests.apps.hosted import Host, Server, running_server
from tests.conftest import SHOP
from tests.names import RECOMMEND
from tests.pictures import DOT

BASE = "https://pictures.test/shop/"

PHOTOS = {
    "KIT-01": "kit-01.png",
    "KIT-02": "/kit-02.png",
    "KIT-03": f"{BASE}kit-03.png",
    "TOY-01": "https://elsewhere.test/toy-01.png",
    "TOY-02": "../toy-02.png",
    "TOY-03": "//elsewhere.test/toy-03.png",
    "GAR-01": "javascript:alert(1)",
    "GAR-02": "missing.png",
}


def with_image(folder: Path, image: str) -> Path:
    """The shop with a column of photos, and what it says of them."""
    shutil.copytree(SHOP, folder)
    spec, products = folder / "dataset.yaml", folder / "products.csv"
    declared = f"  title: name\n  image: {image}\n"
    field = "    - {name: photo, kind: text}\n    - {name: department"
    spec.write_text(spec.read_text().replace("  title: name\n", declared).replace("    - {name: department", field, 1))
    rows = list(csv.DictReader(products.read_text().splitlines()))
    with products.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], "photo"])
        writer.writeheader()
        writer.writerows({**row, "photo": PHOTOS.get(row["sku"], "")} for row in rows)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = with_image(tmp_path_factory.mktemp("pictures") / "shop", f"{{field: photo, base: '{BASE}'}}")
    settings = Settings(dataset=str(folder), state=folder / "state")
    prepare_with_progress(settings, Console(stderr=True))
    with running_server(settings, folder / "log") as running:
        yield running


@pytest.fixture
def page(host_script: str, server: Server, host: Host) -> Iterator[Open]:
    host.pictures |= {f"{BASE}kit-0{number}.png": DOT for number in (1, 2, 3)}
    yield from _opener(host, server)


def test_hosts_are_told_where_pictures_are(server: Server) -> None:
    content = server.read("ui://recsys/recommendations")["contents"][0]
    assert content["_meta"]["ui"]["csp"]["resourceDomains"] == ["https://pictures.test"]
    assert f"img-src {BASE};" in content["text"]
    for other in ("taste", "popularity"):
        content = server.read(f"ui://recsys/{other}")["contents"][0]
        assert content["_meta"]["ui"]["csp"]["resourceDomains"] == []
        assert "img-src" not in content["text"]


def test_cards_have_the_pictures_that_are_in_their_place(page: Open) -> None:
    hosted = page("recommendations", domains=["https://pictures.test"])
    hosted.show(RECOMMEND, liked_items=["KIT-04"], items=[name for name in PHOTOS if name != "GAR-02"], k=7)
    pictures = hosted.frame.locator(".card .picture")
    pictures.nth(2).wait_for()
    shown = {address.rpartition("/")[2] for address in pictures.evaluate_all("(all) => all.map((each) => each.src)")}
    assert shown == {"kit-01.png", "kit-02.png", "kit-03.png"}
    assert pictures.evaluate_all("(all) => all.every((each) => each.complete && each.naturalWidth === 1)")
    assert problems(hosted) == []


def test_a_picture_that_cannot_be_loaded_goes_away(server: Server, host_script: str, host: Host) -> None:
    opened = next(_opener(host, server))
    hosted = opened("recommendations", domains=["https://pictures.test"])
    hosted.show(RECOMMEND, liked_items=["KIT-04"], items=["GAR-02"], k=1)
    hosted.frame.locator(".card .chips").wait_for()
    hosted.frame.wait_for_function("document.querySelector('.picture') === null")
    assert host.elsewhere == [f"{BASE}missing.png"]


@pytest.mark.parametrize(
    "image",
    [
        "{field: photo}",
        "{field: price, base: 'https://pictures.test/'}",
        "{field: nowhere, base: 'https://pictures.test/'}",
        "{field: photo, base: 'https://pictures.test/shop'}",
        "{field: photo, base: 'https://pictures.test/; script-src *'}",
        "{field: photo, base: 'https://user:word@pictures.test/'}",
        "{field: photo, base: 'data:image/'}",
        "{field: photo, base: 'http://192.168.1.1/'}",
    ],
)
def test_pictures_that_are_declared_wrongly_are_refused(tmp_path: Path, image: str) -> None:
    with pytest.raises(DatasetError, match="image"):
        load_spec(with_image(tmp_path / "shop", image) / "dataset.yaml")


@pytest.mark.parametrize(
    ("named", "address"),
    [
        ("a b.png", f"{BASE}a b.png"),
        ("//pictures.test/shop/a.png", f"{BASE}a.png"),
        (f"{BASE}sub/a.png", f"{BASE}sub/a.png"),
        ("https://pictures.test/other/a.png", None),
        ("https://pictures.test.evil.test/shop/a.png", None),
        ("%2e%2E/a.png", None),
        ("../a.png", None),
        ("http://pictures.test/shop/a.png", None),
        ("https://[/a.png", None),
        ("data:image/png;base64,AAAA", None),
    ],
)
def test_the_address_of_a_picture(named: str, address: str | None) -> None:
    assert ImageSpec(field="photo", base=BASE).address(named) == address


def test_doctor_tells_of_pictures_that_no_page_shows(tmp_path: Path) -> None:
    folder = with_image(tmp_path / "shop", f"{{field: photo, base: '{BASE}'}}")
    settings = Settings(dataset=str(folder), state=tmp_path / "state")
    found = next(finding for finding in examine_dataset(settings) if finding.check == "pictures")
    assert (found.status, found.details) == ("warning", {"shown": 4, "elsewhere": 4})
    assert found.text == (
        f"4 products have one in {BASE}; 4 have one that is not there, such as javascript:alert(1), "
        "and are shown without it"
    )


def test_what_a_page_is_told_of_pictures(tmp_path: Path) -> None:
    spec = load_spec(with_image(tmp_path / "shop", f"{{field: photo, base: '{BASE}'}}") / "dataset.yaml")
    document = build_pages(DatasetFacts(spec, None))["ui://recsys/recommendations"].html()
    assert json.dumps({"field": "photo", "base": BASE}, separators=(",", ":")) in document
