"""The tools over whatever state is published: follows new states, prepares the first one, knows no protocol."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.spec import find_spec_file, load_spec
from mcp_server.errors import DatasetError, InvalidInputError, NotPreparedError, RecsysError, quoted
from mcp_server.prompts.instructions import write_instructions
from mcp_server.prompts.library import build_prompts
from mcp_server.prompts.prompt import Prompt
from mcp_server.resources.resources import Content, Resources
from mcp_server.serving.background_preparation import FirstPreparation
from mcp_server.serving.call_progress import report
from mcp_server.serving.plugins import Plugins
from mcp_server.settings import Settings
from mcp_server.state.manifest import Manifest
from mcp_server.state.record import open_record
from mcp_server.tools import build_tools
from mcp_server.tools.tool import Tool

if TYPE_CHECKING:
    from mcp_server.resources.completions import Source, Values
    from mcp_server.serving.backends import Backends

logger = logging.getLogger(__name__)

GRACE_SECONDS = 60.0
"""How long the backends of a state that has been replaced stay open for calls that still use them."""

WATCH_SECONDS = 2.0
"""How often a record on a server is looked at."""


def check_dataset(settings: Settings, published: str, place: str) -> None:
    """Refuse a state of another dataset than the one that was named.

    Args:
        place: Of the state, for the message.

    Raises:
        NotPreparedError: It is another one.
    """
    chosen = settings.chosen_dataset
    if chosen is None or chosen == published:
        return
    try:
        name = load_spec(find_spec_file(chosen)).name
    except DatasetError as error:  # it is needed to prepare, and what is published can be served without it
        logger.warning("%s", error)
        return
    if name != published:
        other = "folder with --state" if settings.database_url is None else "database in RECSYS_DATABASE_URL"
        raise NotPreparedError(
            f"{place} holds {published}, not {name}: name another {other}, or run `recsys-mcp prepare` to replace it"
        )


@dataclass(frozen=True)
class _Published:
    """What a look at the record has found."""

    version: int
    current: Manifest | None


class Service:
    """Answers calls of tools.

    Args:
        settings: Which dataset, and where its state is.
        prepare_if_needed: Prepare the dataset in the background where nothing has been prepared.

    Raises:
        RecsysError: Nothing can be served; the text says what to do.
    """

    def __init__(self, settings: Settings, *, prepare_if_needed: bool) -> None:
        self._settings = settings
        self._record = open_record(settings)
        self._version: int | None = None
        self._backends: Backends | None = None
        self._current: Manifest | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._preparation: FirstPreparation | None = None
        self._warming: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._prepare_if_needed = prepare_if_needed
        self._plugins = Plugins(settings.tools_path)
        self._take(self._look())
        if self._current is None:
            facts = DatasetFacts(load_spec(find_spec_file(settings.dataset)), None)
            self._set_tools(facts)

    def _set_tools(self, facts: DatasetFacts) -> None:
        self.facts = facts
        self.tools: dict[str, Tool] = self._plugins.add_to(build_tools(facts), facts)
        self.prompts: dict[str, Prompt] = build_prompts(facts)
        self.resources = Resources(facts)
        self.instructions = write_instructions(facts)

    # Following what is published

    def _look(self) -> _Published | None:
        """What is published; None where nothing is, or what is served already.

        Raises:
            NotPreparedError: It is another dataset's, or unusable and nothing will be prepared.
            BackendError: The record cannot be reached.
        """
        version = self._record.version()
        if version is None or version == self._version:
            return None
        current = self._record.published() if self._prepare_if_needed else self._record.current()
        if current is not None:
            check_dataset(self._settings, current.spec.name, self._record.place)  # before anything is taken over
        return _Published(version, current)

    def _take(self, found: _Published | None) -> None:
        """Serve it from now on."""
        if found is None:
            return
        self._current, self._version = found.current, found.version
        if self._current is not None:
            if self._current.is_former:
                logger.warning("%s: version 0.1 has made it; `recsys-mcp prepare` updates it", self._record.place)
            self._set_tools(DatasetFacts(self._current.spec, self._current.card))

    def _follow(self) -> None:
        """A look into a folder costs nothing, so every call takes one."""
        if self._record.is_remote:
            return
        found = self._look()
        self._take(found)
        if found is not None and found.current is not None:
            self._retire_backends()

    async def _watch(self) -> None:
        """A look at a server takes time, so it is taken beside the calls, which go on from the old state until the
        new one is open.
        """
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                found = await asyncio.to_thread(self._look)
                if found is None or found.current is None:
                    continue
                successor = await asyncio.to_thread(self._open, found.current)
                await successor.warm()
                self._take(found)
                self._retire_backends(successor)
            except RecsysError as error:  # what is served goes on
                logger.debug("%s", error)
            except Exception:
                logger.exception("looking for a new state failed")

    def _retire_backends(self, successor: "Backends | None" = None) -> None:
        retired, self._backends = self._backends, successor
        if retired is not None:
            self._run_beside(self._close_later(retired))

    async def _close_later(self, backends: "Backends") -> None:
        try:
            await asyncio.sleep(GRACE_SECONDS)
        finally:
            await backends.close()

    def _run_beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._keep(asyncio.create_task(work))

    def _keep(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        """Until it has ended, or the service is closed."""
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        task.add_done_callback(_retrieve)
        return task

    def start(self) -> None:
        """Begin to prepare, if nothing is published, and to follow. Called when the event loop runs."""
        if self._current is None and self._prepare_if_needed:
            logger.info("nothing has been prepared in %s: preparing %s now", self._record.place, self.name)
            self._preparation = FirstPreparation(self._settings, self.name)
            self._keep(self._preparation.task)
        if self._record.is_remote:
            self._run_beside(self._watch())

    def warm(self) -> None:
        """Begin to open everything in the background, once."""
        if self._warming is None and self._current is not None:
            self._warming = self._run_beside(self._warm())

    async def _warm(self) -> None:
        with contextlib.suppress(RecsysError):  # whoever asks for it will be told
            await (await self._opened()).warm()

    async def readiness(self) -> dict[str, str]:
        """Whether each backend can be used: "ok", or what is wrong."""
        if self._current is None:
            with contextlib.suppress(RecsysError):
                self._follow()
        if self._current is None:
            return {"state": f"nothing has been prepared in {self._record.place}"}
        try:
            return await (await self._opened()).check()
        except RecsysError as error:
            return {"state": str(error)}

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool.

        Returns:
            Its result, as JSON values.

        Raises:
            RecsysError: It cannot answer; the text is for the person who asked.
        """
        backends = await self._opened()
        if name not in self.tools:
            raise InvalidInputError(f"there is no tool {quoted(name)}. There are: {', '.join(self.tools)}")
        return await self.tools[name].call(backends, arguments)

    async def read(self, address: str) -> Content:
        """A resource of those that need a backend.

        Raises:
            InvalidInputError: There is no such resource.
        """
        return await self.resources.read(address, await self._opened())

    async def complete(self, source: "Source", typed: str) -> "Values":
        """What can be typed next."""
        return await source.find(await self._opened(), typed)

    @property
    def name(self) -> str:
        """Of the dataset."""
        return self.facts.spec.name

    @property
    def is_prepared(self) -> bool:
        """Is there anything to ask?"""
        return self._current is not None

    async def _opened(self) -> "Backends":
        self._follow()
        if self._current is None:
            await self._wait_for_preparation()
        if self._backends is not None:
            return self._backends
        async with self._lock:
            while self._backends is None:
                current = self._current
                assert current is not None
                await report(0, None, f"opening {self.name}")
                opened = await asyncio.to_thread(self._open, current)
                if current is self._current:  # else another state was published meanwhile
                    self._backends = opened
            return self._backends

    def _open(self, current: Manifest) -> "Backends":
        # Imported here, beside the event loop: SQLAlchemy, NumPy and the vector engine take longer to import
        # than all that a client needs for its list of tools.
        from mcp_server.serving.backends import Backends

        return Backends(self._settings, current)

    async def _wait_for_preparation(self) -> None:
        if self._preparation is not None:
            await self._preparation.wait()
        self._take(await asyncio.to_thread(self._look))
        if self._current is None:
            raise NotPreparedError(f"nothing has been prepared in {self._record.place}: run `recsys-mcp prepare`")

    async def close(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._backends is not None:
            await self._backends.close()
        self._record.close()


def _retrieve(task: "asyncio.Task[None]") -> None:
    """What a task has raised is for whoever waits for it; asyncio logs it where nobody does."""
    if not task.cancelled():
        task.exception()
