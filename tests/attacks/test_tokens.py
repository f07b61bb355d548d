"""A file of tokens that is emptied, deleted or opened to others lets nobody in."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_server.errors import InvalidInputError
from mcp_server.http.auth import Tokens
from mcp_server.settings import Settings
from tests.running_servers import HttpServer, http_server, initialize

ONE, OTHER, THIRD = "one-token-of-sixteen", "other.token/of+sixteen=", "~third_token_of_sixteen~"

posix_only = pytest.mark.skipif(os.name != "posix", reason="permissions are not these there")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "tokens"
    file.write_text(f"{ONE}\n{OTHER}\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def replace(file: Path, text: str) -> None:
    """Replace a file as mounted secrets are replaced: another file takes its name."""
    other = file.with_suffix(".new")
    other.write_text(text, encoding="utf-8")
    other.replace(file)


@pytest.mark.parametrize("left", ["", "\n# none left\n", b"\xff\xfe", None])
def test_an_emptied_or_deleted_file_revokes_its_tokens(
    file: Path, left: str | bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = Tokens(THIRD, file)
    if left is None:
        file.unlink()
    else:
        file.write_bytes(left if isinstance(left, bytes) else left.encode())
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert tokens.owner(ONE) is None
            assert tokens.owner(OTHER) is None
            assert tokens.owner(THIRD)  # which is not the file's
    (record,) = caplog.records  # once, not with each request
    assert str(file) in record.getMessage()
    assert ONE not in record.getMessage()
    replace(file, ONE)
    assert tokens.owner(ONE)
    assert tokens.owner(OTHER) is None


def test_without_any_token_left_one_is_still_asked_for(file: Path) -> None:
    tokens = Tokens(None, file)
    file.unlink()
    assert tokens.owner(ONE) is None
    assert tokens
    file.write_text("", encoding="utf-8")
    assert tokens.owner("") is None
    assert tokens


def test_of_a_file_with_a_wrong_line_the_others_are_accepted_and_no_token_of_before(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = Tokens(None, file)
    replace(file, f"{OTHER}\ntoo-short\n")
    with caplog.at_level(logging.ERROR):
        assert tokens.owner(ONE) is None
        assert tokens.owner(OTHER)
        assert tokens.owner("too-short") is None
    (record,) = caplog.records
    assert "token 2 of" in record.getMessage()
    assert "too-short" not in record.getMessage()


@posix_only
def test_a_file_that_others_can_write_is_refused_with_the_remedy(file: Path) -> None:
    file.chmod(0o606)
    with pytest.raises(InvalidInputError, match=f"chmod o-w {file}"):
        Tokens(None, file)
    file.chmod(0o600)
    file.parent.chmod(0o707)
    with pytest.raises(InvalidInputError, match=f"chmod o-w {file.parent}"):
        Tokens(None, file)
    file.parent.chmod(0o1707)  # as /tmp is: others cannot replace what is not theirs
    assert Tokens(None, file).owner(ONE)


@posix_only
@pytest.mark.parametrize("opened", ["file", "folder"])
def test_a_file_that_others_can_write_later_is_not_believed_until_it_is_mended(
    file: Path, opened: str, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = Tokens(None, file)
    path = file if opened == "file" else file.parent
    mode = path.stat().st_mode & 0o7777
    path.chmod(mode | 0o002)
    with caplog.at_level(logging.ERROR):
        assert tokens.owner(ONE) is None
        assert tokens.owner(ONE) is None
    (record,) = caplog.records
    assert f"chmod o-w {path}" in record.getMessage()
    path.chmod(mode)
    assert tokens.owner(ONE)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of this machine can read, as can all folders above it."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@posix_only
@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_file_that_others_can_read_is_warned_about(
    mode: int, warned: bool, open_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = open_folder / "tokens"
    file.write_text(ONE, encoding="utf-8")
    file.chmod(mode)
    Tokens(None, file)
    assert [f"chmod o-r {file}" in record.getMessage() for record in caplog.records] == [True] * warned
    caplog.clear()
    Tokens(None, file, secrets_folder=open_folder)  # an orchestrator's mount, where it is no news
    open_folder.chmod(0o700)  # as make-secrets.sh has it
    Tokens(None, file)
    assert not caplog.records


@pytest.fixture
def server(films_settings: Settings, file: Path) -> Iterator[HttpServer]:
    with http_server(films_settings.state_folder, RECSYS_TOKENS_FILE=str(file)) as server:
        yield server


def test_a_running_server_does_not_become_open(server: HttpServer, file: Path) -> None:
    with server.client(ONE) as client, server.client() as nobody:
        assert initialize(client).status_code == 200
        file.write_text("", encoding="utf-8")
        for which in (client, nobody, client):
            assert initialize(which).status_code == 401
            assert which.get("metrics").status_code == 401
        file.unlink()
        assert initialize(client).status_code == initialize(nobody).status_code == 401
        file.write_text(f"{OTHER}\n", encoding="utf-8")
        file.chmod(0o600)
        assert initialize(client).status_code == 401
    with server.client(OTHER) as client:
        assert initialize(client).status_code == 200
    server.end()
    assert len([line for line in server.log if " ERROR " in line]) <= 3
    assert not any("Traceback" in line for line in server.log)
