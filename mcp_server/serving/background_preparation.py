"""The preparation that a server begins where nothing has been prepared: a process of its own, so that the server stays
small and answers meanwhile.
"""

import asyncio
import json
import logging
import os

from mcp_server import OWN_PROGRAM
from mcp_server.errors import NotPreparedError
from mcp_server.serving.call_progress import report
from mcp_server.settings import Settings
from mcp_server.state.folder import StateFolder

logger = logging.getLogger(__name__)

WAIT_SECONDS = 20.0
"""Time that a call waits for the preparation before it says to try again."""

REPORT_SECONDS = 0.5
"""Interval at which a waiting call is told how far the preparation is."""


class FirstPreparation:
    """A preparation that begins when this object is made, on a running event loop.

    Args:
        name: Name of the dataset, for messages.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings, self._name = settings, name
        self.task = asyncio.create_task(self._run())

    async def wait(self) -> None:
        """Wait until it has ended, for a while.

        Raises:
            NotPreparedError: It has failed, or is still going on.
        """
        for n_waits in range(round(WAIT_SECONDS / REPORT_SECONDS)):
            await asyncio.wait([self.task], timeout=REPORT_SECONDS)
            if self.task.done():
                return self.task.result()
            await report(n_waits + 1, None, f"preparing {self._name}{self._step()}")
        raise NotPreparedError(f"{self._name} is being prepared{self._step()}: try again in a minute")

    def _step(self) -> str:
        """The current step, as the process has written it down."""
        try:
            file = StateFolder(self._settings.state_folder).progress_file
            step = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        share = f", {step['done']} of {step['total']}" if step.get("total") else ""
        return f" ({step['label'].lower()}{share})"

    async def _run(self) -> None:
        command = [*OWN_PROGRAM, "prepare", "--dataset", self._settings.dataset]
        command += ["--state", str(self._settings.state_folder), *self._settings.env_file_option]
        if self._settings.data is not None:
            command += ["--data", str(self._settings.data)]
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, **self._settings.source_environment},
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
            failure = f"preparing {self._name} failed: {last.removeprefix('recsys-mcp: ')}"
            logger.error("%s", failure)
            raise NotPreparedError(failure)
