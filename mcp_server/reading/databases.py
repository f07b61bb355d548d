"""Databases as sources: queries of a dataset, run where the user says, and their results as files."""

import csv
import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from mcp_server.errors import MOST_CHARACTERS, DatasetError, quoted
from recsys_shared.plain_text import cut

BATCH = 10_000
"""Rows that are fetched at a time."""


class Databases:
    """The databases that the user has named.

    Args:
        urls: SQLAlchemy URLs by name.
    """

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)

    def fetch(self, name: str, query: str, target: Path) -> None:
        """Write the result of a query as a CSV file with a header line.

        Raises:
            DatasetError: The user has named no such database, or it cannot be read; the text has no password.
        """
        if name not in self._urls:
            raise DatasetError(
                f"the dataset reads from a database that it calls {name}: give its URL with --source {name}=URL or "
                f"RECSYS_SOURCE_{name.upper()}"
            )
        url = _parse_url(name, self._urls[name])
        place = f"the database {name} ({url.render_as_string(hide_password=True)})"
        try:
            engine = create_engine(url)
            try:
                with engine.connect() as connection, target.open("w", encoding="utf-8", newline="") as stream:
                    rows = connection.execution_options(stream_results=True, yield_per=BATCH).execute(text(query))
                    writer = csv.writer(stream)
                    writer.writerow(rows.keys())
                    writer.writerows(map(_plain_row, rows))
            finally:
                engine.dispose()
        except (SQLAlchemyError, ImportError) as error:
            reason = str(getattr(error, "orig", None) or error).replace(url.password or "\0", "***")
            raise DatasetError(f"{place} cannot be read: {cut(reason, MOST_CHARACTERS)}") from error


def _parse_url(name: str, url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise DatasetError(
            f"source {quoted(name)}: its URL is not one of SQLAlchemy, DIALECT://HOST/DATABASE"
        ) from error


def _plain_row(row: Iterable[Any]) -> Iterator[object]:
    return map(_plain, row)


def _plain(value: Any) -> object:
    """A value as text that is read again without loss."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    return value
