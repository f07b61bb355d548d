"""Values of fields: names, texts, booleans, bands, codes, and what stands for an unknown value."""

from pathlib import Path
from typing import Any

import pytest

from mcp_server.reading.html_text import plain_text
from tests.reading.records import as_dicts, read_folder
from tests.reading.shelf import items_of, refusal, specification, values_of, write


def users_of(folder: Path, content: str, *fields: dict[str, Any]) -> list[dict[str, Any]]:
    spec = specification(users={"sources": [{"file": "users.csv"}], "fields": list(fields)})
    return as_dicts(read_folder(write(folder, spec, users_csv=content)).users)


# Unknown values


def test_what_stands_for_an_unknown_value_by_default(tmp_path: Path) -> None:
    for_all = ["", " ", "NULL", "null", "NaN", "N/A", "\\N"]
    for_numbers = ["NA", "None", "unknown", "-", "?", "<NA>", "(null)", "#N/A", "inf", "-Infinity", "n.a."]
    for kind in ("text", "category"):
        assert values_of(tmp_path, for_all, kind=kind) == [None] * len(for_all)
        assert values_of(tmp_path, for_numbers, kind=kind) == for_numbers
    for kind in ("number", "boolean", "date"):
        assert values_of(tmp_path, for_all + for_numbers, kind=kind) == [None] * len(for_all + for_numbers)


def test_declared_texts_stand_for_unknown_values_in_place_of_those_by_default(tmp_path: Path) -> None:
    content = "id,title,v,n\na,n/k,NULL,-1\nb,B,n/K,5\nc,C,x,NaN\nd,D,,-1.0\n"
    fields = ({"name": "v", "kind": "category"}, {"name": "n", "kind": "number"})
    found = items_of(tmp_path, content, *fields, missing=["n/k", "-1"])
    assert [item["title"] for item in found.values()] == [None, "B", "C", "D"]
    assert [item["v"] for item in found.values()] == ["NULL", None, "x", None]
    assert [item["n"] for item in found.values()] == [None, 5.0, None, -1.0]


# Names


@pytest.mark.parametrize(
    ("text", "options", "names"),
    [
        ("Drama, War", {}, ["Drama", "War"]),
        ("Drama| War |Drama|", {"separator": "|"}, ["Drama", "War"]),
        ("['Drama', 'War']", {}, ["Drama", "War"]),
        ('["Drama", null, "Rock, Pop"]', {}, ["Drama", "Rock, Pop"]),
        ("[Drama, War]", {}, ["Drama", "War"]),
        ("Drama, NULL, ", {}, ["Drama"]),
        ("M,F,x", {"values": {"M": "male", "F": "female"}}, ["male", "female", "x"]),
        ("", {}, []),
        ("[]", {}, []),
    ],
)
def test_several_names_in_one_value(tmp_path: Path, text: str, options: dict[str, Any], names: list[str]) -> None:
    assert values_of(tmp_path, [text], kind="category", many=True, **options) == [names]


def test_one_name_keeps_its_commas_and_brackets(tmp_path: Path) -> None:
    names = ["Rock, Pop", "[REC]", "{x}", "a|b", "ｆｕｌｌ", "e\u0301", "é"]
    assert values_of(tmp_path, names, kind="category") == names


def test_codes_get_the_names_declared_for_them(tmp_path: Path) -> None:
    gender = {"name": "gender", "kind": "category", "values": {"M": "male", "F": "female"}}
    people = users_of(tmp_path, "user,gender\na,M\nb,F\nc,X\nd,\n", gender)
    assert [person["gender"] for person in people] == ["male", "female", "X", None]


def test_codes_of_a_number_are_refused(tmp_path: Path) -> None:
    assert "'values' is only for" in refusal(values_of, tmp_path, ["low"], kind="number", values={"low": "1"})


AGES = {"kid": [0, 12], "teenager": [13, 19], "senior": [61, 150]}


def test_bands_hold_both_their_ends(tmp_path: Path) -> None:
    age = {"name": "age", "kind": "category", "bands": AGES}
    expected = {
        "0": "kid",
        "12": "kid",
        "13": "teenager",
        "19.0": "teenager",
        "61": "senior",
        "unknown": None,
        "": None,
    }
    rows = "".join(f"u{number},{text}\n" for number, text in enumerate(expected))
    people = users_of(tmp_path, f"user,age\n{rows}", age)
    assert [person["age"] for person in people] == list(expected.values())


def test_a_number_outside_of_all_bands_is_told(tmp_path: Path) -> None:
    age = {"name": "age", "kind": "category", "bands": AGES}
    people = users_of(tmp_path, "user,age\na,12\nb,151\nc,30\nd,\n", age)
    assert [person["age"] for person in people] == ["kid", None, None, None]
    notes = read_folder(tmp_path).notes
    assert "2 values are outside of all bands of age, such as '151', and so unknown." in notes


def test_a_number_that_is_none_is_refused_for_bands_too(tmp_path: Path) -> None:
    age = {"name": "age_group", "kind": "category", "bands": AGES, "source": "age"}
    said = refusal(users_of, tmp_path, "user,age\na,12\nb,old\n", age)
    assert "users.csv, line 3: age 'old' is not a number" in said


# Booleans and texts


def test_booleans_in_the_usual_words(tmp_path: Path) -> None:
    yes, no = ["Yes", "TRUE", "t", "Y", "1", "1.0", "on"], ["No", "false", "F", "n", "0", "0.0", "OFF"]
    found = values_of(tmp_path, yes + no + ["", "NA"], kind="boolean")
    assert found == [True] * len(yes) + [False] * len(no) + [None, None]


@pytest.mark.parametrize("text", ["ja", "2", "-1", "in stock", "x", "1,0"])
def test_other_words_are_no_booleans_until_they_are_declared(tmp_path: Path, text: str) -> None:
    assert f"v '{text}' is not true or false, yes or no, 1 or 0" in refusal(values_of, tmp_path, [text], kind="boolean")
    assert values_of(tmp_path, [text], kind="boolean", values={text: "yes"}) == [True]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>A <b>red</b> fruit&nbsp;from</p><script>alert(1)</script>", "A red fruit from"),
        ("one<br>two<div>three</div>", "one two three"),
        ("a < b & c &lt;b&gt;", "a < b & c <b>"),
        ("<style>p {}</style>x<!-- hidden -->y", "xy"),
        ("<head><title>t</title></head>body", "body"),
        ("no tags", "no tags"),
        ("<p></p>", ""),
    ],
)
def test_html_becomes_plain_text(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_html_without_text_is_unknown(tmp_path: Path) -> None:
    assert values_of(tmp_path, ["<p> </p>", "<i>x</i>", ""], kind="text", html=True) == [None, "x", None]


# IDs

IDS = {"7": 7, "007": 7, "12.0": 12, "+5": 5, "-3": -3, " 8 ": 8, "9223372036854775807": 2**63 - 1}


def test_ids_are_texts_or_whole_numbers_as_declared(tmp_path: Path) -> None:
    rows = [text for text in IDS if text != "7"]
    content = "id,title\n" + "".join(f"{text},T\n" for text in rows)
    assert list(items_of(tmp_path, content)) == sorted(text.strip() for text in rows)
    assert list(items_of(tmp_path, content, items={"id_type": "integer"})) == sorted(IDS[text] for text in rows)


def test_ids_that_look_alike_are_different(tmp_path: Path) -> None:
    ids = ["a", "A", "á", "a\u0301", "ａ", "x" * 255, "x" * 254, "1", "01", "1.0", "a b"]
    assert list(items_of(tmp_path, "id,title\n" + "".join(f"{each},T\n" for each in ids))) == sorted(ids)


@pytest.mark.parametrize(
    ("text", "id_type", "said"),
    [
        ("", "string", "there is no id"),
        ("NULL", "string", "there is no id"),
        ("", "integer", "there is no id"),
        ("x", "integer", "id 'x' is not a whole number of at most 64 bits"),
        ("1.5", "integer", "id '1.5' is not a whole number"),
        ("9223372036854775808", "integer", "id '9223372036854775808' is not a whole number"),
        ("é" * 256, "string", "is not an ID of 1 to 255 characters"),
    ],
)
def test_a_wrong_id_is_refused_by_its_line(tmp_path: Path, text: str, id_type: str, said: str) -> None:
    content = f"id,title\n1,One\n{text},Two\n3,Three\n"
    message = refusal(items_of, tmp_path, content, items={"id_type": id_type})
    assert "items.csv, line 3: " in message
    assert said in message
    left = items_of(tmp_path, content, items={"id_type": id_type}, on_bad_row="skip")
    assert [item["title"] for item in left.values()] == ["One", "Three"]
