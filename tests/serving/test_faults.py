"""A server whose database or Qdrant goes away while it is used: what still works says so, what does not names what is
missing, and all is well as soon as they are back, in the same sessions.
"""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from mcp_server.errors import BackendError
from mcp_server.protocol.client import Session, http_session
from mcp_server.settings import Settings
from mcp_server.state.open_state import OpenState
from tests.e2e.test_several_processes import Question, Shop, answer, members, open_shop
from tests.mariadb import MISSING, PASSWORD, PrivateServer, Server, installed
from tests.names import FILTER, HISTORY, ITEM, LIKE, POPULAR, RECOMMEND, SEARCH, USER
from tests.protocol.test_shutdown import OPENING, call, stdio_server, wait_for_stopping
from tests.running_servers import PATIENCE_SECONDS, HttpServer, http_server, own_environment
from tests.vectors.qdrant_over_http import POLL_SECONDS, QdrantOverHttp

pytestmark = pytest.mark.skipif(not installed(), reason=MISSING)

TAKING_OVER_SECONDS = 20
"""Time allowed for a new state to be served. Servers look for one every two seconds."""

DATABASE_USER = "horatio"
"""A user whose name occurs in no text of the program."""

SECRETS = [DATABASE_USER, PASSWORD, quote(PASSWORD, safe="")]

OF_THE_DATABASE: list[Question] = [
    (LIKE, {"items": ["TOY-01", "KIT-01"]}),
]
"""Calls that ask the database each time."""

REMEMBERED: list[Question] = [
    (RECOMMEND, {"user": "anna", "k": 20}),
    (USER, {"user": "chloé", "get": ["city", "tier"]}),
    (ITEM, {"items": ["KIT-04"], "get": ["materials"]}),
    (RECOMMEND, {"liked_items": ["GAR-01", "GAR-04"], "k": 20}),
    (FILTER, {"materials": "wooden"}),
    (POPULAR, {}),
    (POPULAR, {"user_group": ["gold"]}),
    (HISTORY, {"user": "eve"}),
]
"""Calls that a process can answer again without its database."""

SEARCHES: list[Question] = [(SEARCH, {"query": "to play with", "k": 12}), (SEARCH, {"similar_to": "TOY-02"})]
"""Calls that a process can answer again without Qdrant."""

NEW: list[Question] = [
    (RECOMMEND, {"user": "finn"}),
    (USER, {"user": "dev", "get": ["city"]}),
    (ITEM, {"items": ["KIT-02"], "get": ["materials"]}),
    (FILTER, {"materials": "plastic"}),
    (POPULAR, {"user_group": ["silver"]}),
    (RECOMMEND, {"user": "ben", "item_set": "set_aaaaaa"}),
]
"""Calls that could be answered from memory, but have never been made before."""

PLAIN = [*OF_THE_DATABASE, *REMEMBERED]


class PassingQdrant(QdrantOverHttp):
    """One that can go away and come back, with the same port and the same collections."""

    here = True

    def leave(self) -> None:
        self.here = False
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        self._thread.join()

    def come_back(self) -> None:
        if self.here:
            return
        handler: Any = self._http.RequestHandlerClass
        self._http = type(self._http)(self.port, handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=[POLL_SECONDS], daemon=True)
        self._thread.start()
        self.here = True


def root_of(server: Server) -> Server:
    return Server(server.host, server.port, "root", "")


@pytest.fixture(scope="module")
def database() -> Iterator[PrivateServer]:
    with PrivateServer() as server:
        root = root_of(server)
        root.query(f"CREATE USER {DATABASE_USER} IDENTIFIED BY %s", PASSWORD)
        root.query(f"GRANT ALL ON `recsys%`.* TO {DATABASE_USER}")
        yield server


def url_of(server: Server, name: str) -> str:
    return server.url(name, user=DATABASE_USER)


def place_of(server: Server) -> str:
    """The database as errors name it."""
    return f"the database at {server.host}:{server.port}/recsys_"


@pytest.fixture(scope="module")
def qdrant() -> Iterator[PassingQdrant]:
    server = PassingQdrant()
    with server:
        yield server


@pytest.fixture(scope="module")
def searchable(
    database: PrivateServer, qdrant: PassingQdrant, tmp_path_factory: pytest.TempPathFactory, shop_settings: Settings
) -> Shop:
    """A shop that needs both servers."""
    variables = {
        "RECSYS_DATABASE_URL": url_of(database, database.create_database()),
        "RECSYS_QDRANT_URL": qdrant.url,
    }
    return open_shop(tmp_path_factory.mktemp("searchable"), shop_settings, variables)


@pytest.fixture(scope="module")
def plain(database: PrivateServer, tmp_path_factory: pytest.TempPathFactory, shop_settings: Settings) -> Shop:
    """A shop that needs the database alone."""
    url = url_of(database, database.create_database())
    return open_shop(tmp_path_factory.mktemp("plain"), shop_settings, {"RECSYS_DATABASE_URL": url}, searchable=False)


@contextlib.contextmanager
def serving(shop: Shop, **variables: str) -> Iterator[HttpServer]:
    """A server that ends well, and whose log has neither secrets nor surprises."""
    with http_server(shop.folder, **shop.variables, RECSYS_LOG_LEVEL="DEBUG", **variables) as server:
        yield server
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        check_log("\n".join(server.log))


def check_log(log: str) -> None:
    for noise in (*SECRETS, "Traceback", "ERROR", "Event loop is closed", "never awaited"):
        assert noise not in log


@contextlib.asynccontextmanager
async def sessions_with(server: HttpServer, number: int) -> AsyncIterator[list[Session]]:
    """Over both transports by turns."""
    async with contextlib.AsyncExitStack() as stack:
        endpoints = [("mcp", "sse")[count % 2] for count in range(number)]
        yield [await stack.enter_async_context(http_session(f"{server.base}/{endpoint}")) for endpoint in endpoints]


@contextlib.asynccontextmanager
async def away(server: PrivateServer, how: str) -> AsyncIterator[None]:
    """Keep a database "stopped", "killed" or "frozen" while this is open."""
    leave = {"stopped": server.stop, "killed": server.kill, "frozen": server.freeze}[how]
    await asyncio.to_thread(leave)
    try:
        yield
    finally:
        await asyncio.to_thread(server.thaw if how == "frozen" else server.start)


async def ask(session: Session, questions: Sequence[Question]) -> list[dict[str, Any]]:
    return [await answer(session, tool, arguments) for tool, arguments in questions]


async def refusal(session: Session, question: Question) -> str:
    result = await session.call(*question)
    assert result["isError"], question
    text: str = result["content"][0]["text"]
    assert not any(secret in text for secret in SECRETS)
    assert "\n" not in text
    return text


async def keep_asking(
    session: Session, questions: Sequence[Question], right: list[dict[str, Any]], place: str, enough: asyncio.Event
) -> int:
    """Ask everything again and again, at whatever moment: each answer is right, or an error that names a place.

    Returns:
        The number of errors.
    """
    n_errors = 0
    while not enough.is_set():
        for (tool, arguments), expected in zip(questions, right, strict=True):
            result = await session.call(tool, arguments)
            if result["isError"]:
                assert place in result["content"][0]["text"]
                n_errors += 1
            else:
                assert result["structuredContent"] == expected
            await asyncio.sleep(0.01)
    return n_errors


@contextlib.asynccontextmanager
async def kept_asking(
    sessions: list[Session], questions: Sequence[Question], right: list[dict[str, Any]], place: str
) -> AsyncIterator[None]:
    """All the while, each session asks everything; each has also been told of the place."""
    enough = asyncio.Event()
    asking = [asyncio.create_task(keep_asking(each, questions, right, place, enough)) for each in sessions]
    try:
        yield
    finally:
        enough.set()
        n_errors = await asyncio.gather(*asking)
    assert all(n_errors)


def readiness(server: HttpServer, **checks: str) -> httpx.Response:
    """The answer about readiness, once it is this; all else that is looked at is well."""
    expected = {"database": "ok", "model": "ok", "sessions": "ok", **checks}
    until = time.monotonic() + PATIENCE_SECONDS
    with server.client() as client:
        while (ready := client.get("ready")).json()["checks"] != expected:
            assert time.monotonic() < until, ready.text
            time.sleep(0.1)
        assert client.get("health").status_code == 200
    return ready


# The database


async def test_a_database_that_goes_away_and_comes_back(searchable: Shop, database: PrivateServer) -> None:
    """Stopped in order, and then killed."""
    everything = [*PLAIN, *SEARCHES]
    with serving(searchable) as server:
        async with sessions_with(server, 4) as sessions:
            right = await ask(sessions[0], everything)
            handle = right[everything.index((FILTER, {"materials": "wooden"}))]["item_set"]
            wooden = await members(sessions[0], handle)
            for how in ("stopped", "killed"):
                async with kept_asking(sessions, everything, right, place_of(database)):
                    async with away(database, how):
                        for session in sessions:
                            for question in [*OF_THE_DATABASE, *NEW]:
                                assert place_of(database) in await refusal(session, question)
                            assert await ask(session, [*REMEMBERED, *SEARCHES]) == right[len(OF_THE_DATABASE) :]
                            assert await members(session, handle) == wooden
                        ready = await asyncio.to_thread(readiness, server, database="unavailable", vectors="ok")
                        assert ready.status_code == 503
                        assert not any(secret in ready.text for secret in SECRETS)
                    for session in sessions:
                        assert await ask(session, everything) == right
                assert (await asyncio.to_thread(readiness, server, vectors="ok")).status_code == 200


async def test_a_database_that_goes_away_before_anything_has_been_asked(plain: Shop, database: PrivateServer) -> None:
    with serving(plain) as server:
        async with sessions_with(server, 2) as sessions:
            async with away(database, "killed"):
                for session in sessions:
                    for question in [*PLAIN, *NEW]:
                        assert place_of(database) in await refusal(session, question)
            one, other = [await ask(session, PLAIN) for session in sessions]
            assert one == other


async def test_a_database_that_is_silent_for_a_while(plain: Shop, database: PrivateServer) -> None:
    """Calls are given up after their time; and all connections of before are of no use for ever."""
    with serving(plain, RECSYS_CALL_TIMEOUT="3", RECSYS_DATABASE_POOL_SIZE="2") as server:
        async with sessions_with(server, 4) as sessions:
            right = await ask(sessions[0], PLAIN)
            async with away(database, "frozen"):
                ready = asyncio.create_task(asyncio.to_thread(readiness, server, database="unavailable"))
                asked = [refusal(session, question) for session in sessions for question in OF_THE_DATABASE]
                assert all("this call took longer than 3 s" in text for text in await asyncio.gather(*asked))
                assert await ask(sessions[0], REMEMBERED) == right[len(OF_THE_DATABASE) :]
                assert (await ready).status_code == 503
            for session in sessions:
                assert await ask(session, PLAIN) == right
            assert (await asyncio.to_thread(readiness, server)).status_code == 200


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_server_does_not_start_without_its_database(
    plain: Shop, database: PrivateServer, transport: str
) -> None:
    async with away(database, "stopped"):
        ended = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "mcp_server", "serve", "--transport", transport, "--state", str(plain.folder)],
            env=own_environment({**plain.variables, "RECSYS_PORT": "0"}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"recsys-mcp: {place_of(database)}")
    assert "is it running?" in line
    assert not any(secret in line for secret in SECRETS)


async def test_few_connections_are_enough_for_many_sessions(
    plain: Shop, database: PrivateServer, tmp_path: Path
) -> None:
    """There are never more than the setting says."""
    elsewhere = Shop(plain.dataset, tmp_path, plain.variables)  # where the model has to be fetched
    with serving(elsewhere, RECSYS_DATABASE_POOL_SIZE="2") as server:
        async with sessions_with(server, 16) as sessions:
            right = await ask(sessions[0], PLAIN)

            async def ask_at_once(number: int) -> list[dict[str, Any]]:
                asked = [*PLAIN, (FILTER, {"price": {"lt": 10 + number}})]  # and makes a set that is new
                *found, _ = await asyncio.gather(*(answer(sessions[number], *question) for question in asked))
                return found

            asking = asyncio.gather(*map(ask_at_once, range(len(sessions))))
            n_connections = []
            while not asking.done():
                n_connections.append(await asyncio.to_thread(connections, database))
            assert await asking == [right] * len(sessions)
            assert max(n_connections) <= 2 + 1  # one follows what is published


def connections(server: Server) -> int:
    """Those of running servers."""
    count = "SELECT count(*) FROM information_schema.processlist WHERE user = %s"
    ((number,),) = root_of(server).query(count, DATABASE_USER)
    return int(str(number))


@pytest.fixture(scope="module", autouse=True)
def look_at_silence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[int | None]]:
    """A look at what is published, at an address where nobody ever says a word. It may take a while, and so is begun
    before all tests.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql+aiomysql://{DATABASE_USER}@127.0.0.1:{silent.getsockname()[1]}/recsys_silent"
        record = OpenState(Settings(state=tmp_path_factory.mktemp("silence"), database_url=SecretStr(url))).manifests
        look: Future[int | None] = Future()

        def follow() -> None:
            try:
                look.set_result(record.version())
            except BaseException as error:
                look.set_exception(error)

        threading.Thread(target=follow, daemon=True).start()
        yield look


# Qdrant


async def test_a_qdrant_that_is_not_there_at_first_and_goes_away_again(searchable: Shop, qdrant: PassingQdrant) -> None:
    everything = [*PLAIN, *SEARCHES]
    place = f"Qdrant at {qdrant.url} cannot be reached"
    qdrant.leave()
    with contextlib.ExitStack() as stack:
        stack.callback(qdrant.come_back)
        server = stack.enter_context(serving(searchable))
        async with sessions_with(server, 4) as sessions:
            plain = await ask(sessions[0], PLAIN)

            async def check_without() -> None:
                for session in sessions:
                    for question in SEARCHES:
                        assert place in await refusal(session, question)
                    assert await ask(session, PLAIN) == plain
                assert (await asyncio.to_thread(readiness, server, vectors="unavailable")).status_code == 503

            await check_without()
            qdrant.come_back()
            by_meaning, alike = await ask(sessions[0], SEARCHES)
            assert len(by_meaning["items"]) == 12
            assert "TOY-02" not in {item["item_id"] for item in alike["items"]}
            right = [*plain, by_meaning, alike]
            async with kept_asking(sessions, everything, right, place):
                await asyncio.to_thread(qdrant.leave)
                await check_without()
                qdrant.come_back()
                for session in sessions:
                    assert await ask(session, everything) == right
            assert (await asyncio.to_thread(readiness, server, vectors="ok")).status_code == 200


# Tables


@pytest.fixture
def own(database: PrivateServer, tmp_path: Path, shop_settings: Settings) -> Shop:
    """A shop in a database of the test's own."""
    url = url_of(database, database.create_database())
    return open_shop(tmp_path, shop_settings, {"RECSYS_DATABASE_URL": url}, searchable=False)


def drop_tables(shop: Shop, server: Server, ending: str = "") -> None:
    """Those whose names end so."""
    name = make_url(shop.variables["RECSYS_DATABASE_URL"]).database
    tables = [table for (table,) in server.query("SHOW TABLES", database=name) if str(table).endswith(ending)]
    assert tables
    with contextlib.closing(server.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION foreign_key_checks = 0")
        cursor.execute(f"DROP TABLE {', '.join(f'`{table}`' for table in tables)}")


async def check_soon_right(session: Session, right: list[dict[str, Any]]) -> None:
    """True if the plain questions get these answers once a new state has had time to be taken over."""
    until = time.monotonic() + TAKING_OVER_SECONDS
    while True:
        results = [await session.call(*question) for question in PLAIN]
        found = [result.get("structuredContent") for result in results]
        if found == right or time.monotonic() > until:
            break
        await asyncio.sleep(0.1)
    assert found == right, results


async def test_dropped_tables_are_told_of_with_the_remedy_which_helps(own: Shop, database: PrivateServer) -> None:
    with serving(own) as server:
        async with sessions_with(server, 2) as sessions:
            right = await ask(sessions[0], PLAIN)
            for ending, unread, made in (
                ("_items", (ITEM, {"items": ["KIT-02"], "get": ["materials"]}), ["catalog"]),
                ("_interactions", (HISTORY, {"user": "dev"}), ["catalog"]),
                ("recsys_item_sets_3", (FILTER, {"price": {"lt": 20}}), []),
            ):
                drop_tables(own, database, ending)
                for session in sessions:
                    said = []
                    for question in [*PLAIN, unread]:
                        result = await session.call(*question)
                        if result["isError"]:
                            said.append(result["content"][0]["text"])
                    assert said, ending
                    assert all(place_of(database) in text and "run `recsys-mcp prepare`" in text for text in said)
                assert await asyncio.to_thread(own.prepare) == made
                for session in sessions:
                    await check_soon_right(session, right)


async def test_a_database_that_is_made_anew_is_taken_over(own: Shop, database: PrivateServer) -> None:
    """Nothing of the former one is left, not even how often something had been published in it."""
    with serving(own) as server:
        async with sessions_with(server, 1) as (session,):
            right = await ask(session, PLAIN)
            drop_tables(own, database)
            own.rename("KIT-04", "Bread knife")
            assert await asyncio.to_thread(own.prepare) == ["catalog", "model"]
            renamed = json.loads(json.dumps(right).replace("Knife, 20 cm", "Bread knife"))
            assert renamed != right
            await check_soon_right(session, renamed)


# Stopping


@contextlib.contextmanager
def locked_interactions(shop: Shop, server: Server) -> Iterator[Callable[[], None]]:
    """Queries of interactions wait, until what is given is called."""
    name = make_url(shop.variables["RECSYS_DATABASE_URL"]).database
    tables = (str(table) for (table,) in server.query("SHOW TABLES", database=name))
    (table,) = (table for table in tables if table.endswith("_interactions"))
    with contextlib.closing(server.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLES `{table}` WRITE")

        def unlock() -> None:
            cursor.execute("UNLOCK TABLES")

        yield unlock


HISTORIES: list[Question] = [(HISTORY, {"user": name}) for name in ("anna", "ben", "dev", "finn")]


async def until_waiting(server: Server, number: int) -> None:
    """Wait until so many queries wait for a lock."""
    count = "SELECT count(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for%lock'"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if await asyncio.to_thread(root_of(server).query, count) == [(number,)]:
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("endpoint", ["mcp", "sse"])
async def test_calls_that_wait_for_the_database_are_finished_when_it_is_asked_to_stop(
    plain: Shop, database: PrivateServer, endpoint: str
) -> None:
    with serving(plain) as other:
        async with http_session(f"{other.base}/{endpoint}") as session:
            right = await ask(session, HISTORIES)
    with serving(plain) as server:
        async with http_session(f"{server.base}/{endpoint}") as session:
            await session.list_tools()  # else the client asks for them afterwards, to check the result
            await ask(session, [(POPULAR, {})])  # the catalogue is open, and no history is remembered
            with locked_interactions(plain, database) as unlock, server.client() as client:
                calls = [asyncio.create_task(answer(session, *question)) for question in HISTORIES]
                await until_waiting(database, len(calls))
                client.get("health")
                server.process.send_signal(signal.SIGTERM)
                await asyncio.to_thread(wait_for_stopping, client)
                unlock()
                assert await asyncio.gather(*calls) == right
            assert await asyncio.to_thread(server.wait) == 0


async def test_calls_over_stdio_that_wait_for_the_database_are_finished(
    plain: Shop, database: PrivateServer, tmp_path: Path
) -> None:
    with stdio_server(["--state", plain.folder], tmp_path, **plain.variables) as server:
        opening: list[Any] = OPENING
        first = call(0, USER, user="anna", get=["city"])  # what reads the tables once has then been done
        server.send(*opening, first)
        assert {server.receive()["id"], server.receive()["id"]} == {0, 1}
        with locked_interactions(plain, database) as unlock:
            for number, (tool, arguments) in enumerate(HISTORIES, start=2):
                server.send(call(number, tool, **arguments))
            await until_waiting(database, len(HISTORIES))
            server.process.send_signal(signal.SIGTERM)
            stopping = False
            while not stopping:
                server.send(call(99, USER, user="anna", get=["city"]))
                stopping = "the server is stopping" in server.receive()["result"]["content"][0]["text"]
            unlock()
            answers = {message["id"]: message["result"]["structuredContent"] for message in server.rest()}
        newest = {number: found["items"][0]["item_id"] for number, found in answers.items()}
        assert newest == {2: "KIT-04", 3: "KIT-04", 4: "GAR-04", 5: "TOY-03"}
        assert server.process.wait() == 0
    check_log((tmp_path / "log").read_text())


def leaves(error: BaseException | None) -> list[BaseException | None]:
    """The errors in a group of errors."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in leaves(each)]
    return [error]


async def test_many_calls_do_not_disturb_its_end(plain: Shop) -> None:
    """Each is answered, or told that the server stops, or loses its connection when all is over."""
    endpoints = ["mcp", "sse"] * 6
    with serving(plain) as server:
        asking, stopping = asyncio.Semaphore(0), asyncio.Event()

        async def ask_to_the_end(endpoint: str) -> None:
            async with http_session(f"{server.base}/{endpoint}") as session:
                await answer(session, *HISTORIES[0])
                asking.release()
                while True:
                    result = await session.call(*HISTORIES[0])
                    if result["isError"]:
                        assert stopping.is_set()
                        assert "the server is stopping" in result["content"][0]["text"]

        tasks = [asyncio.create_task(ask_to_the_end(endpoint)) for endpoint in endpoints]
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in tasks:
                await asking.acquire()
        stopping.set()
        server.process.send_signal(signal.SIGTERM)
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, Exception) for end in ends)  # of which kind depends on the moment
        assert not any(isinstance(each, AssertionError) for end in ends for each in leaves(end))
        assert await asyncio.to_thread(server.wait) == 0


# Following what is published


def test_a_look_at_a_database_that_is_silent_is_given_up(look_at_silence: Future[int | None]) -> None:
    """Otherwise a server that is starting, or that looks for a new state, would wait for ever."""
    with pytest.raises(BackendError, match=r"the database at 127\.0\.0\.1:\d+/recsys_silent"):
        look_at_silence.result(PATIENCE_SECONDS)
