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
from allocation.domain.values import text
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

Change: TypeAlias = tuple[Row, Row]
"""A row as it was and as it is; empty where there was none, or is none."""

_What: TypeAlias = tuple[Event, str | None, str | None, str | None, str, str]
"""The columns from `event` on."""


@dataclass(frozen=True)
class Author:
    """Who acts, and by which service: what every entry begins with. Raises InvalidValue."""

    actor: str
    service: str

    def __post_init__(self) -> None:
        text("actor", self.actor)

    def entries(self, table: Table, changes: Iterable[Change]) -> list[Row]:
        """The entries about changes of rows of `table`."""
        tell = _TELLERS[table]
        return [
            (None, self.actor, self.service, *what) for change in changes for what in tell(*change)
        ]


def _of_batch(old: Row, new: Row) -> Iterator[_What]:
    match old, new:
        case (), (reference, sku, qty, *_, eta):
            detail = f"{_units(qty)}, {_due(eta)}"
            yield Event.BATCH_ADDED, reference, None, None, sku, detail
        case (reference, sku, qty, *_), ():
            yield Event.BATCH_REMOVED, reference, None, None, sku, _units(qty)
        case _:
            _, _, old_qty, *_, old_eta = old
            reference, sku, qty, *_, eta = new
            if qty != old_qty:
                detail = f"{old_qty} → {_units(qty)}"
                yield Event.QUANTITY_CHANGED, reference, None, None, sku, detail
            if eta != old_eta:
                detail = f"{_due(old_eta)} → {_due(eta)}"
                yield Event.ETA_CHANGED, reference, None, None, sku, detail


def _of_line(old: Row, new: Row) -> Iterator[_What]:
    match old, new:
        case (), (orderid, sku, qty, reference, _):
            event = Event.BACKORDERED if reference is None else Event.ALLOCATED
            yield event, reference, None, orderid, sku, _units(qty)
        case (orderid, sku, qty, left, _), ():
            yield Event.LINE_REMOVED, None, left, orderid, sku, _units(qty)
        case (*_, left, _), (orderid, sku, qty, reference, _) if reference != left:
            event = Event.ALLOCATED if left is None else Event.MOVED
            if reference is None:
                event = Event.BACKORDERED
            yield event, reference, left, orderid, sku, _units(qty)


_TELLERS: Final[dict[Table, Callable[[Row, Row], Iterator[_What]]]] = {
    BATCH: _of_batch,
    LINE: _of_line,
}


def _units(qty: int) -> str:
    return "1 unit" if qty == 1 else f"{qty} units"


def _due(eta: date | None) -> str:
    return "in the warehouse" if eta is None else f"due {eta}"
