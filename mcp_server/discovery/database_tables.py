"""Tables of a database, of which samples are read; nothing is ever written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, func, inspect, select, table
from sqlalchemy.engine import URL, Inspector, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.types import TypeEngine

from mcp_server.dataset.sources import SourceFile
from mcp_server.discovery.tables import DatabaseOrigin, Tables
from mcp_server.errors import MOST_CHARACTERS, DatasetError, quoted
from mcp_server.reading.databases import Databases
from mcp_server.reading.files import LocatedFile
from mcp_server.reading.opening import open_pieces
from recsys_shared.plain_text import cut

MOST_TABLES = 200

SAMPLED_ROWS = 200_000
"""Rows of a table that are fetched."""

DRIVERS = {
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgresql": "postgresql+psycopg",
}
"""Kinds of databases, and the driver of each where a URL names none."""


ASYNCHRONOUS = ("+aiomysql", "+aiosqlite", "+asyncmy", "+asyncpg")
"""Drivers that other settings name, and that cannot read here."""


def parse_url(url: str) -> URL:
    """The URL of a database.

    Raises:
        DatasetError: It is none, or of a database that is not known here; the text has no password.
    """
    try:
        found = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise DatasetError(
            "the URL is not one of a database: DIALECT://USER:PASSWORD@HOST/DATABASE was expected"
        ) from error
    if found.get_backend_name() not in DRIVERS:
        raise DatasetError(
            f"{found.render_as_string()} is a database of another kind than {', '.join(DRIVERS)}: export its tables "
            "to CSV or Parquet files, and name their folder"
        )
    if found.get_backend_name() == "sqlite" and not Path(found.database or "").is_file():
        raise DatasetError(f"there is no file {found.database}: sqlite:///shop.db is in this folder, sqlite:////home/me/"
                           "shop.db anywhere")  # fmt: skip
    driver = DRIVERS[found.get_backend_name()]
    is_driver_needed = "+" not in found.drivername or found.drivername.endswith(ASYNCHRONOUS)
    return found.set(drivername=driver) if is_driver_needed else found


def database_name(url: URL) -> str:
    """A name for the database of a URL, as a dataset.yaml can have it."""
    stem = Path(url.database or "").stem.lower()
    name = "".join(character if character.isascii() and character.isalnum() else "_" for character in stem)[:40]
    return name if name[:1].isalpha() else "db"


def read_database(
    url: URL, name: str, tables: Tables, scratch: Path, advance: Callable[[str], None] = lambda name: None
) -> None:
    """Add the tables of a database to the tables.

    Args:
        name: The name that the dataset gives to the database.
        advance: Called with the name of each table before it is read.

    Raises:
        DatasetError: The database cannot be read; the text has no password.
    """
    shown = url.render_as_string(hide_password=True)
    try:
        engine = create_engine(url)
        try:
            _read(engine, name, Databases({name: url.render_as_string(hide_password=False)}), tables, scratch, advance)
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).replace(url.password or "\0", "***")
        raise DatasetError(f"the database {shown} cannot be read: {cut(reason, MOST_CHARACTERS)}") from error


def _read(
    engine: Engine, name: str, databases: Databases, tables: Tables, scratch: Path, advance: Callable[[str], None]
) -> None:
    known = inspect(engine)
    views = set(known.get_view_names())
    names = sorted({*known.get_table_names(), *views})
    if not names:
        raise DatasetError(f"the database {quoted(engine.url.database)} has no tables{_other_schemas(engine, known)}")
    quote = engine.dialect.identifier_preparer.quote
    for number, each in enumerate(names[:MOST_TABLES]):
        advance(each)
        target = scratch / f"table-{number}.csv"
        try:
            columns, n_rows = _columns_and_size(each, engine, known, tables)
            chosen = ", ".join(map(quote, columns))
            databases.fetch(name, f"SELECT {chosen} FROM {quote(each)} LIMIT {SAMPLED_ROWS}", target)
        except (DatasetError, SQLAlchemyError) as error:  # such as of a view of a table that is no longer there
            tables.ignored[each] = f"it cannot be read: {cut(str(getattr(error, 'orig', error)), MOST_CHARACTERS)}"
            continue
        source = SourceFile(file=target.name, format="delimited", separator=",")
        [piece] = open_pieces(LocatedFile(source, (target,)), tables.session, scratch, 700_000 + number)
        origin = DatabaseOrigin(name, quote(each), quote, _foreign_keys(known, each), each in views)
        tables.add(piece, each, origin, n_rows)
    for each in names[MOST_TABLES:]:
        tables.ignored[each] = f"only {MOST_TABLES} tables are looked at"


def _columns_and_size(name: str, engine: Engine, known: Inspector, tables: Tables) -> tuple[list[str], int]:
    """The columns of a table but for those of bytes, and the number of its rows."""
    columns = []
    for column in known.get_columns(name):
        if _holds_bytes(column["type"]):
            tables.ignored[f"{name}.{column['name']}"] = "it holds bytes, such as pictures"
        else:
            columns.append(column["name"])
    with engine.connect() as connection:
        n_rows = connection.execute(select(func.count()).select_from(table(name))).scalar_one()
    return columns, int(n_rows)


def _foreign_keys(known: Inspector, name: str) -> dict[str, tuple[str, str]]:
    return {
        key["constrained_columns"][0]: (str(key["referred_table"]), str(key["referred_columns"][0]))
        for key in known.get_foreign_keys(name)
        if len(key["constrained_columns"]) == 1
    }


def _other_schemas(engine: Engine, known: Inspector) -> str:
    """Words on schemas that have tables, where the one that is looked at has none."""
    if engine.dialect.name != "postgresql":
        return ""
    found = [name for name in known.get_schema_names() if name != "information_schema" and known.get_table_names(name)]
    if not found:
        return ""
    return (
        f" in the schema that it opens; there are some in {', '.join(found)}: add ?options=-csearch_path%3D{found[0]} "
        "to the URL"
    )


def _holds_bytes(type_: TypeEngine[Any]) -> bool:
    try:
        return type_.python_type is bytes
    except NotImplementedError:
        return False
