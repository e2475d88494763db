"""The parameters of statements: how many there may be, and which are values as they are."""

from __future__ import annotations

import datetime as dt
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias, TypeVar, cast

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

Field: TypeAlias = "models.Field[Any, Any]"
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


_NATURAL: Final[Sequence[tuple[type[Field], type]]] = (
    (models.BooleanField, bool),
    (models.CharField, str),
    (models.FloatField, float),
    (models.IntegerField, int),
    (models.TextField, str),
)


def natural_type(field: Field, connection: BaseDatabaseWrapper) -> type | None:
    """The type whose values are sent as they are, and None too, where that is certain."""
    while type(field) in (models.ForeignKey, models.OneToOneField):
        field = cast("models.ForeignKey[Any, Any]", field).target_field
    if connection.vendor == "postgresql":
        if type(field) is models.UUIDField:
            return uuid.UUID
        if type(field) is models.DateField:
            return dt.date
    # A field of somebody else's may do anything to its values.
    ours = type(field).__module__ == models.Field.__module__
    return next((type_ for kind, type_ in _NATURAL if ours and isinstance(field, kind)), None)
