"""The computed fields that a dataset has, and their names."""

from typing import Any

import pytest

from mcp_server.dataset.computed_fields import computed_fields
from tests.dataset.made_up import facts_of, library, music, shop, titles_only


def names(interactions: str, *declared: str, feedback: dict[str, Any] | None = None) -> list[str]:
    fields = [{"name": "title", "kind": "text"}, *({"name": name, "kind": "number"} for name in declared)]
    rated = feedback or {"rating": "stars", "like_threshold": 4}
    words = ["film", "films", "viewer", "viewers", "rating", "X"]
    facts = facts_of("films", " ".join(words), fields, rated, {})
    nouns = facts.spec.nouns.model_copy(update={"interactions": interactions})
    return [field.name for field in computed_fields(facts.spec.model_copy(update={"nouns": nouns}))]


def test_each_kind_of_feedback_has_the_fields_that_mean_something() -> None:
    of = {
        facts.spec.name: [field.name for field in computed_fields(facts.spec)]
        for facts in (shop(), library(), music(), titles_only())
    }
    assert of == {
        "shop": ["n_purchases", "like_share"],
        "library": ["n_loans"],
        "music": ["n_plays", "like_share"],
        "things": ["n_likes"],
    }
    assert names("ratings") == ["n_ratings", "mean_rating", "like_share"]


@pytest.mark.parametrize(
    ("noun", "name"),
    [
        ("Käufe", "n_kaufe"),
        ("page views", "n_page_views"),
        ("Star-Ratings", "n_star_ratings"),
        ("оценки", "n_interactions"),
        ("x" * 60, "n_interactions"),
    ],
)
def test_the_number_is_named_after_the_noun(noun: str, name: str) -> None:
    assert names(noun)[0] == name


def test_a_declared_field_of_the_same_name_counts() -> None:
    assert names("ratings", "mean_rating", "n_ratings") == ["like_share"]
