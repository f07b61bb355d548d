"""The file of item sets, which a machine that loses its power may leave damaged."""

import logging
from pathlib import Path

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.state.folder import StateFolder
from mcp_server.state.folder_parts import FolderParts

DAYS = 7.0

DAMAGES = {
    "text": lambda content: b"This is no database. " * 400,
    "zeros": lambda content: bytes(len(content)),
    "half": lambda content: content[: len(content) // 2],
    "a page": lambda content: content[:4096] + b"\xff" * 4096 + content[8192:],
}


@pytest.fixture
def parts(tmp_path: Path) -> FolderParts:
    return FolderParts(StateFolder(tmp_path))


async def test_sets_are_there_after_a_restart(parts: FolderParts) -> None:
    async with parts.item_sets(DAYS) as sets:
        handle = await sets.put([1, 2, 3])
    async with parts.item_sets(DAYS) as sets:
        assert await sets.get(handle) == (1, 2, 3)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_file_is_made_again(
    parts: FolderParts, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    async with parts.item_sets(DAYS) as sets:
        handles = [await sets.put([number]) for number in range(200)]
    file = tmp_path / "item_sets.sqlite"
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    with caplog.at_level(logging.WARNING):
        async with parts.item_sets(DAYS) as sets:
            with pytest.raises(InvalidInputError, match="call the tool that made it again"):
                await sets.get(handles[7])
            assert await sets.put([7]) == handles[7]
            assert await sets.get(handles[7]) == (7,)
    assert f"({file}) is damaged: it is made again" in caplog.text
