"""The reference pages in docs/reference are those that the code gives today."""

from pathlib import Path

from docs_site.pages import reference_pages
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_the_pages_are_up_to_date(films_settings: Settings) -> None:
    manifest = StateFolder(films_settings.state_folder).manifest()
    written = reference_pages(DatasetFacts(manifest.spec, manifest.card))
    kept = {file.name: file.read_text(encoding="utf-8") for file in sorted(REFERENCE.iterdir())}
    assert sorted(written) == sorted(kept)
    outdated = [name for name, text in written.items() if kept[name] != text]
    assert outdated == [], "run `recsys-mcp prepare` and `python -m docs_site`"
