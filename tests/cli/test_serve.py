"""`serve`: its help, and what it refuses to serve."""

import re
import socket
import subprocess
import sys

import pytest

from mcp_server.settings import Settings
from tests.cli.shop_on_servers import DATABASE_USER, KEY, check_secrets, options
from tests.cli.terminal import Terminal
from tests.commands import Ended
from tests.e2e.test_several_processes import Shop
from tests.running_servers import PATIENCE_SECONDS, own_environment


def test_help_names_the_settings_of_serving(terminal: Terminal) -> None:
    ended = terminal.run("serve", "--help", COLUMNS="200", TERM="dumb")
    assert ended.code == 0
    named = set(re.findall(r"RECSYS_([A-Z_]+)", ended.out))
    assert {name.lower() for name in named - {"SOURCE_NAME"}} <= set(Settings.model_fields)
    assert named >= {
        "TRANSPORT",
        "HOST",
        "PORT",
        "PATH_PREFIX",
        "STATELESS",
        "ALLOW_ANONYMOUS",
        "TOKENS",
        "TOKENS_FILE",
        "ALLOWED_HOSTS",
        "DATASET",
        "STATE",
        "DATA",
    }


def refused_to_serve(shop: Shop, **variables: str) -> str:
    """What `serve` says in one line that does not start."""
    settings = {**shop.variables, "RECSYS_TRANSPORT": "http", "RECSYS_PORT": "0", **variables}
    process = subprocess.Popen(
        [sys.executable, "-m", "mcp_server", "serve", *map(str, options(shop))],
        env=own_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    if "listening on" in said:
        process.terminate()
    out, rest = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (2, ""), said
    (line,) = (said + rest).splitlines()
    assert line.startswith("recsys-mcp: ")
    check_secrets(line)
    return line


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RECSYS_TRANSPORT", "carrier-pigeon", "RECSYS_TRANSPORT"),
        ("RECSYS_TOKENS", "too-short-a-one", "token 1 of RECSYS_TOKENS is shorter than 16 characters"),
        ("RECSYS_MAX_CALLS", "0", "RECSYS_MAX_CALLS"),
        ("RECSYS_PORT", "abc", "RECSYS_PORT"),
        ("RECSYS_CALL_TIMEOUT", "0", "RECSYS_CALL_TIMEOUT"),
        ("RECSYS_DATABASE_POOL_SIZE", "0", "RECSYS_DATABASE_POOL_SIZE"),
        ("RECSYS_DATABASE_URL", f"postgres://{DATABASE_USER}:{KEY}@127.0.0.1/shop", "RECSYS_DATABASE_URL"),
        ("RECSYS_DATABASE_CA", "/nowhere/ca.pem", "RECSYS_DATABASE_TLS"),
        ("RECSYS_QDRANT_URL", f"ftp://{KEY}@127.0.0.1", "RECSYS_QDRANT_URL"),
        ("RECSYS_QDRANT_COLLECTION", "a name", "RECSYS_QDRANT_COLLECTION"),
    ],
)
def test_what_cannot_be_served_is_refused(
    remote_shop: Shop, preparations: list[Ended], name: str, value: str, said: str
) -> None:
    line = refused_to_serve(remote_shop, **{name: value})
    assert said in line
    assert "too-short-a-one" not in line


def test_a_port_in_use_is_refused(remote_shop: Shop, preparations: list[Ended]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use" in refused_to_serve(remote_shop, RECSYS_PORT=str(port))
