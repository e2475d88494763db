"""Figures over many batches or lines.

Note [Totals]: those over all of them are summed up from indexes that carry the
quantities, so that no table is read. PostgreSQL would rather read the table, as
it takes a page of an index to cost four times as much. So the rows are asked for
in the order of the index, which would have to be made if it read the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Max, Model, QuerySet, Sum
from django.db.models.functions import Coalesce

from allocation.models import Batch, OrderLine


@dataclass(frozen=True)
class Stock:
    """Some batches, and how many units they hold."""

    batches: int = 0
    units: int = 0
    allocated: int = 0

    @property
    def free(self) -> int:
        return self.units - self.allocated

    def __add__(self, other: Stock) -> Stock:
        return Stock(
            self.batches + other.batches,
            self.units + other.units,
            self.allocated + other.allocated,
        )


@dataclass(frozen=True)
class Arrival:
    """What arrives on one day, or is in the warehouse where that is None."""

    eta: date | None
    stock: Stock


@dataclass(frozen=True)
class Demand:
    """Some order lines, and how many units they ask for."""

    lines: int
    units: int


@dataclass(frozen=True)
class StockReport:
    """All of the stock, and what waits for more."""

    warehouse: Stock
    ships: Stock
    late: Stock
    """Of that on ships, what was due before today."""
    arrivals: list[Arrival]
    """The next days, from today on, on which something arrives."""
    waiting: Demand

    @property
    def all(self) -> Stock:
        return self.warehouse + self.ships


@dataclass(frozen=True)
class SkuReport:
    """The stock of a SKU, and what waits for more."""

    arrivals: list[Arrival]
    """In the order in which they are used."""
    room: int
    """How many units a line may have to find room: it goes whole to one batch."""
    waiting: Demand

    @property
    def all(self) -> Stock:
        return sum((arrival.stock for arrival in self.arrivals), Stock())


def stock(today: date, days: int, using: str = DEFAULT_DB_ALIAS) -> StockReport:
    """How things stand, with the arrivals of so many days."""
    batches = Batch.objects.using(using)
    return StockReport(
        warehouse=_stock(batches.in_warehouse()),
        ships=_stock(batches.on_its_way()),
        late=_stock(batches.late(today)),
        arrivals=_arrivals(batches.filter(eta__gte=today), days),
        waiting=waiting(using=using),
    )


def sku(sku: str, using: str = DEFAULT_DB_ALIAS) -> SkuReport:
    """How things stand with a SKU; nothing at all for one that nobody has heard of."""
    batches = Batch.objects.using(using).filter(sku=sku)
    warehouse = _stock(batches.in_warehouse())
    here = [Arrival(None, warehouse)] if warehouse.batches else []
    return SkuReport(
        arrivals=here + _arrivals(batches.on_its_way()),
        room=batches.aggregate(room=Coalesce(Max("free_quantity"), 0))["room"],
        waiting=waiting(sku, using),
    )


def order(orderid: str, using: str = DEFAULT_DB_ALIAS) -> tuple[Demand, Demand]:
    """What an order asks for, and what of that waits."""
    lines = OrderLine.objects.using(using).filter(orderid=orderid)
    return _demand(lines), _demand(lines.filter(batch__isnull=True))


def waiting(sku: str | None = None, using: str = DEFAULT_DB_ALIAS) -> Demand:
    """The backorders (of one SKU)."""
    lines = OrderLine.objects.using(using).filter(batch__isnull=True)
    return _demand(lines if sku is None else lines.filter(sku=sku))


T = TypeVar("T", bound=Model)

_ANY_NUMBER: Final = 2**62  # a LIMIT, without which nobody heeds the order of what is summed up

_STOCK: Final = {
    "batches": Count("reference"),
    "units": Coalesce(Sum("purchased_quantity"), 0),
    "allocated": Coalesce(Sum("allocated_quantity"), 0),
}


def _stock(batches: QuerySet[Batch]) -> Stock:
    return Stock(**_in_order(batches, "eta", "reference").aggregate(**_STOCK))


def _arrivals(batches: QuerySet[Batch], days: int | None = None) -> list[Arrival]:
    # Each is distinct; to find out, a database reads them in their order. See Note [Totals].
    figures = _STOCK | {"batches": Count("reference", distinct=True)}
    by_day = batches.values("eta").annotate(**figures).order_by("eta")
    rows = by_day.values_list("eta", *_STOCK)[:days]
    return [Arrival(eta, Stock(*figures)) for eta, *figures in rows]


def _demand(lines: QuerySet[OrderLine]) -> Demand:
    figures = {"lines": Count("id"), "units": Coalesce(Sum("qty"), 0)}
    return Demand(**_in_order(lines, "id").aggregate(**figures))


def _in_order(rows: QuerySet[T], *index: str) -> QuerySet[T]:
    """See Note [Totals]."""
    return rows.order_by(*index)[:_ANY_NUMBER]
