"""Names of user groups: every group can be reached, and no name means two of them."""

import pytest

from mcp_server.dataset.groups import UserGroups, by_field
from mcp_server.errors import InvalidInputError

AGES = ["kid", "teenager", "young_adult"]


def published(groups: UserGroups) -> list[str]:
    return [group.published for group in groups.all]


def test_a_name_of_one_field_stays_plain_and_one_of_several_is_qualified() -> None:
    groups = UserGroups({"age": AGES, "smoker": ["no", "yes"], "vegan": ["no", "yes", "mostly"]})
    assert published(groups) == [*AGES, "smoker:no", "smoker:yes", "vegan:no", "vegan:yes", "mostly"]
    for group in groups.all:
        assert groups.find(group.published) is group
        assert groups.find(f"{group.field}:{group.name}") is group


def test_an_ambiguous_name_is_an_error_that_lists_what_it_can_mean() -> None:
    groups = UserGroups({"smoker": ["no", "yes"], "vegan": ["no", "yes"]})
    for asked in ("yes", " YES "):
        with pytest.raises(InvalidInputError, match=r"Say which: smoker:yes, vegan:yes$"):
            groups.find(asked)


def test_an_unknown_name_is_an_error_that_lists_all_groups() -> None:
    with pytest.raises(InvalidInputError, match=r"no group 'senior'\. There are: kid, teenager, young_adult$"):
        UserGroups({"age": AGES}).find("senior")
    with pytest.raises(InvalidInputError, match=r"There are: none$"):
        UserGroups({}).find("senior")


@pytest.mark.parametrize("asked", ["Young Adult", " young-adult ", "AGE:young adult", "age: Young_Adult"])
def test_names_are_understood_as_people_write_them(asked: str) -> None:
    assert UserGroups({"age": AGES, "tier": ["gold"]}).find(asked).name == "young_adult"


def test_names_that_look_alike_in_one_field_are_told_apart_by_their_exact_spelling() -> None:
    tiers = ["gold", "Gold", "GOLD card", "gold_card"]
    groups = UserGroups({"tier": tiers})
    assert published(groups) == tiers
    assert [groups.find(tier).name for tier in tiers] == tiers
    with pytest.raises(InvalidInputError, match="tier:GOLD card, tier:gold_card"):
        groups.find("Gold Card")


def test_names_that_look_alike_in_two_fields_are_qualified() -> None:
    groups = UserGroups({"tier": ["Gold"], "card": ["gold"]})
    assert published(groups) == ["tier:Gold", "card:gold"]
    assert (groups.find("Gold").field, groups.find("gold").field) == ("tier", "card")


def test_a_name_that_looks_like_a_qualified_one_hides_no_group() -> None:
    groups = UserGroups({"diet": ["vegan:yes", "any"], "vegan": ["yes"]})
    assert published(groups) == ["diet:vegan:yes", "any", "yes"]
    assert groups.find("vegan:yes").field == "vegan"
    assert groups.find("diet:vegan:yes").field == "diet"


def test_booleans_are_always_qualified_and_stand_for_true_and_false() -> None:
    groups = UserGroups({"vegan": ["yes", "no"]}, booleans=["vegan"])
    assert [(group.published, group.value) for group in groups.all] == [("vegan:yes", True), ("vegan:no", False)]
    assert groups.find("yes").value is True


def test_groups_by_field_have_each_group_once() -> None:
    groups = UserGroups({"age": AGES, "tier": ["gold"]})
    found = by_field(map(groups.find, ["kid", "gold", "age:kid", "teenager"]))
    assert {field: [group.name for group in those] for field, those in found.items()} == {
        "age": ["kid", "teenager"],
        "tier": ["gold"],
    }
