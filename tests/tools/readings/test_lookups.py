"""Readings that the catalogue decides, for IDs that are texts."""

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.names import ITEM, RECOMMEND
from tests.tools.canteen import MEALS


async def test_ids_that_are_texts_may_have_a_noun_before_them_or_be_listed(canteen: Service) -> None:
    first, second = (str(meal["meal"]) for meal in MEALS[:2])
    for given in (f"meal {first}", f"{first}, {second}", [{"id": first}], f'["{first}"]', first):
        result = await canteen.call(ITEM, {"items": given, "get": "hot"})
        assert [item["item_id"] for item in result["items"]] == ([first, second] if "," in str(given) else [first])
        assert ("Read" in result["message"]) == (given != first)


async def test_a_text_that_is_no_id_is_refused_with_the_way_to_find_one(canteen: Service) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await canteen.call(RECOMMEND, {"user": "nobody", "items": ["no such meal"]})
    assert "'nobody' is not in" in str(refused.value)
    assert "'no such meal' is not in" in str(refused.value)
