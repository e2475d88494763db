"""Writes the rows of the application."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocation.adapters.mappers import LINE
from allocation.domain.model import LineKey
from allocation.uow import Row, Table
from allocation.uow.django import DjangoStore


class AllocationStore(DjangoStore):
    """Inserts order lines in the order in which they came in, whichever batch holds them.

    That is their age: of several backorders, the one whose row came first is
    tried first.
    """

    def __init__(self, using: str, *, join: bool = False) -> None:
        super().__init__(using, join=join)
        self._arrivals: dict[LineKey, int] = {}

    def begin(self) -> None:
        super().begin()
        self._arrivals.clear()

    def expect(self, keys: Iterable[LineKey]) -> None:
        """Lines that may be inserted, in the order in which they came in."""
        for key in keys:
            self._arrivals.setdefault(key, len(self._arrivals))

    def insert(self, table: Table, rows: Sequence[Row]) -> Sequence[Row]:
        if table is not LINE:
            return super().insert(table, rows)
        first = len(self._arrivals)
        super().insert(table, sorted(rows, key=lambda row: self._arrivals.get(row[:2], first)))
        return rows  # the database fills in nothing of a line that its mapper knows
