"""What a flush has to write: the difference between rows. See Note [Rows, not objects]."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from allocation.uow.errors import MisuseError
from allocation.uow.mapping import UNKNOWN, Key, Mapper, Row, RowId, Rows, Table, same_rows


class Status(enum.Enum):
    """What the next flush will make of an entity."""

    NEW = "new"
    LOADED = "loaded"
    REMOVED = "removed"


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


class Bypassed(MisuseError):
    """An entity was saved or deleted by itself, past the unit of work that keeps it."""


class ExchangedValues(MisuseError):
    """Two entities exchange a unique value in one flush, which databases check row by row."""


class VersionNotLoaded(MisuseError):
    """An entity is to be written whose version was deferred."""


class Entry:
    """One tracked entity, and the rows it is known to stand in."""

    __slots__ = (
        "by_hand",
        "entity",
        "generation",
        "key",
        "mapper",
        "snapshot",
        "status",
        "written",
    )

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
        self.by_hand = False

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

    def differs(self) -> bool:
        """Whether it stands in other rows than its snapshot's."""
        try:
            return not same_rows(self.rows(), self.snapshot)
        except Exception:  # noqa: BLE001  # what cannot even be mapped is not what was read
            return True

    def unknown(self) -> bool:
        """Whether nobody knows what the store has: it was registered by hand, not read."""
        return self.by_hand and any(UNKNOWN in row for row in self.snapshot.values())


Placed: TypeAlias = tuple[Entry, RowId, Row]
"""A row, and the entity that stands in it."""


@dataclass
class Changes:
    """What a flush has to write, by table."""

    entries: dict[Entry, Rows] = field(default_factory=dict)
    """Those that change, and the rows they will stand in."""

    inserted: dict[Table, list[Placed]] = field(default_factory=lambda: defaultdict(list))
    updated: dict[Table, list[tuple[Row, Row]]] = field(default_factory=lambda: defaultdict(list))
    """Of each row what it was and what it will be."""

    deleted: dict[Table, list[Row]] = field(default_factory=lambda: defaultdict(list))
    as_sent: list[Placed] = field(default_factory=list)
    """Those that are inserted already, and stand there as they were sent."""

    def tables(self) -> set[Table]:
        return {*self.inserted, *self.updated, *self.deleted}


def find_changes(
    entries: Iterable[Entry], *, writing: bool, changed: Container[Entry] = ()
) -> Changes:
    """The difference between what the entities are and what they were read as.

    `writing` tells the mappers that these are about to be written. Those that
    have `changed` count as changed, though all their rows may be there by now.
    Raises DuplicateKey and KeyChanged.
    """
    changes = Changes()
    before: Rows = {}
    after: dict[RowId, Entry] = {}
    for entry, rows in _changed(entries, writing=writing, changed=changed):
        changes.entries[entry] = rows
        before.update(entry.snapshot)
        for rowid in rows:
            if rowid in after:
                raise DuplicateKey(*rowid)
            after[rowid] = entry
    _compare(changes, before)
    for table in changes.updated:
        _refuse_exchanges(table, changes, after)
    return changes


def _compare(changes: Changes, before: Rows) -> None:
    """Tell what becomes of each row: of those `before`, and of those that entries will stand in."""
    for entry, rows in changes.entries.items():
        for rowid, row in rows.items():
            table, old = rowid[0], before.pop(rowid, None)
            if old is None:
                changes.inserted[table].append((entry, rowid, row))
            elif old != row or (table.strict and not table.same(old, row)):
                if entry.status is Status.NEW and table.version is not None:
                    # It takes over the row of one that was removed.
                    row = rows[rowid] = _counted(table.version, old, row)  # noqa: PLW2901  # from here on
                changes.updated[table].append((old, row))
    for (table, _), row in before.items():
        changes.deleted[table].append(row)


def _changed(
    entries: Iterable[Entry], *, writing: bool, changed: Container[Entry]
) -> Iterator[tuple[Entry, Rows]]:
    """The entries whose rows differ from their snapshot, and those rows."""
    for entry in entries:
        if entry.status is Status.REMOVED:
            yield entry, {}
            continue
        rows = entry.rows()
        same = same_rows(rows, entry.snapshot) and entry not in changed
        if same and entry.status is Status.LOADED:
            continue
        if writing and entry.status is Status.NEW and entry.mapper.is_stored(entry.entity):
            raise Bypassed(
                f"{entry.entity!r} was added to the unit of work and then saved by itself, or by "
                f"another unit of work. This one writes what was added: leave save() out, or that."
            )
        if writing and entry.mapper.changes_on_write:
            entry.mapper.before_write(entry.entity, adding=entry.status is Status.NEW)
            rows = entry.rows()
        if entry.status is Status.LOADED:
            key = entry.mapper.key(entry.entity)
            if None in key:
                raise Bypassed(
                    f"{entry.entity!r} has lost its key: it was deleted by itself. Use "
                    f"remove() of its repository instead of delete()."
                )
            if key != entry.key:
                raise KeyChanged(entry.entity, entry.key, key)
            _count_version(entry, rows)
        yield entry, rows


def _refuse_exchanges(table: Table, changes: Changes, after: Mapping[RowId, Entry]) -> None:
    if not table.unique:
        return
    updated = [(after[table, table.key_of(new)], old, new) for old, new in changes.updated[table]]
    given_up: dict[tuple[Any, ...], Entry] = {}
    for entry, old, new in updated:
        for value in set(table.unique_values(old)) - set(table.unique_values(new)):
            given_up[value] = entry
    if not given_up:
        return
    for entry, _, new in (*updated, *changes.inserted.get(table, ())):
        for value in table.unique_values(new):
            other = given_up.get(value)
            if other is not None:
                raise ExchangedValues(
                    f"{entry.entity!r} takes over {value!r} of {table.name} from {other.entity!r} "
                    f"in one flush, and it must be unique at every moment. Give "
                    f"{other.entity!r} its new value and call flush() first; to exchange two, "
                    f"let one have a third value in between."
                )


def _count_version(entry: Entry, rows: Rows) -> None:
    """Whatever row of an aggregate changed: the version of its root goes up by one."""
    root = entry.mapper.tables[0]
    rowid = (root, entry.key)
    if root.version is None or rowid not in rows or rowid not in entry.snapshot:
        return
    version = entry.snapshot[rowid][root.version]
    if version is UNKNOWN:
        raise VersionNotLoaded(
            f"{entry.entity!r} was loaded without its version ({root.columns[root.version]}), so "
            f"nobody can tell whether it is stale: do not defer that column."
        )
    rows[rowid] = _counted(root.version, entry.snapshot[rowid], rows[rowid])


def _counted(version: int, old: Row, row: Row) -> Row:
    """`row` with the version that follows that of `old`."""
    return (*row[:version], old[version] + 1, *row[version + 1 :])
