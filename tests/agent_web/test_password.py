"""The password of a page that others can reach."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from agent_client.errors import AgentError
from agent_client.web.password import Password, password_for

SECRET = "a rather long password"


def kept(folder: Path, text: str = f"{SECRET}\n", mode: int = 0o600) -> Path:
    file = folder / "password"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_page_for_this_machine_needs_no_password(host: str) -> None:
    assert password_for(host, None) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_a_page_for_others_needs_a_password(host: str) -> None:
    with pytest.raises(AgentError, match="--password-file FILE"):
        password_for(host, None)


def test_a_password_is_the_text_of_the_file_without_its_line_end(tmp_path: Path) -> None:
    password = password_for("0.0.0.0", kept(tmp_path))
    assert password is not None
    assert asyncio.run(password.admits(SECRET, "10.0.0.1"))


def test_a_page_for_this_machine_may_have_one(tmp_path: Path) -> None:
    assert password_for("127.0.0.1", kept(tmp_path)) is not None


@pytest.mark.parametrize("text", ["", "\n", "short"])
def test_short_passwords_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(AgentError, match="at least 12"):
        password_for("0.0.0.0", kept(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="nowhere cannot be read"):
        password_for("0.0.0.0", tmp_path / "nowhere")


@pytest.mark.skipif(os.name == "nt", reason="files have no such modes")
def test_a_file_that_everybody_can_read_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    password_for("0.0.0.0", kept(tmp_path))
    assert capsys.readouterr().err == ""
    file = kept(tmp_path, mode=0o644)
    password_for("0.0.0.0", file)
    assert capsys.readouterr().err == f"recsys-agent: everybody on this machine can read {file}: chmod o-r {file}\n"
    assert file.stat().st_mode & stat.S_IROTH


def test_an_address_waits_after_a_wrong_try_while_others_do_not() -> None:
    async def tries() -> list[tuple[str, bool]]:
        password = Password(SECRET)
        answers: list[tuple[str, bool]] = []

        async def attempt(given: str, address: str) -> None:
            answers.append((address, await password.admits(given, address)))

        await asyncio.gather(attempt("wrong", "10.0.0.1"), attempt(SECRET, "10.0.0.1"), attempt(SECRET, "10.0.0.2"))
        return answers

    assert asyncio.run(tries()) == [("10.0.0.2", True), ("10.0.0.1", False), ("10.0.0.1", True)]
