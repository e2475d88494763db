"""A unit of work in memory, with the semantics of a real one."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar, cast

from allocation.uow.repository import Repository
from allocation.uow.tracking import Key, Mapper, Row, StaleEntity, Table
from allocation.uow.unit_of_work import UniqueViolation, UnitOfWork

E = TypeVar("E")


class _ObjectTable(Table):
    """One row per object: its key, and the rest of its attributes as one value."""

    def __init__(self, name: str, key: Sequence[str], unique: Sequence[Sequence[str]]) -> None:
        super().__init__(name, (*key, "state"), key)
        self.unique = unique

    def unique_values(self, row: Row) -> Iterable[tuple[Any, ...]]:
        attributes = dict(zip(self.key, row, strict=False)) | row[-1]
        for names in self.unique:
            values = tuple(attributes[name] for name in names)
            if None not in values:  # as in SQL, where NULL equals nothing
                yield (*names, *values)


class _ObjectMapper(Mapper[E]):
    """Maps any object with a `__dict__`; what it refers to is copied along."""

    def __init__(self, entity_type: type[E], table: _ObjectTable) -> None:
        self.entity_type = entity_type
        self.tables = (table,)

    def key(self, entity: E) -> Key:
        return tuple(getattr(entity, name) for name in self.tables[0].key)

    def rows(self, entity: E) -> Iterable[tuple[Table, Row]]:
        table = self.tables[0]
        state = {name: value for name, value in vars(entity).items() if name not in table.key}
        return ((table, (*self.key(entity), copy.deepcopy(state))),)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> E:
        [row] = rows[self.tables[0]]
        entity = object.__new__(self.entity_type)
        vars(entity).update(zip(self.tables[0].key, row, strict=False))
        vars(entity).update(copy.deepcopy(row[-1]))
        return entity


@dataclass
class InMemoryDatabase:
    """What units of work have committed. Give the same one to those that should see it."""

    tables: dict[str, dict[Key, Row]] = field(default_factory=lambda: defaultdict(dict))
    sequence: count[int] = field(default_factory=lambda: count(1))


class _InMemoryStore:
    """Works on a copy of the database, and puts what it wrote there at commit."""

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database
        self._tables: dict[str, dict[Key, Row]] = {}
        # What the database held, when this began, of each row written since.
        self._found: dict[tuple[_ObjectTable, Key], Row | None] = {}

    def begin(self) -> None:
        self._found = {}
        self._tables = defaultdict(
            dict, {name: dict(rows) for name, rows in self._database.tables.items()}
        )

    def commit(self) -> None:
        committed = self._database.tables
        for (table, key), found in self._found.items():
            if committed[table.name].get(key) is not found:
                raise StaleEntity(table, [key])
        for table, key in self._found:
            row = self._tables[table.name].get(key)
            others = {
                k: r for k, r in committed[table.name].items() if (table, k) not in self._found
            }
            if row is not None:
                _check_unique(table, key, row, others)
        for table, key in self._found:
            row = self._tables[table.name].get(key)
            if row is None:
                committed[table.name].pop(key, None)
            else:
                committed[table.name][key] = row

    def rollback(self) -> None:
        self._tables, self._found = {}, {}

    def rows(self, table: Table) -> dict[Key, Row]:
        return self._tables[table.name]

    def parents_first(self, tables: Iterable[Table]) -> Sequence[Table]:
        return sorted(tables, key=lambda table: table.name)

    def insert(self, table: Table, rows: Sequence[Row]) -> Sequence[Row]:
        stored = []
        for row in rows:
            key = table.key_of(row)
            if key == (None,):
                key = (next(self._database.sequence),)
            if key in self.rows(table):
                raise UniqueViolation(f"{table.name} has a row {key!r} already.")
            stored.append((*key, row[-1]))
            self._put(table, key, stored[-1])
        return stored

    def update(self, table: Table, rows: Sequence[tuple[Row, Row]]) -> None:
        self._require(table, [table.key_of(old) for old, _ in rows])
        for _, new in rows:
            self.rows(table).pop(table.key_of(new))
        for old, new in rows:
            self._put(table, table.key_of(old), new)

    def delete(self, table: Table, rows: Sequence[Row]) -> None:
        keys = [table.key_of(row) for row in rows]
        self._require(table, keys)
        for key in keys:
            self._put(table, key, None)

    def _require(self, table: Table, keys: Sequence[Key]) -> None:
        if gone := [key for key in keys if key not in self.rows(table)]:
            raise StaleEntity(table, gone)

    def _put(self, table: Table, key: Key, row: Row | None) -> None:
        table = cast("_ObjectTable", table)
        self._found.setdefault((table, key), self._database.tables[table.name].get(key))
        if row is None:
            del self.rows(table)[key]
        else:
            _check_unique(table, key, row, self.rows(table))
            self.rows(table)[key] = row


def _check_unique(table: _ObjectTable, key: Key, row: Row, others: Mapping[Key, Row]) -> None:
    taken = set(table.unique_values(row))
    for other_key, other in others.items():
        if other_key != key and (twice := taken.intersection(table.unique_values(other))):
            raise UniqueViolation(f"{table.name} has {twice.pop()!r} already, in {other_key!r}.")


class InMemoryUnitOfWork(UnitOfWork):
    """A unit of work over an InMemoryDatabase: one of its own, unless one is given.

    Two that change the same row at once do not wait for each other: the second
    one's commit raises StaleEntity.
    """

    def __init__(self, database: InMemoryDatabase | None = None) -> None:
        self.database = database or InMemoryDatabase()
        self.store = _InMemoryStore(self.database)
        super().__init__(self.store)


class InMemoryRepository(Repository[E]):
    """A repository of any objects with a `__dict__`, for an InMemoryUnitOfWork.

    `key` names the attributes that identify one; a single one that is None is
    granted from a sequence. `unique` names groups of attributes of which no
    two may be equal.
    """

    def __init__(
        self,
        entity_type: type[E],
        key: str | Sequence[str] = "id",
        unique: Sequence[Sequence[str]] = (),
    ) -> None:
        names = (key,) if isinstance(key, str) else tuple(key)
        table = _ObjectTable(entity_type.__qualname__, names, unique)
        super().__init__(_ObjectMapper(entity_type, table))

    def list(self) -> Sequence[E]:
        """All of them, after a flush, in the order of their keys."""
        self.uow.flush()
        return self._read(sorted(self._rows))

    def _fetch(self, key: Key) -> Sequence[E]:
        return self._read([key] if key in self._rows else [])

    @property
    def _rows(self) -> dict[Key, Row]:
        return cast("InMemoryUnitOfWork", self.uow).store.rows(self.mapper.tables[0])

    def _read(self, keys: Iterable[Key]) -> Sequence[E]:
        table = self.mapper.tables[0]
        loaded = (self._load(key, [(table, self._rows[key])]) for key in keys)
        return [entity for entity in loaded if entity is not None]
