"""The formats of files, where files are looked for, and what is said of a bad line."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp_server.dataset.readers import LocatedFile, locate_sources, read_rows

from mcp_server.dataset.records import Dataset, DatasetFiles, read_dataset
from mcp_server.dataset.sources import SourceFile
from mcp_server.dataset.spec import DatasetSpec, bundled_folder, load_spec
from mcp_server.errors import DatasetError
from tests.conftest import SHOP, movielens_folder

FILMS = bundled_folder() / "ml-100k" / "dataset.yaml"


def _file(folder: Path, content: str, format_: str, *, encoding: str = "utf-8", **options: Any) -> LocatedFile:
    path = folder / "records"
    path.write_bytes(content.encode(encoding))
    source = SourceFile.model_validate({"file": path.name, "format": format_, "encoding": encoding, **options})
    return LocatedFile(source, path)


def _rows(file: LocatedFile) -> list[dict[str, object]]:
    return [dict(row) for _, row in read_rows(file)]


def test_jsonl_is_an_object_a_line_and_blank_lines_are_nothing(tmp_path: Path) -> None:
    file = _file(tmp_path, '{"id": 1, "names": ["Ö", "b"]}\n\n{"id": "x", "names": null}', "jsonl")
    assert [(number, dict(row)) for number, row in read_rows(file)] == [
        (1, {"id": 1, "names": ["Ö", "b"]}),
        (3, {"id": "x", "names": None}),
    ]


def test_delimited_takes_its_columns_from_the_header(tmp_path: Path) -> None:
    file = _file(tmp_path, 'sku,name\nA,"Knife, 20 cm"\nB,"say ""hi"""\n', "delimited")
    assert _rows(file) == [{"sku": "A", "name": "Knife, 20 cm"}, {"sku": "B", "name": 'say "hi"'}]


def test_delimited_without_header_takes_its_columns_from_the_specification(tmp_path: Path) -> None:
    file = _file(tmp_path, "1\t2\n3\t4\n", "delimited", separator="\t", columns=["user", "item"])
    assert _rows(file) == [{"user": "1", "item": "2"}, {"user": "3", "item": "4"}]


def test_quotes_are_plain_characters_where_columns_are_not_parted_by_commas(tmp_path: Path) -> None:
    file = _file(tmp_path, '1|"Wild" Bill\n', "delimited", separator="|", columns=["id", "name"])
    assert _rows(file) == [{"id": "1", "name": '"Wild" Bill'}]


def test_flags_become_a_list_of_the_columns_that_hold_one(tmp_path: Path) -> None:
    file = _file(tmp_path, "id,a,b,c\n7,1,0,1\n8,0,0,0\n", "delimited", flags={"tags": ["a", "b", "c"]})
    assert [row["tags"] for row in _rows(file)] == [["a", "c"], []]


def test_atomic_columns_are_named_before_their_type(tmp_path: Path) -> None:
    file = _file(tmp_path, "user_id:token\tmood:token_seq\n5\tsad and slow\n6\t\n", "atomic")
    assert _rows(file) == [{"user_id": "5", "mood": "sad and slow"}, {"user_id": "6", "mood": ""}]


@pytest.mark.parametrize("format_", ["jsonl", "delimited", "atomic"])
def test_lines_may_end_as_on_windows(tmp_path: Path, format_: str) -> None:
    line, row = {
        "jsonl": ('{"id": "a", "n": "1"}', {"id": "a", "n": "1"}),
        "delimited": ("id,n\r\na,1", {"id": "a", "n": "1"}),
        "atomic": ("id:token\tn:float\r\na\t1", {"id": "a", "n": "1"}),
    }[format_]
    assert _rows(_file(tmp_path, f"{line}\r\n", format_)) == [row]


def test_a_blank_line_at_the_end_of_an_atomic_file_is_nothing(tmp_path: Path) -> None:
    assert _rows(_file(tmp_path, "id:token\tn:float\na\t1\n\n", "atomic")) == [{"id": "a", "n": "1"}]


@pytest.mark.parametrize(
    ("content", "format_", "said"),
    [
        ('{"id": 1}\n{"id": 2,}\n', "jsonl", "line 2: not JSON"),
        ("{}\n[1, 2]\n", "jsonl", "line 2: not a JSON object"),
        ("a,b\n1,2\n3\n", "delimited", "line 3: 1 columns instead of 2"),
        ("a,b\n1,2,3\n", "delimited", "line 2: 3 columns instead of 2"),
        ("", "delimited", "empty"),
        ("a:token\tb:token\n1\t2\n3\n", "atomic", "line 3: 1 columns instead of 2"),
        ("a\tb\n1\t2\n", "atomic", "line 1"),
    ],
)
def test_a_line_that_breaks_the_format_is_named(tmp_path: Path, content: str, format_: str, said: str) -> None:
    file = _file(tmp_path, content, format_)
    with pytest.raises(DatasetError, match=said) as refused:
        _rows(file)
    assert str(file.path) in str(refused.value)


@pytest.mark.parametrize("format_", ["jsonl", "delimited", "atomic"])
def test_a_file_of_another_encoding_is_named(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "records"
    path.write_bytes(b"caf\xe9:token\n")
    file = LocatedFile(SourceFile.model_validate({"file": "records", "format": format_}), path)
    with pytest.raises(DatasetError, match="utf-8") as refused:
        _rows(file)
    assert str(path) in str(refused.value)


def test_an_unknown_encoding_is_refused_by_its_name(tmp_path: Path) -> None:
    shutil.copytree(SHOP, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "dataset.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["items"]["sources"][0]["encoding"] = "klingon"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(DatasetError, match="klingon"):
        read_dataset(DatasetFiles.find(path, None))


def test_a_separator_may_have_several_characters(tmp_path: Path) -> None:
    path = tmp_path / "ratings.dat"
    path.write_text('1::"Heat" (1995)::5\r\n2::a:b::3\n', encoding="utf-8")
    source = SourceFile(file="ratings.dat", format="delimited", separator="::", columns=["user", "item", "rating"])
    assert [row for _, row in read_rows(LocatedFile(source, path))] == [
        {"user": "1", "item": '"Heat" (1995)', "rating": "5"},
        {"user": "2", "item": "a:b", "rating": "3"},
    ]


def _films_spec() -> DatasetSpec:
    return load_spec(FILMS)


def test_files_of_movielens_are_found_in_the_package_that_ships_them() -> None:
    found = locate_sources(_films_spec(), FILMS.parent, None)
    assert [file.path for file in found["items"]] == [
        FILMS.parent / "movies.jsonl",
        movielens_folder() / "ml-100k.item",
    ]
    assert [file.path for file in found["users"]] == [movielens_folder() / "ml-100k.user"]
    assert [file.path for file in found["interactions"]] == [movielens_folder() / "ml-100k.inter"]


def test_the_folder_that_the_user_names_comes_first(tmp_path: Path) -> None:
    (tmp_path / "ml-100k.inter").touch()
    found = locate_sources(_films_spec(), FILMS.parent, tmp_path)
    assert [file.path for file in found["interactions"]] == [tmp_path / "ml-100k.inter"]
    assert [file.path for file in found["users"]] == [movielens_folder() / "ml-100k.user"]


def test_of_alternatives_in_one_folder_the_first_is_read(tmp_path: Path) -> None:
    for name in ("u.data", "ml-100k.inter"):
        (tmp_path / name).touch()
    found = locate_sources(_films_spec(), FILMS.parent, tmp_path)
    assert found["interactions"][0].path.name == "ml-100k.inter"


def test_a_missing_file_names_all_folders_that_were_searched(tmp_path: Path) -> None:
    spec_folder, data_folder, other = tmp_path / "spec", tmp_path / "mine", tmp_path / "other"
    spec = _films_spec().model_copy(update={"folders": [str(other), "package:no_such_package_here/data"]})
    with pytest.raises(DatasetError) as refused:
        locate_sources(spec, spec_folder, data_folder)
    for part in ("movies.jsonl", str(spec_folder), str(data_folder), str(other), "no_such_package_here", "--data"):
        assert part in str(refused.value)


def test_a_missing_file_names_all_its_alternatives(tmp_path: Path) -> None:
    (tmp_path / "movies.jsonl").touch()
    with pytest.raises(DatasetError, match=r"ml-100k\.item or u\.item"):
        locate_sources(_films_spec().model_copy(update={"folders": []}), tmp_path, None)


GENRES = [
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
]


def _u_item(item: int, title: str, *genres: str) -> str:
    """A line of GroupLens's u.item: five columns, then a flag for each of 19 genres."""
    flags = ["1" if genre in genres else "0" for genre in GENRES]
    return "|".join([str(item), title, "01-Jan-1995", "", "http://example.org/", *flags]) + "\n"


@pytest.fixture
def grouplens(tmp_path: Path) -> Dataset:
    """Three films, two viewers and three ratings, as GroupLens lays MovieLens-100k out."""
    items = [
        _u_item(1, "Toy Story (1995)", "Animation", "Children's", "Comedy"),
        _u_item(2, "Misérables, Les (1995)", "Drama", "Musical"),
        _u_item(3, "unknown", "unknown"),
    ]
    (tmp_path / "u.item").write_bytes("".join(items).encode("latin-1"))
    (tmp_path / "u.user").write_text("1|24|M|technician|85711\n2|53|F|other|94043\n", encoding="ascii")
    (tmp_path / "u.data").write_text("2\t1\t5\t880000000\n1\t2\t3\t880000001\n1\t3\t1\t880000002\n", encoding="ascii")
    (tmp_path / "movies.jsonl").write_text(
        '{"item_id": 1, "title": "Toy Story", "runtime_minutes": 81}\n'
        '{"item_id": 2, "title": "Les Misérables"}\n'
        '{"item_id": 3, "title": "unknown"}\n',
        encoding="utf-8",
    )
    return read_dataset(DatasetFiles.find(FILMS, tmp_path))


def test_genres_of_the_grouplens_layout_come_from_its_flags(grouplens: Dataset) -> None:
    assert grouplens.item_ids == [1, 2, 3]
    assert [item["genres"] for item in grouplens.items] == [
        ["Animation", "Children's", "Comedy"],
        ["Drama", "Musical"],
        [],
    ]
    assert [item["title"] for item in grouplens.items] == ["Toy Story", "Les Misérables", None]
    assert [item["duration"] for item in grouplens.items] == [81, None, None]


def test_users_and_ratings_of_the_grouplens_layout(grouplens: Dataset) -> None:
    assert grouplens.user_ids == [1, 2]
    assert grouplens.users == [
        {"age": 24, "age_category": "young_adult", "gender": "male", "occupation": "technician"},
        {"age": 53, "age_category": "adult", "gender": "female", "occupation": "other"},
    ]
    interactions = grouplens.interactions
    assert interactions.rating is not None
    assert interactions.timestamp is not None
    rows = zip(interactions.user, interactions.item, interactions.rating, interactions.timestamp, strict=True)
    assert [tuple(row) for row in rows] == [
        (1, 0, 5, 880000000),
        (0, 1, 3, 880000001),
        (0, 2, 1, 880000002),
    ]
