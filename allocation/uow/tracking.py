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

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from allocation.uow.changes import Changes, DuplicateKey, Entry, Status, find_changes
from allocation.uow.errors import ConflictError, MisuseError, UnitOfWorkError
from allocation.uow.mapping import UNKNOWN, Key, Mapper, Row, RowId, Rows, Table, same_rows

E = TypeVar("E")


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


class ForeignEntity(MisuseError):
    """An entity was added as new that is stored already."""


class UnfaithfulMapper(MisuseError):
    """A mapper does not turn an entity into the rows it was built from."""


_SHOWN: Final = 5
"""How many stale entities an error message names."""


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


_WORDS: Final = {Status.NEW: "new", Status.LOADED: "changed", Status.REMOVED: "removed"}


@dataclass
class _Level:
    """What can be taken back: since the last commit, or since a savepoint in it."""

    # What entries were before they were flushed.
    before: dict[int, tuple[Entry, Rows, Status]] = field(default_factory=dict)
    # Rows as they were sent to be inserted, before the store filled them in.
    sent: list[tuple[Entry, Table, Row]] = field(default_factory=list)


class Tracker:
    """The entities of one unit of work."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._identity: dict[tuple[Table, Key], Entry] = {}
        # Which entity a row of the store stands in, as far as is known.
        self._holders: dict[RowId, Entry] = {}
        self._levels = [_Level()]
        # Counts the transactions: what was read in an earlier one is read again.
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
            if entry.status is Status.LOADED and not same_rows(entry.rows(), entry.snapshot)
        ]

    def uncommitted(self) -> Counter[str]:
        """What a rollback would discard: how many «new Product», «changed Order», ..."""
        found: dict[int, tuple[Entry, Status]] = {}
        for level in self._levels:
            for entry, _, status in level.before.values():
                found.setdefault(id(entry), (entry, status))
        for entry in self._entries.values():
            if entry.status is not Status.LOADED or entry.differs():
                found.setdefault(id(entry), (entry, entry.status))
        counts: Counter[str] = Counter()
        for entry, status in found.values():
            word = _WORDS[Status.REMOVED if entry.status is Status.REMOVED else status]
            counts[f"{word} {entry.mapper.entity_type.__name__}"] += 1
        return counts

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
            entry = Entry(mapper, entity, mapper.key(entity), {}, Status.NEW)
            self._refuse_twin(entry)
            if mapper.is_stored(entity):
                raise ForeignEntity(
                    f"{entity!r} is stored already: it was loaded elsewhere, maybe by another unit "
                    f"of work. Get it from the repository, or use register_dirty()."
                )
            self._register(entry)
        elif entry.status is Status.REMOVED:
            entry.status = Status.LOADED

    def add_dirty(self, mapper: Mapper[E], entity: E) -> None:
        """Register an entity that came from elsewhere: the next flush updates all its columns."""
        self._check_type(mapper, entity)
        if id(entity) in self._entries:
            return
        entry = Entry(mapper, entity, mapper.key(entity), {}, Status.LOADED)
        if None in entry.key:
            raise NotTracked(
                f"{entity!r} has no key, so it is not stored: it cannot be changed or deleted "
                f"there. Use register_new()."
            )
        entry.by_hand = True
        for (table, key), row in entry.rows().items():
            entry.snapshot[table, key] = tuple(
                value if column in table.key or position == table.version else UNKNOWN
                for position, (column, value) in enumerate(zip(table.columns, row, strict=True))
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
        for rowid in loaded:
            holder = self._holders.get(rowid)
            if holder is not None and holder is not entry:
                self._let_go(holder, rowid)
        if entry is None:
            return self._load_new(mapper, key, loaded, entity)
        if entry.status is Status.REMOVED:
            return None
        self._merge(entry, loaded)
        known: E = entry.entity
        return known

    def _load_new(self, mapper: Mapper[E], key: Key, loaded: Rows, entity: E | None) -> E:
        if entity is not None:
            self._register(Entry(mapper, entity, key, loaded, Status.LOADED))
            return entity
        entity = mapper.entity(_by_table(mapper, loaded))
        entry = Entry(mapper, entity, key, loaded, Status.LOADED)
        # At the next flush a row that the mapper forgets would be deleted.
        mapped = entry.rows()
        if mapped.keys() != loaded.keys():
            table, row_key = next(iter(mapped.keys() ^ loaded.keys()))
            raise UnfaithfulMapper(
                f"{type(mapper).__name__} built {entity!r} from the rows it stands in, but does "
                f"not turn it into the same rows again: {row_key!r} of {table.name} is lost, or "
                f"new. Its rows() must give exactly the rows that its entity() was given."
            )
        mapper.mark_stored(entity, stored=True)
        self._register(entry)
        return entity

    def _merge(self, entry: Entry, loaded: Rows) -> None:
        """Take over what was read of an entity that is there already."""
        entry.generation = self._generation
        seen = entry.snapshot
        whole = entry.mapper.loaded_whole
        gone = {rowid for rowid in seen.keys() - loaded.keys() if rowid[0] in whole}
        fresh: Rows = {}
        for rowid, row in loaded.items():
            complete = _fill(row, seen[rowid]) if rowid in seen and UNKNOWN in row else row
            if seen.get(rowid) != complete:
                fresh[rowid] = complete
        if not fresh and not gone:
            return
        now = entry.rows()
        ours = {
            rowid
            for rowid in now.keys() | seen.keys()
            if rowid not in now or rowid not in seen or not rowid[0].same(now[rowid], seen[rowid])
        }
        lost = [
            rowid
            for rowid, row in fresh.items()
            if rowid in seen and not rowid[0].may_become(seen[rowid], row)
        ]
        lost = [rowid for rowid in (*lost, *gone) if rowid in ours]
        # A row that this transaction has written is locked: nobody else can have changed it.
        if lost and not entry.written:
            table = lost[0][0]
            raise StaleEntity(table, [key for other, key in lost if other is table])
        merged = now | {rowid: row for rowid, row in fresh.items() if rowid not in ours}
        self._restore(entry, _without(merged, gone))
        self._stand(entry, _without(seen | fresh, gone))

    def _let_go(self, entry: Entry, rowid: RowId) -> None:
        """A row of `entry` was read as one of another entity: somebody else has moved it there."""
        now = entry.rows()
        if entry.status is Status.LOADED:
            if now.get(rowid) != entry.snapshot[rowid]:
                raise StaleEntity(rowid[0], [rowid[1]])
            self._restore(entry, _without(now, {rowid}))
        self._stand(entry, _without(entry.snapshot, {rowid}))

    def _stand(self, entry: Entry, snapshot: Rows) -> None:
        """From now on `entry` is known to stand in these rows."""
        for rowid in entry.snapshot:
            if rowid not in snapshot:
                _drop(self._holders, rowid, entry)
        for rowid in snapshot:
            self._holders[rowid] = entry
        entry.snapshot = snapshot

    def _restore(self, entry: Entry, rows: Rows) -> None:
        entry.mapper.restore(entry.entity, _by_table(entry.mapper, rows))

    def _check_type(self, mapper: Mapper[Any], entity: object) -> None:
        if not mapper.keeps(entity):
            raise WrongEntityType(
                f"This repository keeps {mapper.entity_type.__name__}, not "
                f"{type(entity).__name__}: {entity!r}."
            )

    def _refuse_twin(self, entry: Entry) -> None:
        identity = (entry.mapper.tables[0], entry.key)
        other = self._identity.get(identity)
        if other is not None and other.status is not Status.REMOVED:
            raise DuplicateKey(*identity)

    def _register(self, entry: Entry) -> None:
        self._refuse_twin(entry)
        if None not in entry.key:
            self._identity[entry.mapper.tables[0], entry.key] = entry
        entry.generation = self._generation
        self._entries[id(entry.entity)] = entry
        self._stand(entry, entry.snapshot)

    def _forget(self, entry: Entry) -> None:
        for rowid in entry.snapshot:
            _drop(self._holders, rowid, entry)
        del self._entries[id(entry.entity)]
        _drop(self._identity, (entry.mapper.tables[0], entry.key), entry)

    # -- flushing --------------------------------------------------------

    def changes(self, *, writing: bool = False) -> Changes:
        """What a flush has to write now; `writing` says that it is about to.

        Raises DuplicateKey, KeyChanged, Bypassed, ExchangedValues and
        VersionNotLoaded, before anything is written.
        """
        return find_changes(self._entries.values(), writing=writing)

    def inserted(self, changes: Changes, table: Table, stored: Sequence[Row]) -> Changes:
        """Rows were inserted: take over what the store made of them; returns what is left to write.

        Keys that were granted stand in the rows of others, too. Raises UnfaithfulMapper.
        """
        sent = changes.inserted[table]
        if all(row == placed[2] for placed, row in zip(sent, stored, strict=True)):
            changes.as_sent += sent
            if table.version is not None:  # which later flushes count up
                self._levels[-1].sent += [(entry, table, row) for entry, _, row in sent]
            return changes
        for entry, rowid, row in changes.as_sent:
            self._add_row(entry, rowid, row)
        filled: list[tuple[Entry, RowId]] = []
        for (entry, _, before), row in zip(sent, stored, strict=True):
            rowid = (table, table.key_of(row))
            self._add_row(entry, rowid, row)
            self._levels[-1].sent.append((entry, table, before))
            entry.mapper.stored(entry.entity, table, row)
            filled.append((entry, rowid))
        left = find_changes(self._entries.values(), writing=False, changed=changes.entries)
        for entry, rowid in filled:
            if rowid not in left.entries.get(entry, entry.snapshot):
                raise UnfaithfulMapper(
                    f"{type(entry.mapper).__name__} does not take over the key that was "
                    f"granted to a row of {table.name}. Its stored() must set it on the "
                    f"entity, or on its part."
                )
        return left

    def _add_row(self, entry: Entry, rowid: RowId, row: Row) -> None:
        """`entry` is known to stand in this row, too."""
        self._remember(entry)
        if entry.snapshot is self._levels[-1].before[id(entry)][1]:
            entry.snapshot = {**entry.snapshot}  # that one is to be kept
        entry.snapshot[rowid] = row
        self._holders[rowid] = entry

    def _identify(self, entry: Entry) -> None:
        """It is new, and its key may have been granted, or given after it was added."""
        key = entry.mapper.key(entry.entity)
        if key == entry.key:
            return
        root = entry.mapper.tables[0]
        if self._identity.get((root, entry.key)) is entry:
            del self._identity[root, entry.key]
        entry.key = key
        self._identity[root, key] = entry

    def flushed(self, changes: Changes) -> None:
        """Everything in `changes` was written: it is the new ground to compare with."""
        remembered = self._levels[-1].before
        for entry, rows in changes.entries.items():
            remembered.setdefault(id(entry), (entry, entry.snapshot, entry.status))
            entry.written = True
            mapper = entry.mapper
            if entry.status is Status.REMOVED:
                mapper.mark_stored(entry.entity, stored=False)
                self._forget(entry)
                continue
            if entry.status is Status.NEW:
                self._identify(entry)
            root = mapper.tables[0]
            if root.version is not None and (root, entry.key) in rows:
                mapper.stored(entry.entity, root, rows[root, entry.key])
            mapper.mark_stored(entry.entity, stored=True)
            self._stand(entry, rows)
            entry.status = Status.LOADED

    def _remember(self, entry: Entry) -> None:
        before = self._levels[-1].before
        before.setdefault(id(entry), (entry, entry.snapshot, entry.status))

    # -- transactions ----------------------------------------------------

    def savepoint(self) -> None:
        """Begin a part that can be taken back alone. Everything must be flushed."""
        self._levels.append(_Level())

    def release(self) -> None:
        """The part since the last savepoint is kept: it belongs to what is around it."""
        inner = self._levels.pop()
        for key, before in inner.before.items():
            self._levels[-1].before.setdefault(key, before)
        self._levels[-1].sent += inner.sent

    def committed(self) -> None:
        """What was flushed is safe. The next transaction reads again what it needs."""
        for entry, _, _ in self._levels[0].before.values():
            entry.written = False
        self._levels = [_Level()]
        self._generation += 1

    def rolled_back(self, *, to_savepoint: bool = False) -> None:
        """Take every entity back, in memory too. Those that are new since are let go."""
        while True:
            self._take_back(self._levels.pop())
            if to_savepoint or not self._levels:
                break
        if not to_savepoint:
            self._levels = [_Level()]
            self._generation += 1
        for entry in list(self._entries.values()):
            if entry.status is Status.NEW or entry.unknown():
                entry.differs()  # mapped once more, it gives up the keys that others gave up
                self._forget(entry)
                continue
            entry.status = Status.LOADED
            self._identity[entry.mapper.tables[0], entry.key] = entry
            if entry.differs():
                self._restore(entry, entry.snapshot)

    def _take_back(self, level: _Level) -> None:
        for entry, table, sent in reversed(level.sent):
            entry.mapper.discarded(entry.entity, table, sent)
        # The last one first: of two registrations of one object the older one counts.
        for entry, snapshot, status in reversed(level.before.values()):
            self._stand(entry, snapshot)
            entry.status = status
            entry.mapper.mark_stored(entry.entity, stored=status is not Status.NEW)
            entry.written = any(id(entry) in below.before for below in self._levels)
            self._entries[id(entry.entity)] = entry


def _drop(held: dict[RowId, Entry], rowid: RowId, entry: Entry) -> None:
    """Take `entry` away from there, if it is what stands there."""
    other = held.pop(rowid, entry)
    if other is not entry:
        held[rowid] = other


def _by_table(mapper: Mapper[Any], rows: Rows) -> dict[Table, list[Row]]:
    found: dict[Table, list[Row]] = {table: [] for table in mapper.tables}
    for (table, _), row in rows.items():
        found[table].append(row)
    return found


def _without(rows: Rows, rowids: AbstractSet[RowId]) -> Rows:
    return {rowid: row for rowid, row in rows.items() if rowid not in rowids}


def _fill(row: Row, seen: Row) -> Row:
    return tuple(old if new is UNKNOWN else new for new, old in zip(row, seen, strict=True))
