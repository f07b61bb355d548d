"""The file of the pages' content: what is forgotten where a question is asked again."""

import json
import sqlite3
from pathlib import Path

from agent_client.web.threads import Threads


async def forget(thread: str) -> None:
    raise AssertionError(f"{thread} is not to be deleted")


async def test_what_came_after_a_question_that_is_asked_again_is_cut_and_the_questions_before_it_counted(
    tmp_path: Path,
) -> None:
    file = tmp_path / "pages.sqlite"
    async with Threads.opened(file, forget) as threads:
        with sqlite3.connect(file) as database:
            for place, name in enumerate(("first", "its answer", "second", "its run", "third")):
                kind = "user_message" if name in ("first", "second", "third") else "assistant_message"
                step = {"id": name, "type": kind, "parentId": "second" if name == "its run" else None}
                values = (name, "films", f"2026-01-01T00:00:0{place}", json.dumps(step))
                database.execute("INSERT INTO steps (id, thread, created_at, content) VALUES (?, ?, ?, ?)", values)
                element = (f"list of {name}", "films", json.dumps({"forId": name}))
                database.execute("INSERT INTO elements (id, thread, content) VALUES (?, ?, ?)", element)
        assert await threads.cut("films", "third", "its new run") is None
        assert await threads.cut("films", "second", "its new run") == 1
        left = sqlite3.connect(file).execute("SELECT id FROM steps ORDER BY created_at").fetchall()
        lists = sqlite3.connect(file).execute("SELECT id FROM elements ORDER BY rowid").fetchall()
    assert left == [("first",), ("its answer",), ("second",)]
    assert lists == [("list of first",), ("list of its answer",), ("list of second",)]


async def test_nothing_is_left_of_a_thread_that_is_deleted(tmp_path: Path) -> None:
    forgotten: list[str] = []

    async def note(thread: str) -> None:
        forgotten.append(thread)

    async with Threads.opened(tmp_path / "pages.sqlite", note) as threads:
        with sqlite3.connect(tmp_path / "pages.sqlite") as database:
            for thread in ("films", "books"):
                database.execute("INSERT INTO threads (id, owner, active_at) VALUES (?, 'me', '2026-01-01')", (thread,))
                database.execute("INSERT INTO steps VALUES (?, ?, '2026-01-01', '{}')", (f"step of {thread}", thread))
                database.execute("INSERT INTO elements VALUES (?, ?, '{}')", (f"list of {thread}", thread))
        await threads.delete_thread("films")
        assert await threads.get_thread("films") is None
        assert (await threads.get_thread_author("films"), await threads.get_thread_author("books")) == ("", "me")
        for table in ("steps", "elements"):
            left = sqlite3.connect(tmp_path / "pages.sqlite").execute(f"SELECT thread FROM {table}").fetchall()
            assert left == [("books",)]
    assert forgotten == ["films"]
