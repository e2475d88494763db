"""How entities are turned into rows and back: tables and mappers."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from operator import itemgetter
from typing import Any, Final, Generic, TypeAlias, TypeVar

from allocation.uow.living import Living

E = TypeVar("E")

Key: TypeAlias = tuple[Hashable, ...]
Row: TypeAlias = tuple[Any, ...]


class _Unknown(enum.Enum):
    UNKNOWN = enum.auto()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown.UNKNOWN
"""Stands in a row for a value that was not read: a deferred column, or one nobody has seen yet."""


class Table:
    """A table as the kernel sees it: a name, its columns in order, and which of them are its key.

    `version` names the column that counts the changes of a row, where there is
    one; `unique` names groups of columns of which no two rows may be equal, as
    far as the store checks that row by row. Compared by identity: make one per
    table and share it.
    """

    delete_last = False
    """Whether rows must not be deleted before others are written: see flush.write."""

    strict = False
    """Whether rows may be equal to Python without being the same to the store: see `same`."""

    def __init__(
        self,
        name: str,
        columns: Sequence[str],
        key: Sequence[str],
        version: str | None = None,
        unique: Iterable[Sequence[str]] = (),
    ) -> None:
        self.name = name
        self.columns = tuple(columns)
        self.key = tuple(key)
        self.version = None if version is None else self.columns.index(version)
        same = self.key if version is None else (*self.key, version)
        self.identifying = tuple(self.columns.index(column) for column in same)
        """The positions of the columns by which a row is met: its key, and its version."""
        self.identity_of: Callable[[Row], Any] = itemgetter(*self.identifying)
        """The values there, by which rows can be sorted."""
        self.unique = [tuple(group) for group in unique]
        positions = [self.columns.index(column) for column in self.key]
        # One position would give the bare value, a slice gives a tuple of it.
        self.key_of: Callable[[Row], Key] = (
            itemgetter(*positions)
            if len(positions) > 1
            else itemgetter(slice(positions[0], positions[0] + 1))
        )

    def __repr__(self) -> str:
        return f"<Table {self.name}>"

    def same(self, one: Row, other: Row) -> bool:
        """Whether the store would hold the same for both."""
        return one == other

    def may_become(self, sent: Row, read: Row) -> bool:
        """Whether `read` may be what the store made of `sent`, as far as that is known."""
        return all(old is UNKNOWN or old == new for old, new in zip(sent, read, strict=True))

    def unique_values(self, row: Row) -> Iterator[tuple[Any, ...]]:
        """What no other row may have: the names of some columns, then their values."""
        for group in self.unique:
            values = tuple(row[self.columns.index(column)] for column in group)
            if None not in values and UNKNOWN not in values:
                yield (*group, *values)


RowId: TypeAlias = tuple[Table, Key]
Rows: TypeAlias = dict[RowId, Row]


def same_rows(some: Rows, others: Rows) -> bool:
    if some != others:
        return False
    for rowid in some:
        if rowid[0].strict and not rowid[0].same(some[rowid], others[rowid]):
            return False
    return True


class Mapper(ABC, Generic[E]):
    """Turns an entity into the rows it stands in, and rows back into an entity."""

    entity_type: type[E]

    tables: Sequence[Table]
    """The root's table first: its key is the entity's identity."""

    @property
    def loaded_whole(self) -> AbstractSet[Table]:
        """The tables of which an entity is always loaded with all of its rows."""
        return frozenset()

    def keeps(self, entity: object) -> bool:
        """Whether `entity` is of the type this is for."""
        return isinstance(entity, self.entity_type)

    @abstractmethod
    def rows(self, entity: E, /) -> Iterable[tuple[Table, Row]]:
        """Every row `entity` stands in now, the root's first. Must not query."""

    @abstractmethod
    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> E:
        """Build the entity that stands in `rows`, a list per table (empty when there are none)."""

    def key(self, entity: E, /) -> Key:
        """The identity of `entity`; holds None where the store has yet to grant it.

        By default the key of the first row. Override it when there is a cheaper way.
        """
        table, row = next(iter(self.rows(entity)))
        return table.key_of(row)

    def stored(self, entity: E, table: Table, row: Row, /) -> None:
        """A row of `entity` was written, with a key or version given to it: take these over.

        By default those of the root are set on the attributes named as its columns.
        """
        if table is self.tables[0]:
            for position in table.identifying:
                column, value = table.columns[position], row[position]
                if getattr(entity, column, value) != value:
                    setattr(entity, column, value)

    def require_complete(self, entity: E, /, *, inserted: bool) -> None:
        """Raise a MisuseError where something is missing for good.

        Called before a row of `entity` is inserted, when the rows that it refers
        to are there, and again when everything that is new has been `inserted`.
        """

    @cached_property
    def _in_store(self) -> Living[E]:
        return Living()

    def mark_stored(self, entity: E, /, *, stored: bool) -> None:
        """From now on `entity` stands in the store, or does so no more.

        By default the mapper remembers it for as long as the entity lives, whichever
        unit of work that was; it cannot where the class has slots, but no `__weakref__`.
        """
        if stored:
            self._in_store.add(entity)
        else:
            self._in_store.discard(entity)

    def is_stored(self, entity: E, /) -> bool:
        """Whether `entity` is known to stand in the store already."""
        return entity in self._in_store

    def discarded(self, entity: E, table: Table, row: Row, /) -> None:
        """An inserted row was rolled back: be again what was sent, without the key."""
        Mapper.stored(self, entity, table, row)

    def restore(self, entity: E, rows: Mapping[Table, Sequence[Row]]) -> None:
        """Make `entity` stand in `rows` again, in place, so that references to it stay good."""
        state = vars(self.entity(rows))
        vars(entity).clear()
        vars(entity).update(state)

    def before_write(self, entity: E, *, adding: bool) -> None:
        """Last chance to set values that follow from writing itself, as `auto_now` does."""

    @cached_property
    def changes_on_write(self) -> bool:
        """Whether `before_write` may set something."""
        return type(self).before_write is not Mapper.before_write
