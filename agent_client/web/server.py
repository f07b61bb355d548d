"""`recsys-agent web`: Chainlit, set up in a folder of the user's own and started there."""

import asyncio
import contextlib
import hmac
import json
import logging
import os
import secrets
import shutil
import socket
import tempfile
from functools import partial, reduce
from importlib.util import find_spec
from pathlib import Path

from agent_client.choices import Choices
from agent_client.errors import AgentError
from agent_client.state import STATE_VARIABLE, state_folder
from agent_client.web.page import send_page
from agent_client.web.password import Password, password_for
from recsys_shared.listening import is_this_machine

FILES = Path(__file__).parent / "files"
"""Chainlit's configuration, and beside it the parts that the page is made of."""

LANGUAGE = "en-US.json"

BOTS = ("SLACK_BOT_TOKEN", "DISCORD_BOT_TOKEN", "TEAMS_APP_ID", "DATABASE_URL", "LITERAL_API_KEY")
"""Variables by which Chainlit would start more than a page, or keep conversations elsewhere."""


def run_web(choices: Choices, host: str, port: int, password_file: Path | None = None) -> None:
    """Serve the page until the process is told to stop; this ends the process.

    Args:
        port: Port to listen on; 0 takes any free port.
        password_file: File with the password to ask for; needed where others than this machine can reach the host.

    Raises:
        AgentError: The page cannot be served, or a server of the conversation cannot be used.
    """
    password = password_for(host, password_file)
    folder = _prepared_folder()
    _set_environment(folder, password)
    import chainlit.config
    import uvicorn
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from agent_client.web.app import WebApp

    chainlit.config.config.run.headless = True  # no browser is opened
    logging.getLogger("chainlit").setLevel(logging.ERROR)
    listening = _listen(host, port)
    with asyncio.Runner() as runner:
        page = WebApp(choices, folder, password)
        runner.run(page.open())
        from chainlit.server import app

        app.add_middleware(BaseHTTPMiddleware, dispatch=partial(send_page, pictures=page.published.picture_places))
        if is_this_machine(host):  # against pages that give this machine a name of their own (DNS rebinding)
            app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]"])
        shown = f"[{host}]" if ":" in host else host
        print(f"recsys-agent: http://{shown}:{listening.getsockname()[1]} (Ctrl-C ends)", flush=True)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3)
        runner.run(uvicorn.Server(config).serve(sockets=[listening]))


def _prepared_folder() -> Path:
    """The folder that Chainlit reads its configuration from and writes into."""
    folder = state_folder() / "web"
    settings = folder / ".chainlit"
    try:
        for made in (settings, folder / "build", folder / "public"):  # by another version, perhaps
            shutil.rmtree(made, ignore_errors=True)
        settings.mkdir(parents=True)
        shutil.copyfile(FILES / "config.toml", settings / "config.toml")
        chainlit = _chainlit()
        _write_words(chainlit / "translations" / LANGUAGE, settings / "translations")
        shutil.copytree(chainlit / "frontend" / "dist", folder / "build", ignore=shutil.ignore_patterns("*.map"))
        _write_index(folder / "build")
        shutil.copyfile(FILES / "chainlit.md", folder / "chainlit.md")
        shutil.copytree(FILES / "public", folder / "public")
        (folder / "public" / "cards").mkdir()
    except OSError as error:
        raise AgentError(f"{folder} cannot be used ({error}): name another folder in {STATE_VARIABLE}") from error
    return folder


def _write_index(build: Path) -> None:
    """Put our page in place of Chainlit's, which links to other sites; the names of its own files have digests."""
    page = (FILES / "index.html").read_text(encoding="utf-8")
    for suffix in ("js", "css"):
        page = page.replace(f"index.{suffix}", next((build / "assets").glob(f"index-*.{suffix}")).name)
    (build / "index.html").write_text(page, encoding="utf-8")


def _chainlit() -> Path:
    """The folder of Chainlit; importing it would read its configuration, which is not there yet."""
    chainlit = find_spec("chainlit")
    if chainlit is None or chainlit.origin is None:
        raise AgentError("the page needs more than is installed: pip install 'recsys-mcp[web]'")
    return Path(chainlit.origin).parent


def _write_words(english: Path, folder: Path) -> None:
    """Write Chainlit's English words with ours in place of some; Chainlit adds its other languages itself."""
    words = json.loads(english.read_text(encoding="utf-8"))
    for path, word in json.loads((FILES / "words.json").read_text(encoding="utf-8")).items():
        *groups, name = path.split(".")
        reduce(dict.__getitem__, groups, words)[name] = word
    folder.mkdir()
    (folder / LANGUAGE).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")


def _set_environment(folder: Path, password: Password | None) -> None:
    """Set the variables that Chainlit reads when it is imported."""
    for name in BOTS:
        os.environ.pop(name, None)
    os.environ["CHAINLIT_APP_ROOT"] = str(folder)
    secret = _secret(folder / "secret")
    if password is not None:  # those who came in by another password, or by none, are asked for this one
        secret = hmac.digest(secret.encode(), password.text.encode(), "sha256").hex()
    os.environ["CHAINLIT_AUTH_SECRET"] = secret
    os.environ["CHAINLIT_AUTH_COOKIE_NAME"] = "recsys_agent"


def _secret(file: Path) -> str:
    """The key that signs cookies; kept, so that browsers are known again after a restart."""
    if file.exists() and not file.stat().st_size:  # of a process that was ended
        file.unlink(missing_ok=True)
    if not file.exists():
        with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="ascii") as new:  # which nobody else can read
            new.write(secrets.token_urlsafe(48))
            new.flush()
            with contextlib.suppress(FileExistsError):  # of another page, which begins just now
                os.link(new.name, file)
    return file.read_text(encoding="ascii")


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise AgentError(f"cannot listen on {host}, port {port}: {why}") from error
