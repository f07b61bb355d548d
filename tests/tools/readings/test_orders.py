"""Orders as people and programs write them."""

from typing import Any

import pytest

from mcp_server.tools.readings.orders import read_order
from mcp_server.tools.readings.problems import UnreadableError


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("duration", "duration"),
        ("duration asc", "duration asc"),
        ("release_date:month", "release_date:month"),
        ("release_date:month desc", "release_date:month desc"),
        ("release_date:month:desc", "release_date:month desc"),
        ("-duration", "duration desc"),
        ("+duration", "duration asc"),
        ("duration:desc", "duration desc"),
        ("Duration DESC", "duration desc"),
        ("release_date:month", "release_date:month"),
        ("release_date:month:asc", "release_date:month asc"),
        ("Order: release_year:decade descending", "release_year:decade desc"),
        ("duration ascending", "duration asc"),
        ("IMDb rating", "imdb_rating"),
        ("lowest duration first", "duration asc"),
        ("sort by imdb_rating, descending", "imdb_rating desc"),
        (["duration"], "duration"),
        ({"field": "duration", "direction": "asc"}, "duration asc"),
        ({"duration": "desc"}, "duration desc"),
    ],
)
def test_an_order_is_a_field_and_a_direction(given: Any, meant: str) -> None:
    assert read_order(given) == meant


@pytest.mark.parametrize("given", ["", "asc", "duration asc desc", 5, ["a", "b"]])
def test_what_names_no_field_is_refused(given: Any) -> None:
    with pytest.raises(UnreadableError, match="is no order"):
        read_order(given)
