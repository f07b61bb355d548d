"""Encodings and compression."""

import gzip
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.reading.shelf import items_of, refusal

TITLES = "Äpfel 線 🎬"


def _rows(title: str) -> str:
    return f"id,title\na,{title}\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("file", ["items.csv", "items.csv.gz", "items.jsonl", "items.json"])
def test_unicode_is_known_by_its_mark(tmp_path: Path, encoding: str, file: str) -> None:
    texts = {
        "items.jsonl": f'{{"id": "a", "title": "{TITLES}"}}\n',
        "items.json": f'[\n{{"id": "a", "title": "{TITLES}"}}]',
    }
    mark = "\ufeff" if encoding.endswith(("-le", "-be")) else ""
    content = (mark + texts.get(file, _rows(TITLES))).encode(encoding)
    found = items_of(tmp_path, gzip.compress(content) if file.endswith(".gz") else content, file=file)
    assert found == {"a": {"title": TITLES}}


@pytest.mark.parametrize(
    ("title", "encoding"),
    [("Яблоко", "windows-1251"), ("りんご", "shift_jis"), ("Käse", "latin-1"), ("苹果", "gb18030"), ("Ä", "utf-16-le")],
)
@pytest.mark.parametrize("file", ["items.csv", "items.csv.gz"])
def test_other_encodings_are_declared(tmp_path: Path, title: str, encoding: str, file: str) -> None:
    content = _rows(title).encode(encoding)
    content = gzip.compress(content) if file.endswith(".gz") else content
    assert items_of(tmp_path, content, file=file, source={"encoding": encoding}) == {"a": {"title": title}}


@pytest.mark.parametrize("file", ["items.csv", "items.csv.gz"])
def test_a_file_of_another_encoding_is_shown_as_it_would_read(tmp_path: Path, file: str) -> None:
    content = ("id,title\na,Apple\n" + "\n" * 3 + "b,Яблоко\n").encode("windows-1251")
    said = refusal(items_of, tmp_path, gzip.compress(content) if file.endswith(".gz") else content, file=file)
    assert f"{file}, line 6 is not UTF-8: declare the file's encoding" in said
    assert "windows-1251 (it then reads 'b,Яблоко')" in said


@pytest.mark.parametrize(
    ("encoding", "content"),
    [("ascii", b"id,title\na,\xc3\x84\xff\n"), ("utf-16", b"\xff\xfei\x00d"), ("utf-8", b"\xff")],
)
def test_a_file_that_is_not_in_its_declared_encoding_is_refused(tmp_path: Path, encoding: str, content: bytes) -> None:
    said = refusal(items_of, tmp_path, content, source={"encoding": encoding})
    assert f"is not {encoding}" in said or "no column 'id'" in said


def test_compressed_files_are_read(tmp_path: Path) -> None:
    assert items_of(tmp_path, gzip.compress(_rows(TITLES).encode()), file="items.csv.gz") == {"a": {"title": TITLES}}
    packed = tmp_path / "packed.csv.zst"
    query = f"SELECT * FROM (VALUES ('a', '{TITLES}'), ('b', 'x')) AS rows(id, title)"
    duckdb.sql(f"COPY ({query}) TO '{packed}' (FORMAT csv, COMPRESSION zstd)")
    found = items_of(tmp_path, packed.read_bytes(), file="items.csv.zst")
    assert found == {"a": {"title": TITLES}, "b": {"title": "x"}}
    said = refusal(items_of, tmp_path, packed.read_bytes(), file="items.csv.zst", source={"encoding": "latin-1"})
    assert "a .zst file can be read in UTF-8 only: decompress it first" in said


@pytest.mark.parametrize(
    "content",
    [_rows("x").encode(), gzip.compress(_rows("x").encode() * 99)[:-20], b""],
    ids=["not compressed", "cut off", "empty"],
)
@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_file_that_is_not_compressed_or_cut_off_is_refused(tmp_path: Path, content: bytes, ending: str) -> None:
    said = refusal(items_of, tmp_path, content, file=f"items.csv.{ending}")
    assert f"items.csv.{ending}" in said


@pytest.mark.parametrize("options", [{"encoding": "hex"}, {"encoding": "klingon"}])
def test_what_is_no_encoding_of_text_is_refused_by_its_name(tmp_path: Path, options: dict[str, Any]) -> None:
    assert repr(options["encoding"]) in refusal(items_of, tmp_path, _rows("x"), source=options)
