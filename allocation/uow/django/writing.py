"""The statements that write rows: their texts, made once for each connection.

Note [Batches as a source]
~~~~~~~~~~~~~~~~~~~~~~~~~~
All three kinds of statement read their rows from one source in the FROM clause.
It is named v, its columns column1, column2, ... On PostgreSQL it is `unnest` of
one array per column: the text of a statement is the same for two rows and for a
million, so that it can be prepared. On SQLite, where there are no arrays, it is
VALUES; so it is for a single row on PostgreSQL, because that takes less time to
send. PostgreSQL needs the types of the values; they go without their modifiers, for
a cast to varchar(255) would cut a longer text silently where an assignment complains.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, TypeAlias

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import DatabaseDefault

from allocation.uow.django.mapping import ModelTable
from allocation.uow.django.parameters import Field, max_parameters, natural_type
from allocation.uow.errors import MisuseError

Column: TypeAlias = Sequence[Any]
"""The values of one column, a row after the other."""

_MODIFIERS: Final = re.compile(r"\(.*?\)")
_FLAG: Final = models.BooleanField()


class UnsupportedValue(MisuseError):
    """A value that a unit of work cannot keep track of."""


class Write:
    """A statement that reads rows of these `fields` from a source between `head` and `tail`."""

    def __init__(
        self, connection: BaseDatabaseWrapper, head: str, fields: Sequence[Field], tail: str
    ) -> None:
        self._connection = connection
        self._fields = fields
        self._natural = [natural_type(field, connection) for field in fields]
        types = [_MODIFIERS.sub("", field.db_type(connection) or "") for field in fields]
        typed = connection.vendor == "postgresql"
        values = ", ".join(f"%s::{type_}" if typed else "%s" for type_ in types)
        self._row = f"({values})"
        self._before, self._after = f"{head} (VALUES ", f") AS v{tail}"
        self._of_arrays = ""
        if typed and not any(type_.endswith("]") for type_ in types):
            arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
            self._of_arrays = f"{head} unnest({arrays}) AS v ({_v(fields, of='')}){tail}"

    def statements(self, columns: Sequence[Column]) -> Iterator[tuple[str, Sequence[Any]]]:
        """As few as hold the rows of these columns: their SQL and its parameters."""
        columns = list(map(self._column, self._fields, self._natural, columns))
        if self._of_arrays and len(columns[0]) > 1:
            yield self._of_arrays, [_array(column) for column in columns]
            return
        size = max(1, max_parameters(self._connection) // len(self._fields))
        prepared = list(zip(*columns, strict=True))
        for start in range(0, len(prepared), size):
            part = prepared[start : start + size]
            values = ", ".join([self._row] * len(part))
            yield f"{self._before}{values}{self._after}", list(chain(*part))

    def _column(self, field: Field, natural: type | None, values: Column) -> list[Any]:
        if natural is not None and set(map(type, values)) <= {natural, type(None)}:
            return list(values)
        return [self._prepared(field, value) for value in values]

    def _prepared(self, field: Field, value: Any) -> Any:
        prepared = field.get_db_prep_save(value, self._connection)
        if isinstance(value, DatabaseDefault):
            raise UnsupportedValue(
                f"{field.model.__name__}.{field.attname} is left to the database in an object that "
                f"takes over the row of a removed one, where the database fills in nothing. Give "
                f"it a value, or call flush() after the removal."
            )
        if hasattr(prepared, "as_sql"):
            raise UnsupportedValue(
                f"{field.model.__name__}.{field.attname} was given an expression such as F(), "
                f"whose value only the database knows. Read the row, with a lock if others write "
                f"it too, and assign a value."
            )
        return prepared


class WriteOneByOne:
    """A statement for each row, which has no values."""

    def __init__(self, sql: str) -> None:
        self._sql = sql

    def statements(self, columns: Sequence[Column]) -> Iterator[tuple[str, Sequence[Any]]]:
        """As `Write` has it."""
        yield from [(self._sql, ())] * len(columns[0])


def _array(values: Column) -> str | Column:
    """An array as PostgreSQL reads it, where that is certain: psycopg takes longer for it."""
    if set(map(type, values)) <= _PLAIN:
        text = ",".join(["NULL" if value is None else f'"{value}"' for value in values])
        quotes = 2 * (len(values) - values.count(None))
        if "\\" not in text and text.count('"') == quotes:  # nothing has to be escaped
            return f"{{{text}}}"
    return values


_PLAIN: Final = {bool, dt.date, float, int, str, type(None), uuid.UUID}


def insert(
    connection: BaseDatabaseWrapper,
    table: ModelTable,
    missing: Sequence[int],
    asked: Sequence[int],
) -> Write | WriteOneByOne:
    """Inserts rows without the columns `missing`; returns what it put into those `asked` for.

    Where all of them are missing, it takes a column of anything, to know how many rows there are.
    """
    fields = [field for place, field in enumerate(table.fields) if place not in missing]
    into = f"INSERT INTO {name(connection, table)}"
    returning = columns(connection, [table.fields[place] for place in asked])
    tail = f" RETURNING {returning}" if asked else ""
    if not fields:
        return _insert_defaults(connection, table, into, tail)
    head = f"{into} ({columns(connection, fields)}) SELECT {_v(fields)} FROM"
    return Write(connection, head, fields, tail)


def _insert_defaults(
    connection: BaseDatabaseWrapper, table: ModelTable, into: str, tail: str
) -> Write | WriteOneByOne:
    if connection.vendor == "postgresql":
        return Write(connection, f"{into} SELECT FROM", [_FLAG], tail)
    # SQLite wants at least one column. A key that it grants may be NULL.
    granted = [field for field in table.fields if isinstance(field, models.AutoField)]
    if granted:
        head = f"{into} ({columns(connection, granted)}) SELECT NULL FROM"
        return Write(connection, head, [_FLAG], tail)
    return WriteOneByOne(f"{into} DEFAULT VALUES{tail}")


def update(
    connection: BaseDatabaseWrapper,
    table: ModelTable,
    changed: Sequence[int],
    partly: Sequence[int],
) -> Write:
    """Updates the columns `changed` of rows met by `table.identifying`, and returns their keys.

    The source holds the columns by which rows are met, those that change, and a
    flag for each that changes `partly`, in some of the rows: the others keep theirs.
    """
    own = name(connection, table)
    same = table.identifying
    settings = []
    for place, position in enumerate(changed, len(same) + 1):
        column = columns(connection, [table.fields[position]])
        value = f"v.column{place}"
        if position in partly:
            flag = len(same) + len(changed) + partly.index(position) + 1
            value = f"CASE WHEN v.column{flag} THEN {value} ELSE {own}.{column} END"
        settings.append(f"{column} = {value}")
    where = " AND ".join(
        f"{columns(connection, [table.fields[position]], own)} = v.column{place}"
        for place, position in enumerate(same, 1)
    )
    fields = [table.fields[position] for position in (*same, *changed)]
    return Write(
        connection,
        f"UPDATE {own} SET {', '.join(settings)} FROM",
        [*fields, *(_FLAG for _ in partly)],
        f" WHERE {where}{_returning_key(connection, table)}",
    )


def delete(connection: BaseDatabaseWrapper, table: ModelTable) -> Write:
    """Deletes rows met by `table.identifying`, and returns their keys."""
    fields = [table.fields[position] for position in table.identifying]
    names = columns(connection, fields)
    head = f"DELETE FROM {name(connection, table)} WHERE ({names}) IN (SELECT {_v(fields)} FROM"
    return Write(connection, head, fields, f"){_returning_key(connection, table)}")


def name(connection: BaseDatabaseWrapper, table: ModelTable) -> str:
    return connection.ops.quote_name(table.model._meta.db_table)


def columns(connection: BaseDatabaseWrapper, fields: Iterable[Field], of: str = "") -> str:
    of = of and f"{of}."
    return ", ".join(f"{of}{connection.ops.quote_name(str(field.column))}" for field in fields)


def _v(fields: Sequence[Field], of: str = "v.") -> str:
    """The columns of a source."""
    return ", ".join(f"{of}column{place}" for place in range(1, len(fields) + 1))


def _returning_key(connection: BaseDatabaseWrapper, table: ModelTable) -> str:
    key = columns(connection, table.key_fields, name(connection, table))
    return f" RETURNING {key}"
