"""Groups of users as people call them."""

from typing import Any

import pytest

from mcp_server.dataset.groups import UserGroups
from mcp_server.tools.readings.groups import read_groups
from mcp_server.tools.readings.problems import UnreadableError

NAMES = UserGroups({"age": ["kid", "teenager", "young_adult", "adult", "senior"], "gender": ["female", "male"]})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("women", ["female"]),
        ("Girls", ["female"]),
        (["men"], ["male"]),
        ("teens", ["teenager"]),
        ("young adults", ["young_adult"]),
        ("young-adult", ["young_adult"]),
        ("children", ["kid"]),
        ("female teenagers", ["female", "teenager"]),
        ("teenage", ["teenage"]),
        ("women, seniors", ["female", "senior"]),
        ("men and women", ["male", "female"]),
        ("kids or teens", ["kid", "teenager"]),
        ("all the young adult women", ["young_adult", "female"]),
        ({"gender": "women"}, ["gender:female"]),
        ("wizards", ["wizards"]),
        ("teenager", ["teenager"]),
    ],
)
def test_groups_are_known_by_other_words(given: Any, meant: list[str]) -> None:
    assert read_groups(given, NAMES) == meant


def test_the_word_for_users_names_no_group() -> None:
    assert read_groups("male viewers", NAMES, ["viewer", "viewers"]) == ["male"]


def test_a_datasets_own_words_come_first() -> None:
    assert read_groups("women", UserGroups({"gender": ["women", "men"]})) == ["women"]
    assert read_groups("girls", UserGroups({"gender": ["women", "men"]})) == ["women"]
    assert read_groups("F", UserGroups({"gender": ["F", "M"]})) == ["F"]
    assert read_groups("women", UserGroups({"gender": ["F", "M"]})) == ["F"]


@pytest.mark.parametrize(
    "given",
    ["-women", "not women", "!women", "without women", "non-women", "gender:-female", {"gender": "-female"}, "~women"],
)
def test_a_group_cannot_be_left_out(given: Any) -> None:
    with pytest.raises(UnreadableError, match="a group cannot be left out"):
        read_groups(given, NAMES)


@pytest.mark.parametrize(
    "given", ["women or teens", "either/or", "gender:female or age:teenager", "female teenager or adult"]
)
def test_groups_of_several_kinds_are_never_alternatives(given: str) -> None:
    with pytest.raises(UnreadableError, match="groups of several kinds are combined with and"):
        read_groups(given, NAMES)


@pytest.mark.parametrize("given", ["or", "women or", "or women", "men or women"])
def test_odd_alternatives_are_read_once(given: str) -> None:
    assert 0 < len(read_groups(given, NAMES)) <= 2


def test_a_phrase_without_end_is_refused() -> None:
    with pytest.raises(UnreadableError, match="is the name of no group"):
        read_groups("women or " * 2_000, NAMES)
