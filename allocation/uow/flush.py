"""The order in which changes are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from allocation.uow.changes import Changes, Entry, Status
from allocation.uow.store import Store
from allocation.uow.tracking import Tracker

_WRITTEN: Final = {
    Status.NEW: "inserted",
    Status.LOADED: "updated",
    Status.REMOVED: "deleted",
}


def write(changes: Changes, tracker: Tracker, store: Store) -> Counter[str]:
    """Write `changes`, and tell `tracker`; returns how many entities that were, by kind.

    Parents are inserted before children and deleted after them. Deletes free
    the unique values that inserts take, and inserts grant the keys that updates
    refer to. A table with `delete_last` is an exception to the former.
    """
    tables = store.parents_first(changes.tables())
    deletes = [
        (table, changes.deleted[table]) for table in reversed(tables) if table in changes.deleted
    ]
    for table, rows in deletes:
        if not table.delete_last:
            store.delete(table, rows)
    for table in tables:
        if inserted := changes.inserted.get(table):
            _require_complete((entry for entry, _, _ in inserted), inserted=False)
            stored = store.insert(table, [row for _, _, row in inserted])
            changes = tracker.inserted(changes, table, stored)
    _require_complete(changes.entries, inserted=True)
    for table, updated in changes.updated.items():
        store.update(table, updated)
    for table, rows in deletes:
        if table.delete_last:
            store.delete(table, rows)
    statuses = [entry.status for entry in changes.entries]
    tracker.flushed(changes)
    # Not by hash, which for a member of an enum is a function of Python's.
    return +Counter({word: statuses.count(status) for status, word in _WRITTEN.items()})


def _require_complete(entries: Iterable[Entry], *, inserted: bool) -> None:
    for entry in entries:
        if entry.status is not Status.REMOVED:
            entry.mapper.require_complete(entry.entity, inserted=inserted)
