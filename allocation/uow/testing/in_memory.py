"""A unit of work in memory, with the semantics of a real one."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar, cast

from allocation.uow.mapping import UNKNOWN, Key, Mapper, Row, Table
from allocation.uow.participants import attempt
from allocation.uow.repository import Repository
from allocation.uow.store import UniqueViolation
from allocation.uow.tracking import StaleEntity
from allocation.uow.unit_of_work import UnitOfWork

E = TypeVar("E")


class _ObjectTable(Table):
    """One row per object: its key, its version if it has one, and the rest as one value."""

    def __init__(
        self,
        name: str,
        key: Sequence[str],
        unique: Sequence[Sequence[str]],
        version: str | None = None,
    ) -> None:
        self.attributes = (*key, version) if version else tuple(key)
        super().__init__(name, (*self.attributes, "state"), key, version)
        self.unique = [tuple(names) for names in unique]

    def unique_values(self, row: Row) -> Iterator[tuple[Any, ...]]:
        if row[-1] is UNKNOWN:
            return
        values_of = dict(zip(self.attributes, row, strict=False)) | row[-1]
        for names in self.unique:
            values = tuple(values_of[name] for name in names)
            if None not in values:  # as in SQL, where NULL equals nothing
                yield (*names, *values)


class _ObjectMapper(Mapper[E]):
    """Maps any object with a `__dict__`; what it refers to is copied along."""

    def __init__(self, entity_type: type[E], table: _ObjectTable) -> None:
        self.entity_type = entity_type
        self.tables = (table,)
        self._attributes = table.attributes

    def key(self, entity: E) -> Key:
        return tuple(getattr(entity, name) for name in self.tables[0].key)

    def rows(self, entity: E) -> Iterable[tuple[Table, Row]]:
        identifying = [getattr(entity, name) for name in self._attributes]
        state = {
            name: value for name, value in vars(entity).items() if name not in self._attributes
        }
        state["__class__"] = type(entity)
        return ((self.tables[0], (*identifying, copy.deepcopy(state))),)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> E:
        [row] = rows[self.tables[0]]
        state = copy.deepcopy(row[-1])
        entity: E = object.__new__(state.pop("__class__"))
        vars(entity).update(zip(self._attributes, row, strict=False))
        vars(entity).update(state)
        return entity


@dataclass
class InMemoryDatabase:
    """What units of work have committed. Give the same one to those that should see it."""

    tables: dict[str, dict[Key, Row]] = field(default_factory=lambda: defaultdict(dict))
    sequence: count[int] = field(default_factory=lambda: count(1))


@dataclass
class _Work:
    """What a transaction has done to its copy of the database."""

    tables: dict[str, dict[Key, Row]]
    # Of each row written since: what the database held when this began.
    found: dict[tuple[_ObjectTable, Key], Row | None] = field(default_factory=dict)
    hooks: list[Callable[[], object]] = field(default_factory=list)

    def copy(self) -> _Work:
        return _Work(_copied(self.tables), dict(self.found), list(self.hooks))


def _copied(tables: Mapping[str, dict[Key, Row]]) -> dict[str, dict[Key, Row]]:
    return defaultdict(dict, {name: dict(rows) for name, rows in tables.items()})


class _InMemoryStore:
    """Works on a copy of the database, and puts what it wrote there at commit."""

    joined = False

    def __init__(self, database: InMemoryDatabase) -> None:
        self._database = database
        self._begun: _Work | None = None
        self._seen: dict[str, dict[Key, Row]] = {}
        self._savepoints: list[_Work] = []

    @property
    def _work(self) -> _Work:
        # As in a database, a transaction sees what was committed before its first statement.
        if self._begun is None:
            self._seen = _copied(self._database.tables)
            self._begun = _Work(_copied(self._seen))
        return self._begun

    def begin(self) -> None:
        self._begun, self._savepoints = None, []

    def require_outermost(self) -> None:
        """Nothing but savepoints, which the unit of work knows, can be open in it."""

    def commit(self) -> None:
        committed = self._database.tables
        for (table, key), found in self._work.found.items():
            if committed[table.name].get(key) is not found:
                raise StaleEntity(table, [key])
        for table, key in self._work.found:
            row = self.rows(table).get(key)
            others = {
                other_key: other
                for other_key, other in committed[table.name].items()
                if (table, other_key) not in self._work.found
            }
            if row is not None:
                _check_unique(table, key, row, others)
        for table, key in self._work.found:
            row = self.rows(table).get(key)
            if row is None:
                committed[table.name].pop(key, None)
            else:
                committed[table.name][key] = row

    def run_hooks(self) -> list[BaseException]:
        return attempt(self._work.hooks)

    def rollback(self) -> None:
        self._begun, self._savepoints = None, []

    def savepoint(self) -> None:
        self._savepoints.append(self._work.copy())

    def end_savepoint(self, *, rollback: bool) -> None:
        kept = self._savepoints.pop()
        if rollback:
            self._begun = kept

    def after_commit(self, hook: Callable[[], object]) -> None:
        self._work.hooks.append(hook)

    def rows(self, table: Table) -> dict[Key, Row]:
        return self._work.tables[table.name]

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
            stored.append((*key, *row[len(key) :]))
            self._put(table, key, stored[-1])
        return stored

    def update(self, table: Table, rows: Sequence[tuple[Row, Row]]) -> None:
        self._require(table, [old for old, _ in rows])
        for _, new in rows:
            self._put(table, table.key_of(new), new)

    def delete(self, table: Table, rows: Sequence[Row]) -> None:
        self._require(table, rows)
        for row in rows:
            self._put(table, table.key_of(row), None)

    def _require(self, table: Table, rows: Sequence[Row]) -> None:
        """Refuse rows that are gone, or that have another version by now."""
        stale = []
        for row in rows:
            stored = self.rows(table).get(table.key_of(row))
            if stored is None or (
                table.version is not None and stored[table.version] != row[table.version]
            ):
                stale.append(table.key_of(row))
        if stale:
            raise StaleEntity(table, stale)

    def _put(self, table: Table, key: Key, row: Row | None) -> None:
        table = cast("_ObjectTable", table)
        self._work.found.setdefault((table, key), self._seen[table.name].get(key))
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
        super().__init__(_InMemoryStore(self.database))


class InMemoryRepository(Repository[E]):
    """A repository of any objects with a `__dict__`, for an InMemoryUnitOfWork.

    `key` names the attributes that identify one; a single one that is None is
    granted from a sequence. `unique` names groups of attributes of which no
    two may be equal, `version` one that counts the changes.
    """

    def __init__(
        self,
        entity_type: type[E],
        key: str | Sequence[str] = "id",
        unique: Sequence[Sequence[str]] = (),
        version: str | None = None,
    ) -> None:
        names = (key,) if isinstance(key, str) else tuple(key)
        table = _ObjectTable(entity_type.__qualname__, names, unique, version)
        super().__init__(_ObjectMapper(entity_type, table))

    def list(self) -> Sequence[E]:
        """All of them, after a flush, in the order of their keys."""
        self.uow.flush()
        return self._read(sorted(self._rows))

    def _fetch(self, key: Key) -> Sequence[E]:
        return self._read([key] if key in self._rows else [])

    @property
    def _rows(self) -> dict[Key, Row]:
        return cast("_InMemoryStore", self.uow.store).rows(self.mapper.tables[0])

    def _read(self, keys: Iterable[Key]) -> Sequence[E]:
        table = self.mapper.tables[0]
        loaded = (self._load(key, [(table, self._rows[key])]) for key in keys)
        return [entity for entity in loaded if entity is not None]
