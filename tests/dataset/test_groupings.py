"""The groupings that a dataset offers: by what its fields are."""

from mcp_server.dataset.facts import DatasetFacts, Feature
from mcp_server.dataset.groupings import item_groupings
from mcp_server.dataset.spec import find_spec_file, load_spec
from tests.dataset.made_up import library, titles_only


def test_films_are_grouped_by_names_numbers_dates_and_their_parts() -> None:
    found = item_groupings(load_spec(find_spec_file("ml-100k")))
    assert list(found) == [
        *("genres", "actors", "director", "producer", "writer", "country"),
        *("imdb_rating", "imdb_votes", "duration", "release_year", "release_year:decade", "release_month"),
        *("release_date", "release_date:month", "release_date:decade", "content_rating"),
    ]
    assert [found[name].part for name in ("release_year", "release_date", "release_date:month")] == [
        *(None, "year", "month")
    ]


def test_texts_make_no_groups() -> None:
    assert item_groupings(titles_only().spec) == {}
    assert "title" not in item_groupings(library().spec)


def test_without_groups_there_are_no_statistics() -> None:
    facts = titles_only()
    has_groups = bool(facts.spec.users.groups)
    assert (Feature.STATISTICS in facts.features) == has_groups
    assert Feature.STATISTICS in library().features
    assert Feature.STATISTICS not in DatasetFacts(library().spec, None, "eight").features
