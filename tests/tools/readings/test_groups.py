"""Groups of users as people call them."""

from typing import Any

import pytest

from mcp_server.tools.readings.groups import read_groups
from mcp_server.tools.readings.problems import UnreadableError

NAMES = ["kid", "teenager", "young_adult", "adult", "senior", "female", "male"]


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
    assert read_groups("women", ["women", "men"]) == ["women"]
    assert read_groups("girls", ["women", "men"]) == ["women"]
    assert read_groups("F", ["F", "M"]) == ["F"]
    assert read_groups("women", ["F", "M"]) == ["F"]


@pytest.mark.parametrize("given", ["-women", "not women", "!women", "without women", "non-women"])
def test_a_group_cannot_be_left_out(given: str) -> None:
    with pytest.raises(UnreadableError, match="a group cannot be left out"):
        read_groups(given, NAMES)
