"""Databases that a stranger's dataset reads from: their URLs are secrets, and no process or text shows them."""

import json
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from mcp_server.errors import DatasetError
from mcp_server.reading import isolation
from mcp_server.reading.dataset import open_dataset
from mcp_server.reading.files import DatasetFiles
from mcp_server.serving import background_preparation
from mcp_server.serving.background_preparation import FirstPreparation
from mcp_server.settings import Settings
from tests.commands import run
from tests.conftest import SHOP
from tests.running_servers import own_environment

PASSWORD = "geheim-7f3a"

UNREACHABLE = f"mysql://reader:{PASSWORD}@127.0.0.1:1/shop"

MISTYPED = f"mysql://reader:a@{PASSWORD}@127.0.0.1:1/shop"

PROCESSES = Path("/proc")


@pytest.fixture
def shop_folder(tmp_path: Path) -> Path:
    """The corner shop, with its products in a database."""
    folder = Path(shutil.copytree(SHOP, tmp_path / "shop"))
    spec = (folder / "dataset.yaml").read_text(encoding="utf-8")
    products = "{file: products.csv, format: delimited}"
    assert products in spec
    changed = spec.replace(products, '{from: shop, query: "SELECT * FROM products"}')
    (folder / "dataset.yaml").write_text(changed, encoding="utf-8")
    return folder


@pytest.mark.parametrize("url", [UNREACHABLE, MISTYPED, f"{PASSWORD}://x", f"mysql://reader@127.0.0.1:{PASSWORD}/x"])
@pytest.mark.parametrize("place", ["option", "environment", "file"])
def test_no_error_log_or_state_shows_a_password(shop_folder: Path, tmp_path: Path, url: str, place: str) -> None:
    words: list[object] = ["prepare", "--dataset", shop_folder, "--state", tmp_path / "state"]
    variables = {"RECSYS_LOG_LEVEL": "DEBUG"}
    if place == "option":
        words += ["--source", f"shop={url}"]
    elif place == "environment":
        variables["RECSYS_SOURCE_SHOP"] = url
    else:
        (tmp_path / "mine.env").write_text(f"RECSYS_SOURCE_SHOP={url}\n")
        words += ["--env-file", tmp_path / "mine.env"]
    ended = run(words, tmp_path, own_environment(variables))
    assert ended.code != 0
    assert PASSWORD not in ended.out + ended.err
    assert "Traceback" not in ended.err
    written = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert not [path for path in written if PASSWORD.encode() in path.read_bytes()]


async def test_a_preparation_that_a_server_starts_has_no_password_among_its_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other users of the machine see the arguments of every process, but not its environment."""
    program = tmp_path / "program.py"
    seen = tmp_path / "seen.json"
    program.write_text(
        f"import json, os, sys\njson.dump([sys.argv, os.environ['RECSYS_SOURCE_SHOP']], open({str(seen)!r}, 'w'))\n"
    )
    monkeypatch.setattr(background_preparation, "OWN_PROGRAM", [sys.executable, str(program)])
    settings = Settings(dataset=str(tmp_path), state=tmp_path / "state", sources={"shop": UNREACHABLE})
    await FirstPreparation(settings, "shop").wait()
    arguments, url = json.loads(seen.read_text())
    assert url == UNREACHABLE
    assert "prepare" in arguments
    assert PASSWORD not in " ".join(arguments)


@pytest.mark.skipif(not PROCESSES.is_dir(), reason="processes are files on Linux alone")
def test_the_process_that_runs_a_stranger_s_sql_has_no_secrets(
    shop_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_SOURCE_SHOP", UNREACHABLE)
    monkeypatch.setenv("RECSYS_DATABASE_PASSWORD", PASSWORD)
    monkeypatch.setattr(isolation, "LONGEST_READING_SECONDS", 3.0)
    endless = "SELECT products.* FROM 'products.csv' AS products, range(1000000000000)"
    spec = (shop_folder / "dataset.yaml").read_text(encoding="utf-8")
    spec = spec.replace('{from: shop, query: "SELECT * FROM products"}', f'{{query: "{endless}"}}')
    (shop_folder / "dataset.yaml").write_text(spec, encoding="utf-8")
    found = DatasetFiles.find(shop_folder / "dataset.yaml", None)
    shown: dict[int, bytes] = {}

    def look() -> None:
        for file in PROCESSES.glob(f"{os.getpid()}/task/*/children"):
            for child in map(int, file.read_text().split()):
                place = PROCESSES / str(child)
                shown[child] = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()

    looking = threading.Timer(1.5, look)
    looking.start()
    with pytest.raises(DatasetError, match="took longer than"), open_dataset(found):
        pass
    looking.join()
    readers = [content for content in shown.values() if b"isolated_process" in content]
    assert len(readers) == 1
    assert PASSWORD.encode() not in readers[0]
