"""The tools over the published state: answers calls, reads resources, prepares the first state. Knows no protocol."""

import contextlib
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.errors import InvalidInputError, NotPreparedError, RecsysError, quoted
from mcp_server.prompts.instructions import write_instructions
from mcp_server.prompts.library import build_prompts
from mcp_server.prompts.prompt import Prompt
from mcp_server.resources.resources import Content, Resources
from mcp_server.serving.background_preparation import FirstPreparation
from mcp_server.serving.background_tasks import BackgroundTasks
from mcp_server.serving.plugins import Plugins
from mcp_server.serving.state_takeover import ServedState
from mcp_server.settings import Settings
from mcp_server.state.freshness import freshness
from mcp_server.tools import build_tools
from mcp_server.tools.tool import Tool

if TYPE_CHECKING:
    import asyncio

    from mcp_server.resources.completions import Source, Values
    from mcp_server.serving.backends import Backends

logger = logging.getLogger(__name__)


class Service:
    """Answers calls of tools.

    Args:
        settings: The dataset, and the place of its state.
        prepare_if_needed: Prepare the dataset in the background if nothing has been prepared.

    Raises:
        RecsysError: Nothing can be served. The text says what to do.
    """

    def __init__(self, settings: Settings, *, prepare_if_needed: bool) -> None:
        self._settings, self._prepare_if_needed = settings, prepare_if_needed
        self._tasks = BackgroundTasks()
        self._preparation: FirstPreparation | None = None
        self._warming: asyncio.Task[None] | None = None
        self._plugins = Plugins(settings.tools_path)
        self._served = ServedState(
            settings, must_be_usable=not prepare_if_needed, on_takeover=self._set_tools, tasks=self._tasks
        )

    def _set_tools(self, facts: DatasetFacts) -> None:
        self.facts = facts
        self.tools: dict[str, Tool] = self._plugins.add_to(build_tools(facts), facts)
        self.prompts: dict[str, Prompt] = build_prompts(facts)
        self.resources = Resources(facts)
        self.instructions = write_instructions(facts)

    def start(self) -> None:
        """Begin to prepare, if nothing is published, and to look for new states. Called on the event loop."""
        if not self.is_prepared and self._prepare_if_needed:
            logger.info("nothing has been prepared in %s: preparing %s now", self._served.place, self.name)
            self._preparation = FirstPreparation(self._settings, self.name)
            self._tasks.add(self._preparation.task)
        self._served.watch_server()

    def warm(self) -> None:
        """Begin to open everything in the background, once."""
        if self._warming is None and self.is_prepared:
            self._warming = self._tasks.run(self._warm())

    async def _warm(self) -> None:
        with contextlib.suppress(RecsysError):  # calls report it
            await (await self._backends()).warm()

    async def readiness(self) -> dict[str, str]:
        """For each backend "ok", or the reason why it cannot be used."""
        if not self.is_prepared:
            with contextlib.suppress(RecsysError):
                self._served.take_over_from_folder()
        if not self.is_prepared:
            return {"state": f"nothing has been prepared in {self._served.place}"}
        try:
            return await (await self._backends()).check()
        except RecsysError as error:
            return {"state": str(error)}

    @property
    def freshness(self) -> dict[str, Any]:
        """The age of what is served, as JSON values; empty while nothing is, or where it is not known."""
        manifest = self._served.manifest
        return {} if manifest is None else freshness(manifest)

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool.

        Returns:
            The result, as JSON values.

        Raises:
            RecsysError: The tool cannot answer. The text is for the person who asked.
        """
        backends = await self._backends()
        if name not in self.tools:
            raise InvalidInputError(f"there is no tool {quoted(name)}. There are: {', '.join(self.tools)}")
        return await self.tools[name].call(backends, arguments)

    async def read(self, address: str) -> Content:
        """Read a resource that needs a backend.

        Raises:
            InvalidInputError: There is no such resource.
        """
        return await self.resources.read(address, await self._backends())

    async def complete(self, source: "Source", typed: str) -> "Values":
        """Completions of what has been typed."""
        return await source.find(await self._backends(), typed)

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self.facts.spec.name

    @property
    def is_prepared(self) -> bool:
        """True if there is a state to serve."""
        return self._served.manifest is not None

    async def _backends(self) -> "Backends":
        self._served.take_over_from_folder()
        if not self.is_prepared:
            if self._preparation is not None:
                await self._preparation.wait()
            await self._served.take_over_beside()
        if not self.is_prepared:
            raise NotPreparedError(f"nothing has been prepared in {self._served.place}: run `recsys-mcp prepare`")
        return await self._served.backends()

    async def close(self) -> None:
        """Cancel what runs in the background, and close everything that has been opened."""
        await self._tasks.cancel()
        await self._served.close()
