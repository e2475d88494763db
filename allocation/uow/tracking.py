"""What a unit of work knows of its entities: the identity map, the snapshots, what is pending.

Note [Rows, not objects]: an entity is turned into rows by its `Mapper`, and what
a flush has to write is the difference between the rows all entities stand in
now and those they were loaded from, compared by table and key over all of them
at once. So one mechanism serves a Django model instance (one row, itself), a
plain object with a mapper, and an aggregate over several tables; and a row that
moves from one aggregate to another (an order line from one batch to the next)
is one UPDATE, not a DELETE and an INSERT.

An aggregate may be loaded in part: rows that were never loaded are on neither
side of the comparison, hence never written. When more of its rows are read
later, they join the object that is already there.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, Generic, TypeAlias, TypeVar

from allocation.uow.errors import ConflictError, MisuseError, UnitOfWorkError

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

    Compared by identity: make one per table and share it.
    """

    def __init__(self, name: str, columns: Sequence[str], key: Sequence[str]) -> None:
        self.name = name
        self.columns = tuple(columns)
        self.key = tuple(key)
        first, *others = (self.columns.index(column) for column in self.key)
        # A slice gives a tuple, as several positions do: a key is a tuple always.
        self.key_of: Callable[[Row], Key] = (
            itemgetter(first, *others) if others else itemgetter(slice(first, first + 1))
        )

    def __repr__(self) -> str:
        return f"<Table {self.name}>"


RowId: TypeAlias = tuple[Table, Key]
Rows: TypeAlias = dict[RowId, Row]


class Mapper(ABC, Generic[E]):
    """Turns an entity into the rows it stands in, and rows back into an entity."""

    entity_type: type[E]

    tables: Sequence[Table]
    """The root's table first: its key is the entity's identity."""

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
        """A row of `entity` was inserted: take over the keys that the store granted.

        By default the root's key is set on the attributes named as its columns.
        """
        if table is self.tables[0]:
            for column, value in zip(table.key, table.key_of(row), strict=True):
                if getattr(entity, column, value) != value:
                    setattr(entity, column, value)

    def discarded(self, entity: E, table: Table, row: Row, /) -> None:
        """An inserted row was rolled back: be again what was sent, without the keys."""
        Mapper.stored(self, entity, table, row)

    def restore(self, entity: E, rows: Mapping[Table, Sequence[Row]]) -> None:
        """Make `entity` stand in `rows` again, in place, so that references to it stay good."""
        state = vars(self.entity(rows))
        vars(entity).clear()
        vars(entity).update(state)

    def before_write(self, entity: E, *, adding: bool) -> None:
        """Last chance to set values that follow from writing itself, as `auto_now` does."""


class Status(enum.Enum):
    """What the next flush will make of an entity."""

    NEW = "new"
    LOADED = "loaded"
    REMOVED = "removed"


class EntityNotFound(UnitOfWorkError, LookupError):
    """No entity has this key. Carries `entity_type` and `key`."""

    def __init__(self, entity_type: type, key: object) -> None:
        self.entity_type = entity_type
        self.key = key
        super().__init__(f"There is no {entity_type.__name__} with the key {key!r}.")


class WrongEntityType(MisuseError):
    """A repository was given something else than what it keeps."""


class NotTracked(MisuseError):
    """An entity was removed that this unit of work does not know."""


class DuplicateKey(MisuseError):
    """Two objects claim to be the same row. Carries `table` and `key`."""

    def __init__(self, table: Table, key: object) -> None:
        self.table = table
        self.key = key
        super().__init__(
            f"Two objects claim the row {key!r} of {table.name} in one unit of work. "
            f"Get the one that is there and change it."
        )


class KeyChanged(MisuseError):
    """The key of a loaded entity was changed. Carries `entity`, `old` and `new`."""

    def __init__(self, entity: object, old: object, new: object) -> None:
        self.entity = entity
        self.old = old
        self.new = new
        super().__init__(
            f"The key of {entity!r} was changed from {old!r} to {new!r}. A key is an identity "
            f"and stays: remove this entity and add another."
        )


_SHOWN: Final = 5


class StaleEntity(ConflictError):
    """Rows were changed or deleted by somebody else since they were read.

    Nothing is written. Carries `table` (its name) and `keys`.
    """

    def __init__(self, table: Table, keys: Sequence[Key]) -> None:
        self.table = table.name
        self.keys = tuple(keys)
        shown = ", ".join("/".join(map(str, key)) for key in self.keys[:_SHOWN])
        more = f" and {len(self.keys) - _SHOWN} more" if len(self.keys) > _SHOWN else ""
        super().__init__(
            f"Somebody else changed or deleted {shown}{more} of {table.name} since this unit of "
            f"work read it. Run the use case again."
        )


class Entry:
    """One tracked entity, and the rows it is known to stand in."""

    __slots__ = ("entity", "generation", "key", "mapper", "snapshot", "status", "written")

    def __init__(
        self, mapper: Mapper[Any], entity: Any, key: Key, snapshot: Rows, status: Status
    ) -> None:
        self.mapper = mapper
        self.entity = entity
        self.key = key
        self.snapshot = snapshot
        self.status = status
        self.generation = 0
        self.written = False

    def rows(self) -> Rows:
        """The rows as they are now; none for an entity that was removed."""
        if self.status is Status.REMOVED:
            return {}
        rows: Rows = {}
        for table, row in self.mapper.rows(self.entity):
            key = table.key_of(row)
            # A row whose key the store has yet to grant is told apart by its place.
            rowid = (table, (id(self.entity), len(rows), None) if None in key else key)
            if rowid in rows:
                raise DuplicateKey(table, key)
            rows[rowid] = row
        return rows


@dataclass
class Changes:
    """What a flush has to write, by table."""

    inserted: dict[Table, list[tuple[Entry, RowId, Row]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    updated: dict[Table, list[tuple[Row, Row]]] = field(default_factory=lambda: defaultdict(list))
    deleted: dict[Table, list[Row]] = field(default_factory=lambda: defaultdict(list))
    entries: list[Entry] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.entries)

    def tables(self) -> set[Table]:
        return {*self.inserted, *self.updated, *self.deleted}


class Tracker:
    """The entities of one unit of work."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._identity: dict[tuple[Table, Key], Entry] = {}
        # What an entry was at the last commit, for those that were flushed since.
        self._committed: dict[int, tuple[Entry, Rows, Status]] = {}
        # Rows as they were sent to be inserted, to take back what the store filled in.
        self._sent: list[tuple[Entry, Table, Row]] = []
        self._generation = 0

    # -- looking ---------------------------------------------------------

    def __contains__(self, entity: object) -> bool:
        return id(entity) in self._entries

    def entities(self, status: Status) -> list[Any]:
        return [entry.entity for entry in self._entries.values() if entry.status is status]

    def dirty(self) -> list[Any]:
        return [
            entry.entity
            for entry in self._entries.values()
            if entry.status is Status.LOADED and entry.rows() != entry.snapshot
        ]

    def known(self, mapper: Mapper[E], key: Key) -> E | None:
        """The entity with this key, if it need not be read (again) in this transaction.

        Raises EntityNotFound when this unit of work has removed it.
        """
        entry = self._identity.get((mapper.tables[0], key))
        if entry is None or entry.generation != self._generation:
            return None
        if entry.status is Status.REMOVED:
            raise EntityNotFound(mapper.entity_type, key if len(key) > 1 else key[0])
        entity: E = entry.entity
        return entity

    # -- registering -----------------------------------------------------

    def add(self, mapper: Mapper[E], entity: E) -> None:
        """Register `entity` as new. Added again it stays what it is; removed before, it is kept."""
        self._check_type(mapper, entity)
        entry = self._entries.get(id(entity))
        if entry is None:
            self._register(Entry(mapper, entity, mapper.key(entity), {}, Status.NEW))
        elif entry.status is Status.REMOVED:
            entry.status = Status.LOADED

    def add_dirty(self, mapper: Mapper[E], entity: E) -> None:
        """Register an entity that came from elsewhere: the next flush updates all its columns."""
        self._check_type(mapper, entity)
        if id(entity) in self._entries:
            return
        entry = Entry(mapper, entity, mapper.key(entity), {}, Status.LOADED)
        for (table, key), row in entry.rows().items():
            entry.snapshot[table, key] = tuple(
                value if column in table.key else UNKNOWN
                for column, value in zip(table.columns, row, strict=True)
            )
        self._register(entry)

    def remove(self, mapper: Mapper[E], entity: E) -> None:
        """Register `entity` as removed. A new one is forgotten."""
        self._check_type(mapper, entity)
        entry = self._entries.get(id(entity))
        if entry is None:
            raise NotTracked(
                f"{entity!r} was neither loaded nor added in this unit of work, so it cannot be "
                f"removed. Get it from its repository first."
            )
        if entry.status is Status.NEW:
            self._forget(entry)
        else:
            entry.status = Status.REMOVED

    def load(
        self,
        mapper: Mapper[E],
        key: Key,
        rows: Iterable[tuple[Table, Row]],
        entity: E | None = None,
    ) -> E | None:
        """The entity that stands in `rows`: the one already there, else `entity` or one built.

        An entity already there keeps its unsaved changes; what it did not
        change follows the rows. None when this unit of work has removed it.
        Raises StaleEntity when it has unsaved changes to rows that somebody
        else changed meanwhile.
        """
        loaded: Rows = {(table, table.key_of(row)): row for table, row in rows}
        entry = self._identity.get((mapper.tables[0], key))
        if entry is None:
            if entity is None:
                entity = mapper.entity(_by_table(mapper, loaded))
            self._register(Entry(mapper, entity, key, loaded, Status.LOADED))
            return entity
        if entry.status is Status.REMOVED:
            return None
        self._merge(entry, loaded)
        known: E = entry.entity
        return known

    def _merge(self, entry: Entry, loaded: Rows) -> None:
        entry.generation = self._generation
        seen = entry.snapshot
        news: Rows = {}
        for rowid, row in loaded.items():
            if UNKNOWN in row and rowid in seen:
                row = _fill(row, seen[rowid])  # noqa: PLW2901  # the row, completed
            if seen.get(rowid) != row:
                news[rowid] = row
        if not news:
            return
        now = entry.rows()
        changed_here = {
            rowid for rowid in now.keys() | seen.keys() if now.get(rowid) != seen.get(rowid)
        }
        lost = [
            rowid
            for rowid in news
            if rowid in changed_here and _differs(seen.get(rowid), news[rowid])
        ]
        # A row that this transaction has written is locked: nobody else can have changed it.
        if lost and not entry.written:
            raise StaleEntity(lost[0][0], [key for _, key in lost])
        merged = now | {rowid: row for rowid, row in news.items() if rowid not in changed_here}
        entry.mapper.restore(entry.entity, _by_table(entry.mapper, merged))
        entry.snapshot = seen | news

    def _check_type(self, mapper: Mapper[Any], entity: object) -> None:
        if not isinstance(entity, mapper.entity_type):
            raise WrongEntityType(
                f"This repository keeps {mapper.entity_type.__name__}, not "
                f"{type(entity).__name__}: {entity!r}."
            )

    def _register(self, entry: Entry) -> None:
        if None not in entry.key:
            identity = (entry.mapper.tables[0], entry.key)
            other = self._identity.get(identity)
            if other is not None and other.status is not Status.REMOVED:
                raise DuplicateKey(*identity)
            self._identity[identity] = entry
        entry.generation = self._generation
        self._entries[id(entry.entity)] = entry

    def _forget(self, entry: Entry) -> None:
        del self._entries[id(entry.entity)]
        identity = (entry.mapper.tables[0], entry.key)
        if self._identity.get(identity) is entry:
            del self._identity[identity]

    # -- flushing --------------------------------------------------------

    def changes(self, *, writing: bool = False) -> Changes:
        """The difference between what the entities are and what they were read as.

        `writing` tells the mappers that these are about to be written. Raises
        DuplicateKey and KeyChanged.
        """
        changes = Changes()
        before: Rows = {}
        after: dict[RowId, tuple[Entry, Row]] = {}
        for entry, rows in self._changed(writing=writing):
            changes.entries.append(entry)
            before.update(entry.snapshot)
            for rowid, row in rows.items():
                if rowid in after:
                    raise DuplicateKey(*rowid)
                after[rowid] = (entry, row)
        for rowid, (entry, row) in after.items():
            old = before.pop(rowid, None)
            if old is None:
                changes.inserted[rowid[0]].append((entry, rowid, row))
            elif old != row:
                changes.updated[rowid[0]].append((old, row))
        for (table, _), row in before.items():
            changes.deleted[table].append(row)
        return changes

    def _changed(self, *, writing: bool) -> Iterator[tuple[Entry, Rows]]:
        """The entries whose rows differ from their snapshot, and those rows."""
        for entry in self._entries.values():
            rows = entry.rows()
            if rows == entry.snapshot and entry.status is Status.LOADED:
                continue
            if writing and entry.status is not Status.REMOVED:
                entry.mapper.before_write(entry.entity, adding=entry.status is Status.NEW)
                rows = entry.rows()
            if entry.status is Status.LOADED:
                key = entry.mapper.key(entry.entity)
                if key != entry.key:
                    raise KeyChanged(entry.entity, entry.key, key)
            yield entry, rows

    def inserted(self, entry: Entry, rowid: RowId, sent: Row, stored: Row) -> bool:
        """An insert went through: take over what the store made of it; tells if that differs."""
        self._remember(entry)
        table = rowid[0]
        self._sent.append((entry, table, sent))
        entry.mapper.stored(entry.entity, table, stored)
        entry.snapshot = {**entry.snapshot, (table, table.key_of(stored)): stored}
        if None in entry.key:
            entry.key = entry.mapper.key(entry.entity)
            self._identity[entry.mapper.tables[0], entry.key] = entry
        return sent != stored

    def flushed(self, changes: Changes) -> None:
        """Everything in `changes` was written: it is the new ground to compare with."""
        for entry in changes.entries:
            self._remember(entry)
            entry.written = True
            if entry.status is Status.REMOVED:
                self._forget(entry)
            else:
                entry.snapshot = entry.rows()
                entry.status = Status.LOADED

    def _remember(self, entry: Entry) -> None:
        self._committed.setdefault(id(entry), (entry, entry.snapshot, entry.status))

    # -- the end of a transaction ----------------------------------------

    def committed(self) -> None:
        """What was flushed is safe. The next transaction reads again what it needs."""
        for entry, _, _ in self._committed.values():
            entry.written = False
        self._committed.clear()
        self._sent.clear()
        self._generation += 1

    def rolled_back(self) -> None:
        """Take every entity back to the last commit, in memory too. New ones are let go."""
        for entry, table, sent in reversed(self._sent):
            entry.mapper.discarded(entry.entity, table, sent)
        self._sent.clear()
        for entry, snapshot, status in self._committed.values():
            entry.snapshot, entry.status, entry.written = snapshot, status, False
            self._entries[id(entry.entity)] = entry
        self._committed.clear()
        self._generation += 1
        for entry in list(self._entries.values()):
            if entry.status is Status.NEW:
                self._forget(entry)
                continue
            entry.status = Status.LOADED
            self._identity[entry.mapper.tables[0], entry.key] = entry
            if entry.rows() != entry.snapshot:
                entry.mapper.restore(entry.entity, _by_table(entry.mapper, entry.snapshot))


def _by_table(mapper: Mapper[Any], rows: Rows) -> dict[Table, list[Row]]:
    found: dict[Table, list[Row]] = {table: [] for table in mapper.tables}
    for (table, _), row in rows.items():
        found[table].append(row)
    return found


def _fill(row: Row, seen: Row) -> Row:
    return tuple(old if new is UNKNOWN else new for new, old in zip(row, seen, strict=True))


def _differs(seen: Row | None, now: Row) -> bool:
    """Whether `now` contradicts what was seen, rather than adding to it."""
    return seen is not None and any(
        old is not UNKNOWN and old != new for old, new in zip(seen, now, strict=True)
    )
