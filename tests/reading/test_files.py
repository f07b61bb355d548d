"""Where files are looked for, and fingerprints."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_server.dataset.spec import bundled_folder
from mcp_server.errors import DatasetError
from mcp_server.reading.files import DatasetFiles
from tests.conftest import movielens_folder
from tests.reading.records import read_dataset
from tests.reading.shelf import by_id, refusal, specification, write

FILMS = bundled_folder() / "ml-100k" / "dataset.yaml"


def _paths(found: DatasetFiles, part: str) -> list[Path]:
    return [path for source in found.sources[part] for path in source.paths]  # type: ignore[union-attr]


def _films(folder: Path, **changes: Any) -> Path:
    content = {**yaml.safe_load(FILMS.read_text(encoding="utf-8")), **changes}
    (folder / "dataset.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder / "dataset.yaml"


def test_files_of_movielens_are_found_in_the_package_that_ships_them() -> None:
    found = DatasetFiles.find(FILMS, None)
    assert _paths(found, "items") == [FILMS.parent / "movies.jsonl", movielens_folder() / "ml-100k.item"]
    assert _paths(found, "users") == [movielens_folder() / "ml-100k.user"]
    assert _paths(found, "interactions") == [movielens_folder() / "ml-100k.inter"]


def test_the_folder_that_the_user_names_comes_first(tmp_path: Path) -> None:
    (tmp_path / "ml-100k.inter").touch()
    found = DatasetFiles.find(FILMS, tmp_path)
    assert _paths(found, "interactions") == [tmp_path / "ml-100k.inter"]
    assert _paths(found, "users") == [movielens_folder() / "ml-100k.user"]


def test_of_alternatives_in_one_folder_the_first_is_read(tmp_path: Path) -> None:
    for name in ("u.data", "ml-100k.inter"):
        (tmp_path / name).touch()
    assert [path.name for path in _paths(DatasetFiles.find(FILMS, tmp_path), "interactions")] == ["ml-100k.inter"]


def test_a_missing_file_names_all_folders_that_were_searched(tmp_path: Path) -> None:
    spec = _films(tmp_path, folders=["other", "package:no_such_package_here/data"])
    said = refusal(DatasetFiles.find, spec, tmp_path / "mine")
    for part in ("movies.jsonl", str(tmp_path / "mine"), str(tmp_path / "other"), "no_such_package_here", "--data"):
        assert part in said


def test_a_missing_file_names_all_its_alternatives(tmp_path: Path) -> None:
    (tmp_path / "movies.jsonl").touch()
    with pytest.raises(DatasetError, match=r"ml-100k\.item or u\.item"):
        DatasetFiles.find(_films(tmp_path, folders=[]), None)


def test_a_folder_or_a_pattern_stands_for_all_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    for name, rows in {"b.csv": "id,title\nb,B\n", "a.jsonl": '{"title": "A", "id": "a"}\n', "notes.md": "no"}.items():
        (parts / name).write_text(rows, encoding="utf-8")
    for pattern, expected in {"parts": {"a": "A", "b": "B"}, "parts/*.csv": {"b": "B"}}.items():
        write(tmp_path, specification(items={"sources": [{"file": pattern}]}))
        read = read_dataset(DatasetFiles.find(tmp_path / "dataset.yaml", None))
        assert {identifier: item["title"] for identifier, item in by_id(read).items()} == expected


def test_the_fingerprint_changes_with_the_data_but_not_with_the_model(tmp_path: Path) -> None:
    def fingerprint(title: str = "Apple", **more: Any) -> str:
        folder = write(tmp_path, specification(**more), items_csv=f"id,title\na,{title}\n")
        return DatasetFiles.find(folder / "dataset.yaml", None).fingerprint

    before = fingerprint()
    assert fingerprint() == before
    assert fingerprint(model={"name": "BPR"}) == before
    assert fingerprint(missing=["n/a"]) != before
    assert fingerprint("Apples") != before
