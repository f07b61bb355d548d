"""Delimited files: their dialects, as they are and as strangers write them, and the lines that are named."""

import csv
import io
import tempfile
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.dataset.sources import SourceFile
from mcp_server.reading.delimited import SEPARATORS, read_dialect
from tests.reading.shelf import items_of, refusal

NUMBER = {"name": "n", "kind": "number"}
TAGS = {"name": "tags", "kind": "category", "many": True}
TWO = {"a": {"title": "Apple", "n": 1.0}, "b": {"title": "Bread", "n": 2.0}}
ROWS = "id,title,n\na,Apple,1\nb,Bread,2\n"


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("is_declared", [True, False])
def test_any_usual_separator_is_detected_or_declared(tmp_path: Path, separator: str, is_declared: bool) -> None:
    source = {"separator": separator} if is_declared else {}
    assert items_of(tmp_path, ROWS.replace(",", separator), NUMBER, source=source) == TWO


def test_an_empty_value_between_two_separators_makes_no_double_one(tmp_path: Path) -> None:
    found = items_of(tmp_path, "id|title||n\na|Apple||1\nb|Bread||2\n", NUMBER)
    assert found == TWO


@pytest.mark.parametrize("separator", ["/", "*", "%", "$", "æ", "线", "]"])
def test_any_other_separator_of_one_character_may_be_declared(tmp_path: Path, separator: str) -> None:
    assert items_of(tmp_path, ROWS.replace(",", separator), NUMBER, source={"separator": separator}) == TWO


def test_a_tab_may_be_written_as_in_programs(tmp_path: Path) -> None:
    assert items_of(tmp_path, ROWS.replace(",", "\t"), NUMBER, source={"separator": "\\t"}) == TWO


def test_commas_within_values_do_not_hide_another_separator(tmp_path: Path) -> None:
    found = items_of(tmp_path, "id;title;n\na;Apple, red, sweet;1\nb;Bread, dark, fresh;2\n", NUMBER)
    assert found["a"] == {"title": "Apple, red, sweet", "n": 1.0}


@pytest.mark.parametrize(
    ("text", "options", "title"),
    [
        ('id,title\na,"Knife, 20 cm"\n', {}, "Knife, 20 cm"),
        ('id,title\na,"say ""hi"""\n', {}, 'say "hi"'),
        ('id;title\na;"Apple; ""the"" red"\n', {}, 'Apple; "the" red'),
        ('id|title\na|"x|y"\n', {}, "x|y"),
        ('"id", "title"\n"a", "Apple, red"\n', {}, "Apple, red"),
        ('id,title\na,5" nail\n', {}, '5" nail'),
        ("id,title\na,'Apple, it''s red'\n", {"quote": "'"}, "Apple, it's red"),
        ('id,title\na,"say \\"hi, you\\" \\\\ x"\n', {"escape": "\\"}, 'say "hi, you" \\ x'),
        ('id,title\na,"Wild" Bill\n', {"quote": ""}, '"Wild" Bill'),
        ('id,title\na,"two\nlines"\n', {}, "two\nlines"),
        ('a::"Heat" (1995)\n', {"separator": "::", "columns": ["id", "title"]}, '"Heat" (1995)'),
    ],
)
def test_quotation_marks(tmp_path: Path, text: str, options: dict[str, Any], title: str) -> None:
    assert items_of(tmp_path, text, source=options) == {"a": {"title": title}}


@pytest.mark.parametrize(
    ("rows", "line"), [('a,"Apple,1\nb,Bread,2\n', 2), ('a,Apple,1\nb,"Bread" x,2\n', 3), ('a,"\\"hi\\"",1\n', 2)]
)
def test_a_quotation_that_does_not_end_is_told_with_its_line_and_remedies(tmp_path: Path, rows: str, line: int) -> None:
    said = refusal(items_of, tmp_path, f"id,title,n\n{rows}", NUMBER)
    assert f"items.csv, line {line}: a quotation does not end where the value does" in said
    assert "escape: '\\'" in said
    assert "quote: ''" in said


@pytest.mark.parametrize(
    "text",
    [
        "id,title,n\r\na,Apple,1\r\nb,Bread,2\r\n",
        "id,title,n\ra,Apple,1\rb,Bread,2\r",
        "id,title,n\r\na,Apple,1\nb,Bread,2\r\n",
        "id,title,n\na,Apple,1\r\nb,Bread,2",
        "id,title,n\r\r\na,Apple,1\r\r\nb,Bread,2\r\r\n",
        "\n\nid,title,n\n\na,Apple,1\n\n\nb,Bread,2\n\n",
        "id,title,n\n   \na,Apple,1\nb,Bread,2\n \n",
        " id , title , n \n a , Apple , 1 \nb\u00a0,\tBread,2\n",
        "id,title,n,\na,Apple,1,\nb,Bread,2,\n",
        "id,title,n\na,Apple,1,\nb,Bread,2,\n",
        '"id","title","n"\n"a","Apple","1"\n"b","Bread","2"',
    ],
)
def test_ends_of_lines_blank_lines_and_blanks_do_not_matter(tmp_path: Path, text: str) -> None:
    assert items_of(tmp_path, text, NUMBER) == TWO


def test_quotations_keep_their_ends_of_lines_where_those_of_the_file_are_mixed(tmp_path: Path) -> None:
    found = items_of(tmp_path, 'id,title\r\na,"one\r\ntwo\rthree"\nb,"say ""x\r\n"""\r\n')
    assert [item["title"] for item in found.values()] == ["one\r\ntwo\rthree", 'say "x\r\n"']


@pytest.mark.parametrize(
    "name",
    ["order", "Book-Rating", "raw:0", "select", "a.b", 'say "x"', "it's", "given:1", "x + y", "n n", "ü", "is_broken"],
)
def test_a_column_may_have_any_name(tmp_path: Path, name: str) -> None:
    header = '"' + name.replace('"', '""') + '"'
    found = items_of(tmp_path, f"id,title,{header}\na,Apple,7\n", {**NUMBER, "source": name})
    assert found == {"a": {"title": "Apple", "n": 7.0}}


def test_headers_that_differ_in_case_are_two_columns(tmp_path: Path) -> None:
    fields = ({**NUMBER, "source": "N"}, {**NUMBER, "name": "small", "source": "n"})
    assert items_of(tmp_path, "id,title,n,N\na,A,1,2\n", *fields)["a"] == {"title": "A", "n": 2.0, "small": 1.0}


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    said = refusal(items_of, tmp_path, "\nid,title,n,n\na,A,1,2\n", NUMBER)
    assert "items.csv, line 2: two columns are named 'n'" in said


def test_a_file_without_a_header_takes_its_columns_from_the_specification(tmp_path: Path) -> None:
    options = {"separator": "\t", "columns": ["id", "title", "n"]}
    assert items_of(tmp_path, "a\tApple\t1\nb\tBread\t2\n", NUMBER, source=options) == TWO


ABOVE = "Stock, in all; shops\n'list' of May\n\n"


@pytest.mark.parametrize("separator", [",", ";", "::"])
@pytest.mark.parametrize("columns", [None, ["id", "title", "n"]])
def test_lines_above_the_names_or_the_rows_are_skipped(
    tmp_path: Path, separator: str, columns: list[str] | None
) -> None:
    options = {"skip_lines": 3} if columns is None else {"skip_lines": 4, "columns": columns}
    assert items_of(tmp_path, ABOVE + ROWS.replace(",", separator), NUMBER, source=options) == TWO


@pytest.mark.parametrize("row", ["c", "c,Cake,1,2", 'c,"Cake" x,1', "c,Cake,many"])
def test_the_line_of_a_bad_row_counts_skipped_lines(tmp_path: Path, row: str) -> None:
    said = refusal(items_of, tmp_path, f"{ABOVE}{ROWS}{row}\nd,Dill,4\n", NUMBER, source={"skip_lines": 3})
    assert "items.csv, line 7: " in said


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_is_refused(tmp_path: Path, text: str) -> None:
    assert "items.csv is empty: a header line" in refusal(items_of, tmp_path, text)


@pytest.mark.parametrize("text", ["id,title\n", "id,title"])
def test_a_catalogue_of_a_header_alone_has_no_items(tmp_path: Path, text: str) -> None:
    assert refusal(items_of, tmp_path, text) == "dataset shelf has no items"


def test_a_file_may_have_one_column(tmp_path: Path) -> None:
    declared = {"fields": [{"name": "title", "kind": "text", "source": "id"}]}
    assert items_of(tmp_path, "id\na\nb\n", items=declared) == {"a": {"title": "a"}, "b": {"title": "b"}}


def test_flags_become_a_list_of_the_columns_that_hold_one(tmp_path: Path) -> None:
    flags = {"flags": {"tags": ["x", "y", "z"]}}
    found = items_of(tmp_path, "id,title,x,y,z\na,A,1,0,1.0\nb,B,0,0,\nc,C,TRUE,false,yes\n", TAGS, source=flags)
    assert [item["tags"] for item in found.values()] == [["x", "z"], [], ["x", "z"]]


def test_flags_of_a_column_that_is_not_there_are_refused(tmp_path: Path) -> None:
    said = refusal(items_of, tmp_path, "id,title,x\na,A,1\n", TAGS, source={"flags": {"tags": ["x", "w"]}})
    assert "items.csv: flags: there is no column 'w'" in said


def test_atomic_columns_are_named_before_their_type(tmp_path: Path) -> None:
    found = items_of(tmp_path, "id:token\ttitle:token_seq\r\na\tsad and slow\r\nb\t\r\n", file="items.item")
    assert found == {"a": {"title": "sad and slow"}, "b": {"title": None}}
    assert "items.item, line 1: the header" in refusal(items_of, tmp_path, "id\ttitle\na\tb\n", file="items.item")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,title\na,A\nb\n", "items.csv, line 3: 1 column instead of 2: 'b'"),
        ("id,title\na,A,1\n", "items.csv, line 2: 3 columns instead of 2: 'a,A,1'"),
        ('"id\n2",title\na,"A\n1"\n\nb\n', "items.csv, line 6: 1 column instead of 2: 'b'"),
        ("\n\nid,title\n\na,A\n\nb\n", "items.csv, line 7: 1 column instead of 2: 'b'"),
    ],
)
def test_a_row_with_other_columns_is_named_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    declared = {"id": "id\n2"} if "id\n2" in text else {}
    assert said in refusal(items_of, tmp_path, text, items=declared)


def test_the_header_s_columns_are_counted_without_flags(tmp_path: Path) -> None:
    said = refusal(items_of, tmp_path, "id,title,x\na,A,1\nb,B\n", TAGS, source={"flags": {"tags": ["x"]}})
    assert "line 3: 2 columns instead of 3" in said


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(TEXTS, min_size=1, max_size=6),
    separator=st.sampled_from([",", ";", "\t", "|", "^", "~"]),
    quote=st.sampled_from(['"', "'"]),
    ends=st.sampled_from(["\n", "\r\n"]),
    quotes_all=st.booleans(),
)
def test_what_python_writes_is_read_back(
    rows: list[str], separator: str, quote: str, ends: str, quotes_all: bool
) -> None:
    if not quotes_all:
        rows = [text.replace("\r", "") for text in rows]  # Python writes it without quotation marks
    stream = io.StringIO()
    quoting: Literal[0, 1] = csv.QUOTE_ALL if quotes_all else csv.QUOTE_MINIMAL
    writer = csv.writer(stream, delimiter=separator, quotechar=quote, lineterminator=ends, quoting=quoting)
    writer.writerow(["id", "title", "end"])
    for number, text in enumerate(rows):
        writer.writerow([number, text, "x"])
    with tempfile.TemporaryDirectory() as folder:
        options = {"separator": separator, "quote": quote}
        found = items_of(Path(folder), stream.getvalue(), source=options, items={"id_type": "integer"}, missing=[])
    assert [item["title"] for item in found.values()] == [text.strip(" \t\r\n\u00a0") or None for text in rows]


CELLS = st.sampled_from(["x", "a\nb", 'a "b"', "", "a,b", "1\r\n2"])


@settings(max_examples=30, deadline=None)
@given(before=st.lists(st.one_of(st.just(None), CELLS), max_size=6), is_short=st.booleans())
def test_the_line_of_a_bad_row_is_the_real_one(before: list[str | None], is_short: bool) -> None:
    """None stands for a blank line."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["id", "title", "n"])
    for number, text in enumerate(before):
        if text is None:
            stream.write("\n")
        else:
            writer.writerow([number, text, 1])
    line = len(stream.getvalue().replace("\r\n", "\n").split("\n"))
    stream.write("900,short\n" if is_short else "900,wrong,many\n")
    for number in range(901, 910):
        writer.writerow([number, "later", 2])
    with tempfile.TemporaryDirectory() as folder:
        said = refusal(items_of, Path(folder), stream.getvalue(), NUMBER)
    assert f"items.csv, line {line}: " in said


def test_the_dialect_of_an_indented_header(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("\n id ;title\n1;x\n", encoding="utf-8")
    found = read_dialect(SourceFile(file="items.csv"), path)
    assert (found.separator, found.header, found.header_line) == (";", ("id", "title"), 2)
