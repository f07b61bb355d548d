"""The content of pages in a SQLite file, so that a page that is loaded again shows it again.

The messages that the model reads are kept by LangGraph's checkpointer instead.
"""

import json
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

_STEPS = "SELECT content FROM steps WHERE thread = ? ORDER BY created_at, rowid"
_ELEMENTS = "SELECT content FROM elements WHERE thread = ? ORDER BY rowid"
_KEEP_STEP = """
INSERT INTO steps (id, thread, created_at, content) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET content = excluded.content
"""

_CUT_STEPS = """
DELETE FROM steps WHERE thread = :thread AND id NOT IN (:question, :run)
AND created_at > (SELECT created_at FROM steps WHERE id = :question)
AND :question IN (SELECT json_extract(content, '$.parentId') FROM steps WHERE thread = :thread AND id != :run)
"""

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

    async def _read(self, query: str, *values: Any) -> list[Any]:
        """Values that are kept as JSON, which is all that the query selects."""
        return [json.loads(content) for (content,) in await self._database.execute_fetchall(query, values)]

    async def get_user(self, identifier: str) -> PersistedUser | None:
        return PersistedUser(id=identifier, identifier=identifier, createdAt=utc_now())

    async def create_user(self, user: User) -> PersistedUser | None:
        return await self.get_user(user.identifier)

    async def get_thread_author(self, thread_id: str) -> str:
        owners = await self._read("SELECT json_quote(owner) FROM threads WHERE id = ?", thread_id)
        return str(next(iter(owners), ""))

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        found = await self._read("SELECT content FROM shown_threads WHERE id = ?", thread_id)
        thread: ThreadDict | None = next(iter(found), None)
        if thread is not None:
            thread["steps"] = await self._read(_STEPS, thread_id)
            thread["elements"] = await self._read(_ELEMENTS, thread_id)
        return thread

    async def list_threads(self, pagination: Pagination, filters: ThreadFilter) -> PaginatedResponse[ThreadDict]:
        """A page of threads, newest first; the cursor is the number of threads before it."""
        before = int(pagination.cursor or 0)
        like = f"%{filters.search or ''}%"
        query = """
            SELECT content FROM shown_threads
            WHERE owner = ? AND (name LIKE ? OR id IN (SELECT thread FROM steps WHERE content LIKE ?))
            ORDER BY active_at DESC, id LIMIT ? OFFSET ?
        """
        found = await self._read(query, filters.userId, like, like, pagination.first + 1, before)
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
        if user_id is not None:
            await self._database.execute(
                "INSERT INTO threads (id, owner, active_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (thread_id, user_id, utc_now()),
            )
        written = None if metadata is None else json.dumps(metadata)
        await self._database.execute(
            "UPDATE threads SET name = coalesce(?, name), metadata = coalesce(?, metadata) WHERE id = ?",
            (name, written, thread_id),
        )

    async def delete_thread(self, thread_id: str) -> None:
        await self._forget(thread_id)
        await self._database.execute("DELETE FROM threads WHERE id = ?", (thread_id,))

    async def cut(self, thread_id: str, question: str, run: str) -> int | None:
        """If a question was asked before, forget what came after it, except for the run that answers it now.

        Returns:
            The number of questions before it; None if it was not asked before.
        """
        cut = await self._database.execute(_CUT_STEPS, {"thread": thread_id, "question": question, "run": run})
        if not cut.rowcount:
            return None
        questions = "json_extract(content, '$.type') = 'user_message'"
        (n_left,) = await self._read(f"SELECT json(count(*)) FROM steps WHERE thread = ? AND {questions}", thread_id)
        return int(n_left) - 1

    @_once_asked
    async def create_step(self, step_dict: StepDict) -> None:
        thread, created_at = step_dict["threadId"], step_dict.get("createdAt") or utc_now()
        await self._database.execute(_KEEP_STEP, (step_dict["id"], thread, created_at, json.dumps(step_dict)))
        if step_dict["type"] == "user_message":
            await self._database.execute("UPDATE threads SET active_at = ? WHERE id = ?", (utc_now(), thread))

    update_step = create_step

    @_once_asked
    async def delete_step(self, step_id: str) -> None:
        await self._database.execute("DELETE FROM steps WHERE id = ?", (step_id,))

    @_once_asked
    async def create_element(self, element: Element) -> None:
        # Its content is in its props; Chainlit deletes the file it made of it with the session.
        content = {**element.to_dict(), "chainlitKey": None}
        await self._database.execute(
            "INSERT OR REPLACE INTO elements (id, thread, content) VALUES (?, ?, ?)",
            (element.id, element.thread_id, json.dumps(content)),
        )

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None:
        found = await self._read("SELECT content FROM elements WHERE thread = ? AND id = ?", thread_id, element_id)
        return next(iter(found), None)

    @_once_asked
    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None:
        await self._database.execute("DELETE FROM elements WHERE id = ?", (element_id,))

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
