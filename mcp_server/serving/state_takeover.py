"""The state that is served, and the takeover of a new one, through which no call fails."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp_server.dataset.facts import DatasetFacts
from mcp_server.dataset.spec import find_spec_file, load_spec
from mcp_server.errors import DatasetError, NotPreparedError, RecsysError
from mcp_server.serving.arithmetic import load_numpy
from mcp_server.serving.background_tasks import BackgroundTasks
from mcp_server.serving.call_progress import report
from mcp_server.settings import Settings
from mcp_server.state.manifest import Manifest
from mcp_server.state.open_state import OpenState

if TYPE_CHECKING:
    from mcp_server.serving.backends import Backends

logger = logging.getLogger(__name__)

GRACE_SECONDS = 60.0
"""Time that the backends of a replaced state stay open for calls that still use them."""

WATCH_SECONDS = 2.0
"""Interval at which a manifest on a server is looked at."""


class ServedState:
    """The manifest that is served, with its backends.

    Args:
        settings: The dataset, and the place of its state.
        must_be_usable: Raise an error for a manifest that cannot be used, instead of treating it as missing.
        on_takeover: Called with the facts of each dataset that is taken over, and with those of the one to be prepared
            while nothing is published.
        tasks: Tasks beside the calls, for backends that are closed later.

    Raises:
        RecsysError: The manifest cannot be reached, cannot be used, or is of another dataset.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        must_be_usable: bool,
        on_takeover: Callable[[DatasetFacts], None],
        tasks: BackgroundTasks,
    ) -> None:
        self._settings, self._must_be_usable = settings, must_be_usable
        self._on_takeover, self._tasks = on_takeover, tasks
        self._state = OpenState(settings)
        self.manifest: Manifest | None = None
        """None until there is a manifest."""
        self._version: int | None = None
        self._backends: Backends | None = None
        self._opening = asyncio.Lock()
        try:
            self._adopt(self._find_new_manifest())
            if self.manifest is None:
                on_takeover(DatasetFacts(load_spec(find_spec_file(settings.dataset)), None, settings.tools))
        except BaseException:
            self._state.close()
            raise

    @property
    def place(self) -> str:
        """The place of the manifest, for messages."""
        return self._state.manifests.place

    async def take_over_beside(self) -> None:
        """Take over a new manifest, if there is one, and look for it beside the event loop.

        Raises:
            NotPreparedError: It is another dataset's, or cannot be used.
            BackendError: It cannot be reached.
        """
        self._adopt(await asyncio.to_thread(self._find_new_manifest))

    def take_over_from_folder(self) -> None:
        """Take over a new state in a folder. Looking there costs nothing, so every call does."""
        if self._state.manifests.is_remote:
            return
        found = self._find_new_manifest()
        self._adopt(found)
        if found is not None and found[1] is not None:
            self._replace_backends(None)

    def watch_server(self) -> None:
        """Begin to take over new states on a server, if the state is on one."""
        if self._state.manifests.is_remote:
            self._tasks.run(self._watch_server())

    async def _watch_server(self) -> None:
        """Looking takes time, so it happens beside the calls, which are served from the old state until the new one is
        open.
        """
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                found = await asyncio.to_thread(self._find_new_manifest)
                if found is None or found[1] is None:
                    continue
                successor = await asyncio.to_thread(self._open, found[1])
                try:
                    await successor.warm()
                    for backend, said in (await successor.check()).items():
                        if said != "ok":
                            logger.warning("the new state in %s: %s: %s", self.place, backend, said)
                    self._adopt(found)
                except BaseException:
                    await successor.aclose()
                    raise
                self._replace_backends(successor)
            except RecsysError as error:  # the old state goes on being served
                logger.debug("%s", error)
            except Exception:
                logger.exception("looking for a new state failed")

    def _find_new_manifest(self) -> tuple[int, Manifest | None] | None:
        """Version and manifest, or None where nothing is published, or where it is being served already."""
        manifests = self._state.manifests
        version = manifests.version()
        if version is None or version == self._version:
            return None
        manifest = manifests.manifest() if self._must_be_usable else manifests.published()
        if manifest is not None:
            check_dataset(self._settings, manifest.spec.name, manifests.place)  # before anything is taken over
        return version, manifest

    def _adopt(self, found: tuple[int, Manifest | None] | None) -> None:
        """Serve a manifest from now on."""
        if found is None:
            return
        version, manifest = found
        if manifest is not None:
            self._on_takeover(DatasetFacts(manifest.spec, manifest.card, self._settings.tools))
        self._version, self.manifest = version, manifest

    async def backends(self) -> "Backends":
        """The backends of the manifest that is served. There must be one."""
        if self._backends is not None:
            return self._backends
        async with self._opening:
            while self._backends is None:
                manifest = self.manifest
                assert manifest is not None
                await report(0, None, f"opening {manifest.spec.name}")
                opened = await asyncio.to_thread(self._open, manifest)
                if manifest is self.manifest:  # otherwise another state has been published meanwhile
                    self._backends = opened
            return self._backends

    def _open(self, manifest: Manifest) -> "Backends":
        # Imported here, beside the event loop: importing SQLAlchemy, NumPy and the vector engine takes longer than
        # everything that a client needs for its list of tools.
        load_numpy()
        from mcp_server.serving.backends import Backends

        return Backends(self._state, manifest, self._settings.item_set_days)

    def _replace_backends(self, successor: "Backends | None") -> None:
        retired, self._backends = self._backends, successor
        if retired is not None:
            self._tasks.run(_close_later(retired))

    async def close(self) -> None:
        """Close the backends and the state."""
        if self._backends is not None:
            await self._backends.aclose()
        await self._state.aclose()


async def _close_later(backends: "Backends") -> None:
    try:
        await asyncio.sleep(GRACE_SECONDS)
    finally:
        await backends.aclose()


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
