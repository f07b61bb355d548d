"""Tasks that run beside the calls of a service, until they end or the service is closed."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class BackgroundTasks:
    """The tasks of one service."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin a task on the running event loop."""
        return self.add(asyncio.create_task(work))

    def add(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        """Take care of a task that has begun."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_retrieve_exception)
        return task

    async def cancel(self) -> None:
        """Cancel all tasks, and wait until they have ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _retrieve_exception(task: asyncio.Task[None]) -> None:
    """Mark a task's exception as seen, which asyncio would log. It is meant for whoever waits for the task."""
    if not task.cancelled():
        task.exception()
