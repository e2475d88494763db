"""What a unit of work writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from allocation.uow.errors import UnitOfWorkError
from allocation.uow.mapping import Row, Table


class UniqueViolation(UnitOfWorkError):
    """The store holds another row with the same unique value. Nothing is written."""


class Store(Protocol):
    """One transaction at a time, and the rows in it.

    Inserts, updates and deletes come in whole batches of one table, and a store
    writes each batch in as few statements as it can.
    """

    @property
    def joined(self) -> bool:
        """Whether it is a part of a bigger transaction, which alone decides in the end."""

    def begin(self) -> None: ...

    def require_outermost(self) -> None:
        """Raise a MisuseError inside a part of the transaction that somebody else opened.

        It could be taken back behind the back of the unit of work.
        """

    def commit(self) -> None:
        """End the transaction, also when this raises."""

    def run_hooks(self) -> Sequence[BaseException]:
        """Run the hooks of the transaction that was committed; returns what they raised."""

    def rollback(self) -> None:
        """End the transaction, if there is one, also when this raises."""

    def savepoint(self) -> None:
        """Begin a part of the transaction that can be undone alone."""

    def end_savepoint(self, *, rollback: bool) -> None:
        """Keep the part since the last savepoint, or undo it."""

    def after_commit(self, hook: Callable[[], object]) -> None:
        """Have `hook` run once this transaction is safe; never, where it is rolled back."""

    def parents_first(self, tables: Iterable[Table]) -> Sequence[Table]:
        """These tables, each behind those that its rows refer to."""

    def insert(self, table: Table, rows: Sequence[Row]) -> Sequence[Row]:
        """Insert, and return the rows as they are now: with the keys that were granted.

        Raises UniqueViolation.
        """

    def update(self, table: Table, rows: Sequence[tuple[Row, Row]]) -> None:
        """Write, of each pair of an old and a new row, the columns that differ.

        Raises UniqueViolation, and StaleEntity when a row is not there any more
        or, where the table has one, its version is not the old row's.
        """

    def delete(self, table: Table, rows: Sequence[Row]) -> None:
        """Delete. Raises StaleEntity as `update` does."""
