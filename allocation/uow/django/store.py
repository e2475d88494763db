"""The flush: whole batches of rows, in one statement each."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from django.db import IntegrityError, models, transaction
from django.db.models.expressions import DatabaseDefault

from allocation.uow.django import writing
from allocation.uow.django.kept import kept
from allocation.uow.django.mapping import ModelTable
from allocation.uow.django.parameters import Field
from allocation.uow.django.transaction import Transaction
from allocation.uow.django.writing import Column, Write
from allocation.uow.mapping import UNKNOWN, Row, Table
from allocation.uow.store import UniqueViolation
from allocation.uow.tracking import StaleEntity

W = TypeVar("W")


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

    def run_hooks(self) -> Sequence[BaseException]:
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
        return _parents_first(frozenset(cast("Iterable[ModelTable]", tables)))

    def insert(self, table: Table, rows: Sequence[Row]) -> Sequence[Row]:
        table = cast("ModelTable", table)
        if not table.optional:
            self._insert(table, (), rows)
            return rows
        by_missing: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            by_missing[_left_to_the_database(table, row)].append(index)
        stored = list(rows)
        for missing, indexes in by_missing.items():
            filled = self._insert(table, missing, [rows[index] for index in indexes])
            for index, values in zip(indexes, filled, strict=bool(missing)):
                complete = list(rows[index])
                for position, value in zip(missing, values, strict=True):
                    complete[position] = value
                stored[index] = tuple(complete)
        return stored

    def append(self, table: ModelTable, rows: Sequence[Row]) -> None:
        """Insert rows that are alike in what they leave to the database, which nobody asks for."""
        self._insert(table, _left_to_the_database(table, rows[0]), rows, asking=False)

    def _insert(
        self,
        table: ModelTable,
        missing: tuple[int, ...],
        rows: Sequence[Row],
        *,
        asking: bool = True,
    ) -> list[Row]:
        """Insert rows without the columns `missing`; returns what the database put there."""
        given = list(zip(*rows, strict=True))
        columns = [column for place, column in enumerate(given) if place not in missing]
        asked = missing if asking else ()
        found: list[Row] = []
        write = self._statement(writing.insert, table, missing, asked)
        for sql, params in write.statements(columns or [(True,) * len(rows)]):
            found += self._run(sql, params)
        return list(self._converted([table.fields[place] for place in asked], found))

    def update(self, table: Table, rows: Sequence[tuple[Row, Row]]) -> None:
        table = cast("ModelTable", table)
        rows = sorted(rows, key=lambda pair: table.identity_of(pair[0]))  # see _meet
        before = list(zip(*[old for old, _ in rows], strict=True))
        after = list(zip(*[new for _, new in rows], strict=True))
        flags = list(map(_changed, before, after))
        for place, text in table.texts.items():
            flags[place] = _changed([*map(text, before[place])], [*map(text, after[place])])
        changed = tuple([place for place, flag in enumerate(flags) if any(flag)])
        if not changed:
            return
        # Where not every row changes a column, a flag tells which do: the others keep theirs.
        partly = tuple([place for place in changed if not all(flags[place])])
        values: list[Column] = [before[place] for place in table.identifying]
        values += [_where(flags[place], after[place]) for place in changed]
        values += [flags[place] for place in partly]
        self._meet(table, self._statement(writing.update, table, changed, partly), values)

    def delete(self, table: Table, rows: Sequence[Row]) -> None:
        table = cast("ModelTable", table)
        rows = sorted(rows, key=table.identity_of)  # see _meet
        values = [[row[place] for row in rows] for place in table.identifying]
        self._meet(table, self._statement(writing.delete, table), values)

    def _meet(self, table: ModelTable, write: Write, columns: Sequence[Column]) -> None:
        """Run a statement that must meet one row of `table` for each that `columns` hold.

        They are in the order of the keys, so that two who write the same rows
        wait for each other.
        """
        found: list[Row] = []
        for sql, params in write.statements(columns):
            found += self._run(sql, params)
        if len(found) != len(columns[0]):
            there = set(self._converted(table.key_fields, found))
            keys = zip(*columns[: len(table.key)], strict=True)
            raise StaleEntity(table, [key for key in keys if key not in there])

    def _statement(self, make: Callable[..., W], table: ModelTable, *columns: Any) -> W:
        connection = self._transaction.connection
        key = (make, table, table.model._meta.db_table, *columns)
        return kept(connection, key, lambda: make(connection, table, *columns))

    def _run(self, sql: str, params: Sequence[Any]) -> list[Row]:
        with _naming_unique_violations(), self._transaction.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    def _converted(self, fields: Sequence[Field], rows: Iterable[Row]) -> Iterator[Row]:
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


def _changed(before: Column, after: Column) -> list[bool]:
    return [new is not UNKNOWN and old != new for old, new in zip(before, after, strict=True)]


def _where(flags: Sequence[bool], column: Column) -> Column:
    """A column without the values that are not to be written."""
    if all(flags):
        return column
    return [value if flag else None for flag, value in zip(flags, column, strict=True)]


@functools.cache
def _parents_first(tables: frozenset[ModelTable]) -> Sequence[ModelTable]:
    given = sorted(tables, key=lambda table: table.name)
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
    return tuple(ordered)


def _left_to_the_database(table: ModelTable, row: Row) -> tuple[int, ...]:
    """The positions of the columns that an INSERT of `row` leaves out."""
    return tuple(
        position
        for position in table.optional
        if isinstance(row[position], DatabaseDefault)
        or (row[position] is None and _is_granted(table, position))
    )


def _is_granted(table: ModelTable, position: int) -> bool:
    """Whether None stands for a key that the database has yet to grant."""
    field = table.fields[position]
    return isinstance(field, models.AutoField) or field in table.key_fields


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
