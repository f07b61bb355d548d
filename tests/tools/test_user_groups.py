"""Groups of users that several fields have names in common for, asked of a prepared catalogue."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.serving.service import Service
from tests.names import POPULAR, USER
from tests.tools.canteen import GUESTS, ORDERS


def orders_of(belongs: Callable[[dict[str, Any]], bool]) -> Counter[str]:
    members = {guest["guest"] for guest in GUESTS if belongs(guest)}
    return Counter(meal for guest, meal in set(ORDERS) if guest in members)


async def test_names_that_two_fields_share_are_published_with_their_field(canteen: Service) -> None:
    group = canteen.tools[POPULAR].input_schema["properties"]["user_group"]
    assert group["items"]["enum"] == [
        *("smoker:no", "smoker:yes", "vegan:no", "vegan:yes"),
        *("staff:yes", "staff:no"),
    ]


@pytest.mark.parametrize(
    ("groups", "belongs", "said"),
    [
        (["vegan:yes"], lambda guest: guest["vegan"] == "yes", "7 guests (vegan:yes)"),
        (["smoker:yes"], lambda guest: guest["smoker"] == "yes", "10 guests (smoker:yes)"),
        (["Smoker: No"], lambda guest: guest["smoker"] == "no", "10 guests (smoker:no)"),
        (
            ["vegan:no", "smoker:no"],
            lambda guest: guest["vegan"] == guest["smoker"] == "no",
            "7 guests (vegan:no and smoker:no)",
        ),
        (["vegan:yes", "vegan:no"], lambda guest: True, "20 guests (vegan:yes or vegan:no)"),
        (["staff:yes"], lambda guest: guest["staff"] == "true", "7 guests (staff:yes)"),
        (["staff:no"], lambda guest: guest["staff"] == "false", "7 guests (staff:no)"),
        (["staff:yes", "staff:no"], lambda guest: guest["staff"] != "", "14 guests (staff:yes or staff:no)"),
    ],
)
async def test_each_group_counts_its_own_members(
    canteen: Service, groups: list[str], belongs: Callable[[dict[str, Any]], bool], said: str
) -> None:
    expected = orders_of(belongs)
    result = await canteen.call(POPULAR, {"user_group": groups, "k": 3})
    assert [(item["item_id"], item["n_interactions"]) for item in result["items"]] == sorted(
        expected.items(), key=lambda entry: (-entry[1], entry[0])
    )[:3]
    assert said in result["message"]


async def test_a_name_of_several_groups_is_refused_with_what_it_can_mean(canteen: Service) -> None:
    with pytest.raises(InvalidInputError, match="Say which: smoker:yes, vegan:yes, staff:yes"):
        await canteen.call(POPULAR, {"user_group": ["yes"]})


async def test_what_is_known_of_a_user_is_said_in_the_words_of_groups(canteen: Service) -> None:
    for guest, said in (("g0", "yes"), ("g1", "no"), ("g2", "not known")):
        result = await canteen.call(USER, {"user": guest, "get": ["staff", "vegan"]})
        assert f"staff {said}" in result["message"]
        assert result["fields"]["staff"] is {"yes": True, "no": False, "not known": None}[said]
