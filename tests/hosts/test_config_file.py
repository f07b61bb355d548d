"""The file of another program: read as it is, replaced in one step, with a copy of what was there before."""

import os
import stat
import sys
from pathlib import Path

import pytest

from mcp_server.hosts.config_file import KEPT_BACKUPS, ConfigFile, ConfigFileError


def _backups(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.bak"))


def test_a_missing_file_is_made_with_its_folders_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "mcp.json"
    file = ConfigFile(path)
    assert file.text is None
    assert file.replace("{}") is None
    assert path.read_bytes() == b"{}"
    assert [entry.name for entry in path.parent.iterdir()] == ["mcp.json"]
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of Unix")
def test_permissions_stay_and_the_copy_has_them_too(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(b"{}")
    path.chmod(0o640)
    backup = ConfigFile(path).replace('{"a": 1}')
    assert backup is not None
    assert backup.read_bytes() == b"{}"
    assert {stat.S_IMODE(each.stat().st_mode) for each in (path, backup)} == {0o640}


def test_line_ends_and_byte_order_mark_stay(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(b"\xef\xbb\xbf{\r\n}\r\n")
    file = ConfigFile(path)
    assert file.text == "{\r\n}\r\n"
    file.replace('{\r\n  "a": "\u00e9"\r\n}\r\n')
    assert path.read_bytes() == b'\xef\xbb\xbf{\r\n  "a": "\xc3\xa9"\r\n}\r\n'


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_stays_and_what_it_leads_to_is_changed(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "mcp.json"
    target.parent.mkdir()
    target.write_text("{}", encoding="utf-8")
    link = tmp_path / "mcp.json"
    link.symlink_to(target)
    backup = ConfigFile(link).replace('{"a": 1}')
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == '{"a": 1}'
    assert backup is not None
    assert backup.parent == target.parent


def test_only_the_newest_copies_are_kept_and_others_files_stay(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    others = [tmp_path / "mcp.json.bak", tmp_path / "mcp.json.recsys-notes", tmp_path / "other.json.recsys-1.bak"]
    for other in others:
        other.write_text("mine", encoding="utf-8")
    path.write_text("0", encoding="utf-8")
    for number in range(1, KEPT_BACKUPS + 3):
        ConfigFile(path).replace(str(number))
    kept = [str(number) for number in range(KEPT_BACKUPS + 1, 1, -1)]
    assert ConfigFile(path).earlier_texts() == kept
    assert len(_backups(tmp_path)) == KEPT_BACKUPS + 2
    assert all(other.read_text(encoding="utf-8") == "mine" for other in others)


def test_what_another_program_writes_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("{}", encoding="utf-8")
    file = ConfigFile(path)
    path.write_text('{"written": "meanwhile"}', encoding="utf-8")
    for text in ('{"a": 1}', None):
        with pytest.raises(ConfigFileError, match="changed by another program"):
            file.replace(text)
    assert path.read_text(encoding="utf-8") == '{"written": "meanwhile"}'
    assert [entry.name for entry in tmp_path.iterdir()] == ["mcp.json"]  # no copies either


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes("{}".encode("utf-16"))
    with pytest.raises(ConfigFileError, match="not text in UTF-8"):
        ConfigFile(path)
    assert path.read_bytes() == "{}".encode("utf-16")


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match="cannot be read"):
        ConfigFile(tmp_path)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs folders that cannot be written to")
def test_a_folder_without_rights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("{}", encoding="utf-8")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ConfigFileError, match="cannot be written"):
            ConfigFile(path).replace("[]")
    finally:
        tmp_path.chmod(0o700)
    assert path.read_text(encoding="utf-8") == "{}"
