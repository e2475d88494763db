"""The flush: whole batches of rows, in one statement each."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias, cast

from django.db import IntegrityError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import DatabaseDefault

from allocation.uow.django.mapping import ModelTable
from allocation.uow.django.parameters import max_parameters
from allocation.uow.django.transaction import Transaction
from allocation.uow.errors import MisuseError
from allocation.uow.mapping import UNKNOWN, Row, Table
from allocation.uow.store import UniqueViolation
from allocation.uow.tracking import StaleEntity

# Note [Batches as a source]
# ~~~~~~~~~~~~~~~~~~~~~~~~~~
# All three kinds of statement read their rows from one source in the FROM
# clause: `unnest` of one array per column on PostgreSQL, VALUES on SQLite. The
# source is named v, its columns column1, column2, ... The text of a statement on
# PostgreSQL is the same for one row and for a million. PostgreSQL needs the
# types of the arrays; they go without their modifiers, for a cast to
# varchar(255) would cut a longer text silently where an assignment complains.

_MODIFIERS: Final = re.compile(r"\(.*?\)")
_FLAG: Final = models.BooleanField()

_Field: TypeAlias = "models.Field[Any, Any]"


class UnsupportedValue(MisuseError):
    """A value that a unit of work cannot keep track of."""


class _DatabaseUniqueViolation(UniqueViolation, IntegrityError):
    """Caught by whoever expects the kernel's error, or Django's."""


class DjangoStore:
    """Writes rows through the connection `using`."""

    def __init__(self, using: str, *, join: bool = False) -> None:
        self._using = using
        self._transaction = Transaction(using, join=join)

    def begin(self) -> None:
        self._transaction.begin()

    def require_outermost(self) -> None:
        self._transaction.require_outermost()

    def commit(self) -> None:
        with _naming_unique_violations():
            self._transaction.commit()

    def run_hooks(self) -> Sequence[Exception]:
        return self._transaction.run_hooks()

    def rollback(self) -> None:
        self._transaction.rollback()

    def savepoint(self) -> None:
        self._transaction.savepoint()

    def end_savepoint(self, *, rollback: bool) -> None:
        self._transaction.end_savepoint(rollback=rollback)

    def after_commit(self, hook: Callable[[], object]) -> None:
        transaction.on_commit(hook, using=self._using)

    @property
    def joined(self) -> bool:
        return self._transaction.joined

    def parents_first(self, tables: Iterable[Table]) -> Sequence[Table]:
        given = sorted(cast("Iterable[ModelTable]", tables), key=lambda table: table.name)
        ordered: list[ModelTable] = []
        entered: set[ModelTable] = set()

        def visit(table: ModelTable) -> None:
            if table in entered:  # done, or a circle of foreign keys: those are deferred
                return
            entered.add(table)
            for other in given:
                if other is not table and table.refers_to(other):
                    visit(other)
            ordered.append(table)

        for table in given:
            visit(table)
        return ordered

    def insert(self, table: Table, rows: Sequence[Row]) -> Sequence[Row]:
        table = cast("ModelTable", table)
        by_missing: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            by_missing[_left_to_the_database(table, row)].append(index)
        stored = list(rows)
        for missing, indexes in by_missing.items():
            filled = self._insert(table, missing, [rows[index] for index in indexes])
            for index, values in zip(indexes, filled, strict=True):
                complete = list(rows[index])
                for position, value in zip(missing, values, strict=True):
                    complete[position] = value
                stored[index] = tuple(complete)
        return stored

    def _insert(
        self, table: ModelTable, missing: Sequence[int], rows: Sequence[Row]
    ) -> Iterator[Row]:
        """Insert rows without the columns `missing`; gives what the database put there."""
        given = [position for position in range(len(table.fields)) if position not in missing]
        fields = [table.fields[position] for position in given]
        returning = [table.fields[position] for position in missing]
        values = [tuple(row[position] for position in given) for row in rows]
        head = f"INSERT INTO {self._name(table)} ({self._columns(fields)}) SELECT {_v(fields)} FROM"
        tail = f" RETURNING {self._columns(returning)}" if returning else ""
        for source, params, count in self._sources(fields, values):
            found = self._run(f"{head} {source}{tail}", params)
            yield from self._converted(returning, found) if returning else ((),) * count

    def update(self, table: Table, rows: Sequence[tuple[Row, Row]]) -> None:
        table = cast("ModelTable", table)
        masks = [
            tuple(new is not UNKNOWN and old != new for old, new in zip(*pair, strict=True))
            for pair in rows
        ]
        changed = [
            position for position, flags in enumerate(zip(*masks, strict=True)) if any(flags)
        ]
        if not changed:
            return
        # Where not every row changes a column, a flag tells which do: the others keep theirs.
        partly = [position for position in changed if not all(mask[position] for mask in masks)]
        same = _identifying(table)
        fields = [
            *(table.fields[position] for position in same),
            *(table.fields[position] for position in changed),
            *(_FLAG for _ in partly),
        ]
        values = [
            (
                *(old[position] for position in same),
                *(new[position] if mask[position] else None for position in changed),
                *(mask[position] for position in partly),
            )
            for (old, new), mask in zip(rows, masks, strict=True)
        ]
        name = self._name(table)
        settings = []
        for place, position in enumerate(changed, len(same) + 1):
            column = self._columns([table.fields[position]])
            value = f"v.column{place}"
            if position in partly:
                flag = len(same) + len(changed) + partly.index(position) + 1
                value = f"CASE WHEN v.column{flag} THEN {value} ELSE {name}.{column} END"
            settings.append(f"{column} = {value}")
        where = " AND ".join(
            f"{name}.{self._columns([table.fields[position]])} = v.column{place}"
            for place, position in enumerate(same, 1)
        )
        head = f"UPDATE {name} SET {', '.join(settings)} FROM"
        self._write(table, head, f" WHERE {where}", fields, values)

    def delete(self, table: Table, rows: Sequence[Row]) -> None:
        table = cast("ModelTable", table)
        same = _identifying(table)
        fields = [table.fields[position] for position in same]
        head = (
            f"DELETE FROM {self._name(table)} "
            f"WHERE ({self._columns(fields)}) IN (SELECT {_v(fields)} FROM"
        )
        values = [tuple(row[position] for position in same) for row in rows]
        self._write(table, head, ")", fields, values)

    def _write(
        self,
        table: ModelTable,
        head: str,
        tail: str,
        fields: Sequence[_Field],
        values: Sequence[Row],
    ) -> None:
        """Run a statement that must meet one row of `table` for each of `values`."""
        width = len(table.key)
        # In the order of the keys, so that two who write the same rows wait for each other.
        values = sorted(values, key=lambda row: row[:width])
        tail = f"{tail} RETURNING {self._columns(_key_fields(table), table)}"
        found: list[Row] = []
        for source, params, _ in self._sources(fields, values):
            found += self._run(f"{head} {source}{tail}", params)
        if len(found) != len(values):
            there = set(self._converted(_key_fields(table), found))
            raise StaleEntity(table, [row[:width] for row in values if row[:width] not in there])

    def _sources(
        self, fields: Sequence[_Field], rows: Sequence[Row]
    ) -> Iterator[tuple[str, list[Any], int]]:
        """The sources that hold `rows`: the SQL, its parameters, and how many rows it holds."""
        connection = self._transaction.connection
        columns = [
            _prepared(field, column, connection)
            for field, column in zip(fields, zip(*rows, strict=True), strict=True)
        ]
        if connection.vendor == "postgresql":
            types = [_MODIFIERS.sub("", field.db_type(connection) or "") for field in fields]
            if not any(type_.endswith("]") for type_ in types):
                arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
                yield f"unnest({arrays}) AS v ({_v(fields, of='')})", columns, len(rows)
                return
            placeholders = ", ".join(f"%s::{type_}" for type_ in types)
        else:
            placeholders = ", ".join(["%s"] * len(fields))
        size = max(1, max_parameters(connection) // len(fields))
        prepared = list(zip(*columns, strict=True))
        for start in range(0, len(prepared), size):
            part = prepared[start : start + size]
            values = ", ".join([f"({placeholders})"] * len(part))
            yield f"(VALUES {values}) AS v", [v for row in part for v in row], len(part)

    def _run(self, sql: str, params: Sequence[Any]) -> list[Row]:
        with _naming_unique_violations(), self._transaction.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    def _converted(self, fields: Sequence[_Field], rows: Iterable[Row]) -> Iterator[Row]:
        """Rows that came back, as Python values."""
        connection = self._transaction.connection
        converters = []
        for field in fields:
            column = field.get_col(field.model._meta.db_table)
            found = connection.ops.get_db_converters(column) + column.get_db_converters(connection)
            converters.append((column, found))
        for row in rows:
            values = list(row)
            for position, (column, found) in enumerate(converters):
                for convert in found:
                    values[position] = convert(values[position], column, connection)
            yield tuple(values)

    def _name(self, table: ModelTable) -> str:
        return self._transaction.connection.ops.quote_name(table.model._meta.db_table)

    def _columns(self, fields: Iterable[_Field], table: ModelTable | None = None) -> str:
        quote = self._transaction.connection.ops.quote_name
        of = f"{self._name(table)}." if table else ""
        return ", ".join(f"{of}{quote(str(field.column))}" for field in fields)


def _prepared(field: _Field, values: Iterable[Any], connection: BaseDatabaseWrapper) -> list[Any]:
    prepared = [field.get_db_prep_save(value, connection) for value in values]
    if any(hasattr(value, "as_sql") for value in prepared):
        raise UnsupportedValue(
            f"{field.model.__name__}.{field.attname} was given an expression such as F(), whose "
            f"value only the database knows. Read the row, with a lock if others write it too, "
            f"and assign a value."
        )
    return prepared


def _v(fields: Sequence[_Field], of: str = "v.") -> str:
    """The columns of a source."""
    return ", ".join(f"{of}column{place}" for place in range(1, len(fields) + 1))


def _identifying(table: ModelTable) -> list[int]:
    """The positions of the columns by which a row is met: its key, and its version."""
    key = [table.columns.index(name) for name in table.key]
    return key if table.version is None else [*key, table.version]


def _key_fields(table: ModelTable) -> list[_Field]:
    return [table.fields[table.columns.index(name)] for name in table.key]


def _left_to_the_database(table: ModelTable, row: Row) -> tuple[int, ...]:
    """The positions of the columns that an INSERT of `row` leaves out."""
    return tuple(
        position
        for position in table.optional
        if isinstance(row[position], DatabaseDefault)
        or (row[position] is None and isinstance(table.fields[position], models.AutoField))
    )


@contextmanager
def _naming_unique_violations() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        cause = error.__cause__
        if getattr(cause, "sqlstate", None) == "23505" or getattr(
            cause, "sqlite_errorname", None
        ) in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
            raise _DatabaseUniqueViolation(*error.args) from error
        raise
