"""The list of named conversations."""

from datetime import datetime
from pathlib import Path

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from rich.table import Table

from agent_client.conversation import kept_in
from agent_client.transcript import questions_of


async def sessions_table(file: Path) -> Table:
    """The conversations of a file, the one that was used last first."""
    found = []
    async with kept_in(file) as saver:
        assert isinstance(saver, AsyncSqliteSaver)
        names = await saver.conn.execute_fetchall("SELECT DISTINCT thread_id FROM checkpoints")
        for (name,) in names:
            kept = await saver.aget_tuple({"configurable": {"thread_id": name}})
            if kept is not None:
                used = datetime.fromisoformat(kept.checkpoint["ts"]).astimezone()
                found.append((used, name, len(questions_of(kept.checkpoint["channel_values"].get("messages", [])))))
    table = Table("session", "questions", "last used")
    for used, name, n_questions in sorted(found, reverse=True):
        table.add_row(name, str(n_questions), f"{used:%Y-%m-%d %H:%M}")
    return table
