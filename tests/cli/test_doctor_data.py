"""`doctor`: what it finds in the data of a dataset."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.cli.terminal import Terminal
from tests.conftest import SHOP
from tests.discovery import layouts


def findings_of(terminal: Terminal, dataset: Path, tmp_path: Path) -> list[dict[str, object]]:
    """All findings. Nothing has been prepared, so that the state is an error."""
    ended = terminal.run("doctor", "--json", "--dataset", dataset, "--state", tmp_path / "state")
    assert ended.code == 1
    found: list[dict[str, object]] = json.loads(ended.out)
    return found


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the corner shop, to be changed."""
    shutil.copytree(SHOP, tmp_path / "shop")
    return tmp_path / "shop"


def append(path: Path, *lines: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)


def test_rows_shares_and_unused_columns_are_told(terminal: Terminal, shop: Path, tmp_path: Path) -> None:
    found = {str(finding["check"]): finding for finding in findings_of(terminal, shop, tmp_path)}
    n_products = len((shop / "products.csv").read_text("utf-8").splitlines()) - 1
    n_purchases = len((shop / "purchases.csv").read_text("utf-8").splitlines()) - 1
    assert f"products.csv {n_products} rows" in str(found["sources"]["text"])
    assert f"purchases.csv {n_purchases} rows" in str(found["sources"]["text"])
    assert str(found["products"]["text"]).startswith(f"{n_products}")
    assert found["cost"]["status"] == "ok"
    assert "with CEASE" in str(found["cost"]["text"])
    assert "columns" not in found  # the shop uses all of them


def test_what_is_odd_in_the_data_is_named(terminal: Terminal, shop: Path, tmp_path: Path) -> None:
    header, *rows = (shop / "products.csv").read_text("utf-8").splitlines()
    lines = [f"{header},colour", *(f"{row},red" for row in rows), f"{rows[0]},red"]
    (shop / "products.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    append(shop / "purchases.csv", "nobody,nothing")
    findings = findings_of(terminal, shop, tmp_path)
    found = {str(finding["check"]): str(finding["text"]) for finding in findings}
    assert "of which 1 repeat an ID" in found["sources"]
    assert found["columns"] == "not used: products.csv: colour"
    notes = [finding for finding in findings if finding["check"] == "reading"]
    assert [finding["status"] for finding in notes] == ["warning"] * len(notes)
    assert any("name an unknown product (such as 'nothing')" in str(finding["text"]).replace("names", "name")
               for finding in notes)  # fmt: skip


def test_a_value_that_cannot_be_read_is_an_error_with_its_place(terminal: Terminal, shop: Path, tmp_path: Path) -> None:
    rows = (shop / "products.csv").read_text("utf-8").splitlines()
    cells = rows[1].split(",")
    cells[4] = "cheap"
    (shop / "products.csv").write_text("\n".join([rows[0], ",".join(cells), *rows[2:], ""]), encoding="utf-8")
    found = {str(finding["check"]): finding for finding in findings_of(terminal, shop, tmp_path)}
    assert found["data"]["status"] == "error"
    assert "products.csv, line 2: price 'cheap' is not a number" in str(found["data"]["text"])


def test_fields_are_shown_on_request(terminal: Terminal, tmp_path: Path) -> None:
    films = layouts.films(tmp_path / "films")
    assert terminal.run("init", films, "--yes").code == 0
    options = ["doctor", "--dataset", films / "dataset.yaml", "--state", tmp_path / "state"]
    ended = terminal.run(*options, "--details")
    (year,) = [line for line in ended.out.splitlines() if line.startswith("movies  year")]
    assert year.split()[2:8] == ["number", "0%", "30", "1961", "to", "1990"]
    assert "movies  year" not in terminal.run(*options).out


def test_the_data_is_not_read_if_that_is_not_wanted(terminal: Terminal, shop: Path, tmp_path: Path) -> None:
    ended = terminal.run("doctor", "--quick", "--dataset", shop, "--state", tmp_path / "state")
    assert "sources" not in ended.out
    assert "dataset" in ended.out


GERMAN = "Der alte Hund läuft mit dem Kind durch die Stadt und sucht das Haus, in dem sie im Winter nicht wohnen. "


def _of_search(shop: Path, language: str, text: str) -> None:
    header, *rows = (shop / "products.csv").read_text("utf-8").splitlines()
    lines = [f"{header},story", *(f'{row},"{text}"' for row in rows)]
    (shop / "products.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    spec = yaml.safe_load((shop / "dataset.yaml").read_text("utf-8"))
    spec["items"]["fields"].append({"name": "story", "kind": "text"})
    spec["search"] = {"texts": ["story"], "language": language}
    (shop / "dataset.yaml").write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")


@pytest.mark.parametrize(
    ("language", "text", "status", "said"),
    [
        ("english", "The old dog walks with a child through the town, and they are looking for his house.", "ok",
         ["seem to be english", "bundled-minilm is for it"]),
        ("english", GERMAN, "warning", ["seem to be german", "language: english", "bundled-minilm is not for german"]),
        ("german", GERMAN, "warning", ["bundled-minilm is not for german", "RECSYS_EMBEDDING_MODEL"]),
        ("italian", "xqz 17", "warning", ["search: {language: italian}", "bundled-minilm is not for italian"]),
    ],
)  # fmt: skip
def test_a_language_that_search_is_not_set_up_for_is_told(
    terminal: Terminal, shop: Path, tmp_path: Path, language: str, text: str, status: str, said: list[str]
) -> None:
    _of_search(shop, language, text)
    found = {str(finding["check"]): finding for finding in findings_of(terminal, shop, tmp_path)}["language"]
    assert found["status"] == status
    assert [each for each in said if each not in str(found["text"])] == []
