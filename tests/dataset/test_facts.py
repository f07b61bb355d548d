"""Features of datasets, and the texts that depend on them."""

import pytest

from mcp_server.dataset.facts import Feature, When
from tests.dataset.variants import films_without

GROUPS, SEARCH = Feature.USER_GROUPS, Feature.SEARCH_TEXTS


@pytest.mark.parametrize(
    ("removed", "absent"),
    [
        ("filters", Feature.FILTERS | Feature.FILTERED_KINDS | Feature.FILTERED_MONTHS | Feature.FILTERED_TITLES),
        ("search", SEARCH),
        ("user fields", Feature.USER_FIELDS | GROUPS),
        ("groups", GROUPS),
        ("ratings", Feature.RATINGS),
    ],
)
def test_a_feature_is_there_where_the_dataset_declares_it(removed: str, absent: Feature) -> None:
    assert absent in films_without().features
    assert not absent & films_without(removed).features


def test_groups_have_names_once_they_are_prepared() -> None:
    facts = films_without()
    assert GROUPS in facts.features
    assert Feature.NAMED_GROUPS not in facts.features


def test_a_text_has_the_parts_that_apply_in_the_datasets_words() -> None:
    text = (
        "{Items} of a {user}",
        When(SEARCH, (" by meaning", When(GROUPS, " or group")), otherwise=When(GROUPS, " by group")),
        When(SEARCH | GROUPS, ": {all}"),
        ".",
    )
    said = [
        films_without(*removed).say(text, all="everything")
        for removed in [(), ("groups",), ("search",), ("search", "groups")]
    ]
    assert said == [
        "Films of a viewer by meaning or group: everything.",
        "Films of a viewer by meaning.",
        "Films of a viewer by group.",
        "Films of a viewer.",
    ]
