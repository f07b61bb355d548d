"""The tools over whatever state is published: follows new states, prepares the first one, knows no protocol."""

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp_server.dataset.spec import find_spec_file, load_spec
from mcp_server.errors import DatasetError, InvalidInputError, NotPreparedError, RecsysError
from mcp_server.instructions import write_instructions
from mcp_server.settings import Settings
from mcp_server.state import Current, State
from mcp_server.tools import build_tools
from mcp_server.tools.base import Facts, Tool

if TYPE_CHECKING:
    from mcp_server.backends import Backends

logger = logging.getLogger(__name__)

PREPARATION_WAIT_SECONDS = 20.0
"""How long a call waits for a running preparation before it says to try again."""

GRACE_SECONDS = 60.0
"""How long the backends of a state that has been replaced stay open for calls that still use them."""

ITEM_SET_URI = "itemset://"


def check_dataset(settings: Settings, published: str) -> None:
    """Refuse a state of another dataset than the one that was named.

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
        raise NotPreparedError(
            f"{settings.state_folder} holds {published}, not {name}: name another folder with --state, "
            "or run `recsys-mcp prepare` to replace it"
        )


class Service:
    """Answers calls of tools.

    Args:
        settings: Which dataset and which state folder.
        prepare_if_needed: Prepare the dataset in the background where nothing has been prepared.
    """

    def __init__(self, settings: Settings, *, prepare_if_needed: bool) -> None:
        self._settings = settings
        self._state = State(settings.state_folder)
        self._version: int | None = None
        self._backends: Backends | None = None
        self._current: Current | None = None
        self._preparation: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._prepare_if_needed = prepare_if_needed
        self._follow()
        if self._current is None:
            facts = Facts(load_spec(find_spec_file(settings.dataset)), None)
            self._set_tools(facts)

    def _set_tools(self, facts: Facts) -> None:
        self.name = facts.spec.name
        self.tools: dict[str, Tool] = build_tools(facts)
        self.instructions = write_instructions(facts, self.tools)

    def _follow(self) -> None:
        """Take over what is published, if it is another state than before."""
        version = self._state.version()
        if version is None or version == self._version:
            return
        current = self._state.published() if self._prepare_if_needed else self._state.current()
        if current is not None:
            check_dataset(self._settings, current.spec.name)  # before anything is taken over
        self._current, self._version = current, version
        if self._current is None:
            return
        self._set_tools(Facts(self._current.spec, self._current.card))
        if self._backends is not None:
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._backends.close)
            self._backends = None

    def start(self) -> None:
        """Begin to prepare, if nothing is published. Called when the event loop runs."""
        if self._current is None and self._prepare_if_needed:
            self._preparation = asyncio.create_task(self._prepare())

    def warm(self) -> None:
        """Begin to open everything in the background, once."""
        if self._warming is None and self._current is not None:
            self._warming = asyncio.create_task(self._warm())

    async def _warm(self) -> None:
        with contextlib.suppress(RecsysError):  # whoever asks for it will be told
            await (await self._opened()).warm()

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool.

        Returns:
            Its result, as JSON values.

        Raises:
            RecsysError: It cannot answer; the text is for the person who asked.
        """
        backends = await self._opened()
        if name not in self.tools:
            raise InvalidInputError(f"there is no tool {name[:60]!r}. There are: {', '.join(self.tools)}")
        return await self.tools[name].call(backends, arguments)

    async def item_set(self, handle: str) -> dict[str, Any]:
        """A set of items, whole.

        Raises:
            InvalidInputError: There is no such set.
        """
        items = await (await (await self._opened()).item_sets()).get(handle)
        return {"item_set": handle, "count": len(items), "items": items}

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
                opened = await asyncio.to_thread(self._open, current)
                if current is self._current:  # else another state was published meanwhile
                    self._backends = opened
            return self._backends

    def _open(self, current: Current) -> "Backends":
        # Imported here, beside the event loop: SQLAlchemy, NumPy and the vector engine take longer to import
        # than all that a client needs for its list of tools.
        from mcp_server.backends import Backends

        return Backends(self._state, current, self._settings.item_set_days)

    async def _wait_for_preparation(self) -> None:
        if self._preparation is not None:
            await asyncio.wait([self._preparation], timeout=PREPARATION_WAIT_SECONDS)
            if not self._preparation.done():
                raise NotPreparedError(f"{self.name} is being prepared{self._progress()}: try again in a minute")
            self._preparation.result()
        self._version = None
        self._follow()
        if self._current is None:
            raise NotPreparedError(f"nothing has been prepared in {self._state.folder}: run `recsys-mcp prepare`")

    def _progress(self) -> str:
        try:
            step = json.loads(self._state.progress_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        share = f", {step['done']} of {step['total']}" if step.get("total") else ""
        return f" ({step['label'].lower()}{share})"

    async def _prepare(self) -> None:
        """Run the preparation as a process of its own, so that this one stays small and answers."""
        logger.info("nothing has been prepared in %s: preparing %s now", self._state.folder, self.name)
        command = [sys.executable, "-m", "mcp_server", "prepare", "--dataset", self._settings.dataset]
        command += ["--state", str(self._state.folder)]
        if self._settings.data is not None:
            command += ["--data", str(self._settings.data)]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        last = ""
        async for line in process.stderr:
            last = line.decode(errors="replace").strip() or last
            logger.info("prepare: %s", last)
        if await process.wait() != 0:
            raise NotPreparedError(f"preparing {self.name} failed: {last}")

    async def close(self) -> None:
        for task in (self._warming, self._preparation):
            if task is not None:
                task.cancel()
        if self._backends is not None:
            self._backends.close()
