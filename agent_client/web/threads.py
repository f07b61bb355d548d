"""The content of pages in a SQLite file, so that a page that is loaded again shows it again.

The messages that the model reads are kept by LangGraph's checkpointer instead.
"""

import json
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from chainlit.data import queue_until_user_message
from chainlit.data.base import BaseDataLayer
from chainlit.element import Element, ElementDict
from chainlit.step import StepDict
from chainlit.types import Feedback, PageInfo, PaginatedResponse, Pagination, ThreadDict, ThreadFilter
from chainlit.user import PersistedUser, User
from chainlit.utils import utc_now

_SCHEMA = Path(__file__).with_name("threads.sql").read_text("utf-8")
_SQL = tomllib.loads(Path(__file__).with_name("queries.toml").read_text("utf-8"))

Method = TypeVar("Method", bound=Callable[..., Awaitable[None]])

_once_asked: Callable[[Method], Method] = queue_until_user_message()
"""Makes a method wait for the first question: nothing is kept of a page on which nothing was asked."""


class Threads(BaseDataLayer):
    """Chainlit's threads, their steps (questions, tool calls, answers) and elements (lists, warnings).

    A person is known only by an ID of their browser; nothing else about them is kept.
    """

    def __init__(self, database: aiosqlite.Connection, forget: Callable[[str], Awaitable[None]]) -> None:
        self._database, self._forget = database, forget

    @classmethod
    @asynccontextmanager
    async def opened(cls, file: Path, forget: Callable[[str], Awaitable[None]]) -> AsyncIterator["Threads"]:
        """The threads of a file.

        Args:
            forget: Called with the ID of a thread before it is deleted.
        """
        async with aiosqlite.connect(file, isolation_level=None) as database:
            await database.executescript(_SCHEMA)
            yield cls(database, forget)

    async def _run(self, statement: str, **values: Any) -> int:
        """Run a statement of queries.toml; the number of rows that it has changed."""
        return (await self._database.execute(_SQL[statement], values)).rowcount

    async def _read(self, query: str, **values: Any) -> list[Any]:
        """The contents that a query of queries.toml finds."""
        return [json.loads(content) for (content,) in await self._database.execute_fetchall(_SQL[query], values)]

    async def get_user(self, identifier: str) -> PersistedUser | None:
        return PersistedUser(id=identifier, identifier=identifier, createdAt=utc_now())

    async def create_user(self, user: User) -> PersistedUser | None:
        return await self.get_user(user.identifier)

    async def get_thread_author(self, thread_id: str) -> str:
        return str(next(iter(await self._read("owner", thread=thread_id)), ""))

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        thread: ThreadDict | None = next(iter(await self._read("thread", thread=thread_id)), None)
        if thread is not None:
            thread["steps"] = await self._read("steps", thread=thread_id)
            thread["elements"] = await self._read("elements", thread=thread_id)
        return thread

    async def list_threads(self, pagination: Pagination, filters: ThreadFilter) -> PaginatedResponse[ThreadDict]:
        """A page of threads, newest first; the cursor is the number of threads before it."""
        before, like = int(pagination.cursor or 0), f"%{filters.search or ''}%"
        found = await self._read("threads", owner=filters.userId, like=like, limit=pagination.first + 1, before=before)
        shown = found[: pagination.first]
        page = PageInfo(len(found) > len(shown), str(before), str(before + len(shown)))
        return PaginatedResponse(pageInfo=page, data=shown)

    async def update_thread(
        self,
        thread_id: str,
        name: str | None = None,
        user_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        tags: list[str] | None = None,
    ) -> None:
        """Update a thread. It is created only if a user is given, so that the last page to leave a deleted one does not
        bring it back.
        """
        await self._run("make_thread", thread=thread_id, owner=user_id, now=utc_now())
        await self._run("update_thread", thread=thread_id, name=name, metadata=json.dumps(metadata))

    async def delete_thread(self, thread_id: str) -> None:
        await self._forget(thread_id)
        await self._run("delete_thread", thread=thread_id)

    async def cut(self, thread_id: str, question: str, run: str) -> int | None:
        """If a question was asked before, forget what came after it, except for the run that answers it now.

        Returns:
            The number of questions before it; None if it was not asked before.
        """
        if not await self._run("cut_steps", thread=thread_id, question=question, run=run):
            return None
        (n_left,) = await self._read("questions", thread=thread_id)
        return int(n_left) - 1

    @_once_asked
    async def create_step(self, step_dict: StepDict) -> None:
        thread, created_at, content = step_dict["threadId"], step_dict.get("createdAt"), json.dumps(step_dict)
        await self._run(
            "keep_step", id=step_dict["id"], thread=thread, created_at=created_at or utc_now(), content=content
        )
        if step_dict["type"] == "user_message":
            await self._run("touch_thread", thread=thread, now=utc_now())

    update_step = create_step

    @_once_asked
    async def delete_step(self, step_id: str) -> None:
        await self._run("delete_step", id=step_id)

    @_once_asked
    async def create_element(self, element: Element) -> None:
        # Its content is in its props; Chainlit deletes the file it made of it with the session.
        content = {**element.to_dict(), "chainlitKey": None}
        await self._run("keep_element", id=element.id, thread=element.thread_id, content=json.dumps(content))

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None:
        return next(iter(await self._read("element", thread=thread_id, id=element_id)), None)

    @_once_asked
    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None:
        await self._run("delete_element", id=element_id)

    async def close(self) -> None:
        """Do nothing: `opened` closes the database."""

    # Methods that Chainlit asks of every data layer, for features that this page does not offer.

    async def upsert_feedback(self, feedback: Feedback) -> str:
        raise NotImplementedError

    async def delete_feedback(self, feedback_id: str) -> bool:
        raise NotImplementedError

    async def get_favorite_steps(self, user_id: str) -> list[StepDict]:
        return []

    async def build_debug_url(self) -> str:
        return ""
