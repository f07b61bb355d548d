"""Reading by address, where a catalogue is larger or stranger than the reference data."""

import json
from typing import Any, cast

import pytest

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.resources.resources import Resources
from mcp_server.serving.backends import Backends
from mcp_server.settings import Settings
from mcp_server.state.open_state import OpenState
from mcp_server.tools.size import MOST_TOKENS, most_tokens
from mcp_server.types import Id


async def read(resources: Resources, backends: Backends, address: str) -> dict[str, Any]:
    content = await resources.read(address, backends)
    assert most_tokens(json.loads(content.text)["items"]) <= MOST_TOKENS
    return cast("dict[str, Any]", json.loads(content.text))


@pytest.mark.parametrize(
    "items",
    [list(range(10_000_000, 10_005_000)), [f"sku-{n:060d}" for n in range(1_000)], ["x" * 255] * 3, [1]],
    ids=["many numbers", "long names", "few", "one"],
)
async def test_all_of_a_large_set_is_read_page_by_page(films_settings: Settings, items: list[Id]) -> None:
    state = OpenState(films_settings)
    manifest = state.manifests.manifest()
    backends, resources = Backends(state, manifest, 1), Resources(DatasetFacts(manifest.spec, manifest.card))
    handle = await (await backends.item_sets()).put(items)
    address, found = f"itemset://{handle}", list[Id]()
    while address:
        page = await read(resources, backends, address)
        assert (page["item_set"], page["count"]) == (handle, len(items))
        assert page["items"]
        found += page["items"]
        address = page.get("next", "")
    assert found == items
    await backends.aclose()
    await state.aclose()


def test_the_card_carries_titles_and_units_of_the_fields_of_results(films_settings: Settings) -> None:
    manifest = OpenState(films_settings).manifests.manifest()
    card = next(iter(Resources(DatasetFacts(manifest.spec, manifest.card)).listed()))
    assert card.meta is not None
    fields = card.meta["recsys-mcp/fields"]
    assert fields["imdb_rating"] == {"title": "IMDb rating", "unit": "of 10"}
    assert fields["duration"] == {"title": "Duration", "unit": "minutes"}
    assert fields["rating"]["unit"] == fields["mean_rating"]["unit"] == "of 5"
    assert fields["n_interactions"]["title"] == "ratings"
    assert fields["like_share"]["unit"] == "%"
