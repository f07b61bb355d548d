"""Writes the reference pages into docs/reference: `python -m docs_site`

The page of the tools is about MovieLens-100k as it has been prepared, in the state that RECSYS_STATE names or in the
user's own.
"""

import sys
from pathlib import Path

from docs_site.pages import reference_pages
from mcp_server.dataset.facts import DatasetFacts
from mcp_server.errors import RecsysError
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"


def main() -> None:
    try:
        manifest = StateFolder(Settings(dataset="ml-100k").state_folder).manifest()
    except RecsysError as error:
        sys.exit(f"docs_site: {error}")
    REFERENCE.mkdir(exist_ok=True)
    for name, text in reference_pages(DatasetFacts(manifest.spec, manifest.card)).items():
        (REFERENCE / name).write_text(text, encoding="utf-8", newline="\n")
        print(f"docs/reference/{name}")


if __name__ == "__main__":
    main()
