"""A corner shop in a database and in Qdrant, and commands run for it."""

import secrets
from urllib.parse import quote

from tests.cli.terminal import Terminal
from tests.commands import Ended
from tests.e2e.test_several_processes import Shop
from tests.mariadb import PASSWORD, Server
from tests.vectors.qdrant_over_http import QdrantOverHttp

DATABASE_USER, KEY = "horatio", "a-key-that-nobody-guesses"

SECRETS = [DATABASE_USER, PASSWORD, quote(PASSWORD, safe=""), KEY]


def new_place(database: Server, qdrant: QdrantOverHttp) -> dict[str, str]:
    """Settings that name a database with nothing in it, and collections of its own."""
    return {
        "RECSYS_DATABASE_URL": database.url(database.create_database(), user=DATABASE_USER, password=""),
        "RECSYS_DATABASE_PASSWORD": PASSWORD,
        "RECSYS_QDRANT_URL": qdrant.url,
        "RECSYS_QDRANT_API_KEY": KEY,
        "RECSYS_QDRANT_COLLECTION": f"shop-{secrets.token_hex(4)}",
    }


def place_of(shop: Shop) -> str:
    """Its database, as people are told of it."""
    return shop.variables["RECSYS_DATABASE_URL"].rpartition("@")[2]


def options(shop: Shop) -> list[object]:
    return ["--dataset", shop.dataset, "--state", shop.folder]


def check_secrets(*texts: str) -> None:
    for text in texts:
        assert not [secret for secret in SECRETS if secret in text]


class Commands:
    """Runs commands for a shop, and sees to it that they tell no secrets."""

    def __init__(self, terminal: Terminal, shop: Shop) -> None:
        self._terminal, self._shop = terminal, shop

    def run(self, *words: object, **variables: str) -> Ended:
        ended = self._terminal.run(*words, *options(self._shop), **{**self._shop.variables, **variables})
        check_secrets(ended.out, ended.err)
        assert "Traceback" not in ended.err, ended.err
        return ended

    def refused(self, *words: object, **variables: str) -> str:
        """What is said in one line on stderr, with exit code 2."""
        ended = self.run(*words, **variables)
        assert (ended.code, ended.out) == (2, "")
        (line,) = ended.err.splitlines()
        assert line.startswith("recsys-mcp: ")
        return line.removeprefix("recsys-mcp: ")
