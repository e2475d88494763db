"""What is told of the rows that a unit of work writes.

The store sees every row that is inserted, changed or deleted, and so nothing
that a service does can be left out, and no service has to think of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from allocation import models
from allocation.adapters.mappers import BATCH, LINE
from allocation.models import HistoryEntry
from allocation.uow import Row, Table
from allocation.uow.django import ModelTable

HISTORY: Final = ModelTable(
    models.HistoryEntry,
    "id",
    "actor",
    "service",
    "event",
    "batch",
    "from_batch",
    "orderid",
    "sku",
    "detail",
)

Event: TypeAlias = HistoryEntry.Event

_What: TypeAlias = tuple[Event, str | None, str | None, str | None, str, str]
"""The columns from `event` on."""


@dataclass(frozen=True)
class Author:
    """Who acts, and by which service: what every entry begins with."""

    actor: str
    service: str

    def entries(self, table: Table, changes: Iterable[tuple[Row | None, Row | None]]) -> list[Row]:
        """The entries about rows, each as it was and as it is; None where there is none."""
        tell = _TELLERS.get(table)
        if tell is None:
            return []
        return [
            (None, self.actor, self.service, *what)
            for old, new in changes
            for what in tell(old, new)
        ]


def _of_batch(old: Row | None, new: Row | None) -> Iterator[_What]:
    reference, sku, qty, *_, eta = new or old or ()
    if old is None:
        event, detail = Event.BATCH_ADDED, f"{_units(qty)}, {_due(eta)}"
        yield event, reference, None, None, sku, detail
    elif new is None:
        yield Event.BATCH_REMOVED, reference, None, None, sku, _units(qty)
    else:
        if old[2] != qty:
            detail = f"{old[2]} → {_units(qty)}"
            yield Event.QUANTITY_CHANGED, reference, None, None, sku, detail
        if old[5] != eta:
            detail = f"{_due(old[5])} → {_due(eta)}"
            yield Event.ETA_CHANGED, reference, None, None, sku, detail


def _of_line(old: Row | None, new: Row | None) -> Iterator[_What]:
    orderid, sku, qty, *_ = new or old or ()
    left = old[3] if old else None
    reference = new[3] if new else None
    if new is None:
        event = Event.LINE_REMOVED
    elif reference is None:
        event = Event.BACKORDERED
    elif left is None:
        event = Event.ALLOCATED
    else:
        event = Event.MOVED
    if old is None or left != reference or new is None:
        yield event, reference, left, orderid, sku, _units(qty)


_TELLERS: Final[dict[Table, Callable[[Row | None, Row | None], Iterator[_What]]]] = {
    BATCH: _of_batch,
    LINE: _of_line,
}


def _units(qty: int) -> str:
    return "1 unit" if qty == 1 else f"{qty} units"


def _due(eta: date | None) -> str:
    return "in the warehouse" if eta is None else f"due {eta}"
