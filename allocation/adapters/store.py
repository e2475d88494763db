"""Writes the rows of the application."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocation.adapters.history import HISTORY, Author, Change
from allocation.adapters.mappers import LINE
from allocation.domain.model import LineKey
from allocation.uow import Row, Table
from allocation.uow.django import DjangoStore


class AllocationStore(DjangoStore):
    """Inserts order lines in the order in which they came in, and keeps the history.

    The order is their age: of several backorders, the one whose row came first is
    tried first. The history is kept where there is an author, in the same
    transaction and at its end: see `adapters.history`.
    """

    author: Author | None = None

    def __init__(self, using: str, *, join: bool = False) -> None:
        super().__init__(using, join=join)
        self._arrivals: dict[LineKey, int] = {}
        self._untold: list[Row] = []

    def begin(self) -> None:
        super().begin()
        self._arrivals.clear()
        self._untold.clear()

    def commit(self) -> None:
        self._tell()
        super().commit()

    def savepoint(self) -> None:
        self._tell()
        super().savepoint()

    def end_savepoint(self, *, rollback: bool) -> None:
        if rollback:
            self._untold.clear()  # what came before the savepoint was told when it began
        super().end_savepoint(rollback=rollback)

    def expect(self, keys: Iterable[LineKey]) -> None:
        """Lines that may be inserted, in the order in which they came in."""
        for key in keys:
            self._arrivals.setdefault(key, len(self._arrivals))

    def insert(self, table: Table, rows: Sequence[Row]) -> Sequence[Row]:
        if table is LINE:
            first = len(self._arrivals)
            arrived = sorted(rows, key=lambda row: self._arrivals.get(row[:2], first))
            super().insert(table, arrived)
            self._note(table, (((), row) for row in arrived))
            return rows  # the database fills in nothing of a line that its mapper knows
        stored = super().insert(table, rows)
        self._note(table, (((), row) for row in stored))
        return stored

    def update(self, table: Table, rows: Sequence[tuple[Row, Row]]) -> None:
        super().update(table, rows)
        self._note(table, rows)

    def delete(self, table: Table, rows: Sequence[Row]) -> None:
        super().delete(table, rows)
        self._note(table, ((row, ()) for row in rows))

    def _note(self, table: Table, changes: Iterable[Change]) -> None:
        if self.author is not None:
            self._untold += self.author.entries(table, changes)

    def _tell(self) -> None:
        if self._untold:
            self.append(HISTORY, self._untold)
            self._untold.clear()
