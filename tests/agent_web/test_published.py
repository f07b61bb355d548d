"""The things that several servers publish, one of which cannot be used."""

import sys
from pathlib import Path

from agent_client.servers.address import ServerAddress, own_server, server_at
from agent_client.servers.connected import connected
from agent_client.web.published import Published
from mcp_server.settings import Settings
from tests.names import ITEM, RECOMMEND


async def test_pages_and_titles_go_by_the_names_that_the_model_sees(films_settings: Settings, tmp_path: Path) -> None:
    films = own_server().connection
    films = {**films, "args": [*films["args"], "--state", str(films_settings.state_folder)], "command": sys.executable}
    servers = [server_at("http://127.0.0.1:9/mcp", name="gone"), ServerAddress("films", films)]
    published = Published(tmp_path)
    async with connected(servers) as open_servers:
        await published.read(open_servers)
    name = f"films_{RECOMMEND}"
    assert published.titles[name] == "Recommend films"
    card = published.cards[name]
    assert (card["title"], card["server"], card["pictures"]) == ("Recommend films", "films", [])
    assert "<!doctype html>" in (tmp_path / card["file"]).read_text(encoding="utf-8")
    assert f"films_{ITEM}" not in published.cards
    assert published.fields["imdb_rating"] == ("IMDb rating", "of 10")
    assert len(published.starters) == 5


async def test_a_server_that_was_down_is_read_when_it_is_back(films_settings: Settings, tmp_path: Path) -> None:
    late, films = tmp_path / "late", own_server().connection
    films = {**films, "args": [*films["args"], "--state", str(films_settings.state_folder)]}
    servers = [ServerAddress("films", films), ServerAddress("late", {**films, "command": str(late)})]
    published = Published(tmp_path)
    async with connected(servers) as open_servers:
        await published.read(open_servers)
        n_starters = len(published.starters)
        assert not any(name.startswith("late_") for name in [*published.titles, *published.cards])
        late.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        late.chmod(0o700)
        await open_servers.open()
        await published.read(open_servers)
        await published.read(open_servers)
    assert published.titles[f"late_{RECOMMEND}"] == "Recommend films"
    assert published.cards[f"late_{RECOMMEND}"]["server"] == "late"
    assert len(published.starters) == 2 * n_starters
