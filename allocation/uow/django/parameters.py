"""How many parameters a statement may have."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")

_MOST: Final = 65_535
"""PostgreSQL's protocol has two bytes for their number, where they are sent apart from the text."""


def max_parameters(connection: BaseDatabaseWrapper) -> int:
    """How many parameters a statement may have. Django tells less for SQLite than it can do."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        return int(connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))
    return _MOST


def split(values: Sequence[T], using: str) -> Iterator[Sequence[T]]:
    """`values` in as few parts as the database `using` takes as parameters of one statement."""
    size = max_parameters(connections[using])
    for start in range(0, len(values), size):
        yield values[start : start + size]
