"""The tools over the published state. Takes over new states, prepares the first one, and knows no protocol."""

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
from mcp_server.state.open_state import OpenState
from mcp_server.tools import build_tools
from mcp_server.tools.tool import Tool

if TYPE_CHECKING:
    from mcp_server.resources.completions import Source, Values
    from mcp_server.serving.backends import Backends

logger = logging.getLogger(__name__)

GRACE_SECONDS = 60.0
"""Time that the backends of a replaced state stay open for calls that still use them."""

WATCH_SECONDS = 2.0
"""Interval at which a manifest on a server is looked at."""


def check_dataset(settings: Settings, published: str, place: str) -> None:
    """Refuse a state of another dataset than the one that was named.

    Args:
        published: Name of the dataset whose state it is.
        place: The place of the state, for the message.

    Raises:
        NotPreparedError: It is the state of another dataset.
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
    """A manifest that has been found, with its version."""

    version: int
    manifest: Manifest | None


class Service:
    """Answers calls of tools.

    Args:
        settings: The dataset, and the place of its state.
        prepare_if_needed: Prepare the dataset in the background if nothing has been prepared.

    Raises:
        RecsysError: Nothing can be served. The text says what to do.
    """

    def __init__(self, settings: Settings, *, prepare_if_needed: bool) -> None:
        self._settings = settings
        self._state = OpenState(settings)
        self._version: int | None = None
        self._backends: Backends | None = None
        self._manifest: Manifest | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._preparation: FirstPreparation | None = None
        self._warming: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._prepare_if_needed = prepare_if_needed
        self._plugins = Plugins(settings.tools_path)
        try:
            self._adopt(self._find_new_manifest())
            if self._manifest is None:
                self._set_tools(DatasetFacts(load_spec(find_spec_file(settings.dataset)), None))
        except BaseException:
            self._state.close()
            raise

    def _set_tools(self, facts: DatasetFacts) -> None:
        self.facts = facts
        self.tools: dict[str, Tool] = self._plugins.add_to(build_tools(facts), facts)
        self.prompts: dict[str, Prompt] = build_prompts(facts)
        self.resources = Resources(facts)
        self.instructions = write_instructions(facts)

    # Taking over new states

    def _find_new_manifest(self) -> _Published | None:
        """The published manifest, or None where there is none, or where it is being served already.

        Raises:
            NotPreparedError: It is another dataset's, or it cannot be used and nothing will be prepared.
            BackendError: The manifest cannot be reached.
        """
        version = self._state.manifests.version()
        if version is None or version == self._version:
            return None
        manifests = self._state.manifests
        manifest = manifests.published() if self._prepare_if_needed else manifests.manifest()
        if manifest is not None:
            check_dataset(self._settings, manifest.spec.name, manifests.place)  # before anything is taken over
        return _Published(version, manifest)

    def _adopt(self, found: _Published | None) -> None:
        """Serve a manifest from now on."""
        if found is None:
            return
        self._manifest, self._version = found.manifest, found.version
        if self._manifest is not None:
            if self._manifest.is_former:
                logger.warning(
                    "%s: version 0.1 has made it; `recsys-mcp prepare` updates it", self._state.manifests.place
                )
            self._set_tools(DatasetFacts(self._manifest.spec, self._manifest.card))

    def _follow_folder(self) -> None:
        """Take over a new state in a folder. Looking there costs nothing, so every call does."""
        if self._state.manifests.is_remote:
            return
        found = self._find_new_manifest()
        self._adopt(found)
        if found is not None and found.manifest is not None:
            self._retire_backends()

    async def _follow_server(self) -> None:
        """Take over new states on a server. Looking there takes time, so it happens beside the calls, which are served
        from the old state until the new one is open.
        """
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                found = await asyncio.to_thread(self._find_new_manifest)
                if found is None or found.manifest is None:
                    continue
                successor = await asyncio.to_thread(self._open, found.manifest)
                await successor.warm()
                self._adopt(found)
                self._retire_backends(successor)
            except RecsysError as error:  # the old state goes on being served
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
        return self._cancel_at_close(asyncio.create_task(work))

    def _cancel_at_close(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        task.add_done_callback(_retrieve_exception)
        return task

    def start(self) -> None:
        """Begin to prepare, if nothing is published, and to look for new states. Called on the event loop."""
        if self._manifest is None and self._prepare_if_needed:
            logger.info("nothing has been prepared in %s: preparing %s now", self._state.manifests.place, self.name)
            self._preparation = FirstPreparation(self._settings, self.name)
            self._cancel_at_close(self._preparation.task)
        if self._state.manifests.is_remote:
            self._run_beside(self._follow_server())

    def warm(self) -> None:
        """Begin to open everything in the background, once."""
        if self._warming is None and self._manifest is not None:
            self._warming = self._run_beside(self._warm())

    async def _warm(self) -> None:
        with contextlib.suppress(RecsysError):  # calls report it
            await (await self._opened()).warm()

    async def readiness(self) -> dict[str, str]:
        """For each backend "ok", or the reason why it cannot be used."""
        if self._manifest is None:
            with contextlib.suppress(RecsysError):
                self._follow_folder()
        if self._manifest is None:
            return {"state": f"nothing has been prepared in {self._state.manifests.place}"}
        try:
            return await (await self._opened()).check()
        except RecsysError as error:
            return {"state": str(error)}

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool.

        Returns:
            The result, as JSON values.

        Raises:
            RecsysError: The tool cannot answer. The text is for the person who asked.
        """
        backends = await self._opened()
        if name not in self.tools:
            raise InvalidInputError(f"there is no tool {quoted(name)}. There are: {', '.join(self.tools)}")
        return await self.tools[name].call(backends, arguments)

    async def read(self, address: str) -> Content:
        """Read a resource that needs a backend.

        Raises:
            InvalidInputError: There is no such resource.
        """
        return await self.resources.read(address, await self._opened())

    async def complete(self, source: "Source", typed: str) -> "Values":
        """Completions of what has been typed."""
        return await source.find(await self._opened(), typed)

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self.facts.spec.name

    @property
    def is_prepared(self) -> bool:
        """True if there is a state to serve."""
        return self._manifest is not None

    async def _opened(self) -> "Backends":
        self._follow_folder()
        if self._manifest is None:
            await self._wait_for_preparation()
        if self._backends is not None:
            return self._backends
        async with self._lock:
            while self._backends is None:
                manifest = self._manifest
                assert manifest is not None
                await report(0, None, f"opening {self.name}")
                opened = await asyncio.to_thread(self._open, manifest)
                if manifest is self._manifest:  # otherwise another state has been published meanwhile
                    self._backends = opened
            return self._backends

    def _open(self, manifest: Manifest) -> "Backends":
        # Imported here, beside the event loop: importing SQLAlchemy, NumPy and the vector engine takes longer than
        # everything that a client needs for its list of tools.
        from mcp_server.serving.backends import Backends

        return Backends(self._state, manifest, self._settings.item_set_days)

    async def _wait_for_preparation(self) -> None:
        if self._preparation is not None:
            await self._preparation.wait()
        self._adopt(await asyncio.to_thread(self._find_new_manifest))
        if self._manifest is None:
            raise NotPreparedError(
                f"nothing has been prepared in {self._state.manifests.place}: run `recsys-mcp prepare`"
            )

    async def close(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._backends is not None:
            await self._backends.close()
        await self._state.aclose()


def _retrieve_exception(task: "asyncio.Task[None]") -> None:
    """Mark a task's exception as seen, which asyncio would log. It is meant for whoever waits for the task."""
    if not task.cancelled():
        task.exception()
