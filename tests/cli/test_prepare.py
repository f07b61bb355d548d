"""`prepare`: what it says of what it made."""

import shutil
from pathlib import Path

from mcp_server.state.folder import StateFolder
from tests.cli.shop_on_servers import place_of
from tests.cli.terminal import Terminal, shop_options
from tests.commands import Ended
from tests.e2e.test_several_processes import Shop


def test_prepare_reports_on_stderr_only(terminal: Terminal, shop_state: Path) -> None:
    state = StateFolder(shop_state)
    shutil.rmtree(state.part(state.manifest().catalog))
    for expected in ("made: catalog", "everything was up to date"):
        ended = terminal.run("prepare", *shop_options(shop_state))
        assert ended.code == 0
        assert ended.out == ""
        assert f"corner-shop is ready ({expected};" in ended.err
        assert "12 products, 8 customers, 22 purchases" in ended.err
    assert list(terminal.folder.iterdir()) == []


def test_prepare_tells_what_it_does_and_where(remote_shop: Shop, preparations: list[Ended]) -> None:
    first, second = preparations
    assert (first.code, first.out) == (second.code, second.out) == (0, "")
    for step in ("Reading the dataset", "Loading the catalogue", "Embedding texts", "Indexing vectors"):
        assert f"{step}: done in " in first.err
        assert step not in second.err
    assert "corner-shop is ready (made: catalog, vectors, model; " in first.err
    assert "corner-shop is ready (everything was up to date; " in second.err
    for said in (first.err, second.err):
        assert "12 products, 8 customers, 22 purchases" in said
        assert f"database at {place_of(remote_shop)}, files in {remote_shop.folder}" in " ".join(said.split())
