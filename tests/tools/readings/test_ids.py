"""IDs as people and programs write them."""

from typing import Any

import pytest

from mcp_server.dataset.spec import Nouns
from mcp_server.tools.readings.ids import divided, handles_in, other_forms, read_id
from mcp_server.tools.readings.parameters import Kind, Parameter
from mcp_server.tools.readings.problems import UnreadableError

NOUNS = Nouns.model_validate(
    {
        "item": "film",
        "items": "films",
        "user": "viewer",
        "users": "viewers",
        "interaction": "view",
        "interactions": "views",
    }
)
USER = Parameter("user", Kind.ID, whose="user", is_integer=True)
ITEMS = Parameter("items", Kind.ID, many=True, whose="item", is_integer=True)
NAMED_ITEMS = Parameter("items", Kind.ID, many=True, whose="item")


@pytest.mark.parametrize(
    "given",
    [
        *(8, "8", " 8 ", 8.0, "8.0", "user 8", "user_8", "User #8", "viewer 8", "viewer ID 8", "user_id: 8", "#8"),
        *({"user_id": 8}, {"id": "8"}, {"user": 8}, {"viewer_id": 8}, "id=8"),
    ],
)
def test_the_number_of_a_user(given: Any) -> None:
    assert read_id(given, USER, NOUNS) == 8


@pytest.mark.parametrize("given", ["film 8", "Anna", True, 8.5, None, {"name": "Anna"}, [8], "user", "8th"])
def test_what_is_no_user_is_refused(given: Any) -> None:
    with pytest.raises(UnreadableError, match="is no viewer ID; IDs are whole numbers"):
        read_id(given, USER, NOUNS)


def test_numbers_in_one_text_are_divided() -> None:
    assert divided("1, 2;3 4", ITEMS, NOUNS) == ["1", "2", "3", "4"]
    assert divided(["1, 2", 3], ITEMS, NOUNS) == ["1", "2", 3]
    for given in ("film 1, film 2", "films 1 and 2", "#1, #2", [[1, 2]], [1, None, 2], "1 & 2"):
        assert [read_id(each, ITEMS, NOUNS) for each in divided(given, ITEMS, NOUNS)] == [1, 2]
    assert divided("Toy Story, 2", ITEMS, NOUNS) == ["Toy Story, 2"]
    assert divided("A, B", NAMED_ITEMS, NOUNS) == ["A, B"]


def test_ids_that_are_texts_have_other_forms() -> None:
    assert read_id("item_7", NAMED_ITEMS, NOUNS) == "item_7"
    assert other_forms("item_7", NAMED_ITEMS, NOUNS) == [["7"]]
    assert other_forms("A1, B2", NAMED_ITEMS, NOUNS) == [["A1", "B2"]]
    assert other_forms("A1", NAMED_ITEMS, NOUNS) == []


def test_handles_are_known_by_their_form() -> None:
    assert handles_in(["set_k3v7q2", 5, "7", "settle"]) == ["set_k3v7q2"]
