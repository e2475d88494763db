"""Figures over all of the stock, from indexes alone."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce

from allocation.models import Batch, OrderLine


@dataclass(frozen=True)
class Units:
    """Units of some batches."""

    purchased: int
    allocated: int

    @property
    def free(self) -> int:
        return self.purchased - self.allocated


@dataclass(frozen=True)
class Totals:
    """All the stock, and what waits for more of it."""

    warehouse: Units
    ships: Units
    backorders: int
    waiting: int
    """Units of the backorders."""


def totals(using: str = DEFAULT_DB_ALIAS) -> Totals:
    batches = Batch.objects.using(using)
    waiting = OrderLine.objects.using(using).filter(batch__isnull=True)
    return Totals(
        _units(batches.in_warehouse()),
        _units(batches.on_its_way()),
        **waiting.aggregate(backorders=Count("id"), waiting=Coalesce(Sum("qty"), 0)),
    )


def _units(batches: QuerySet[Batch]) -> Units:
    return Units(
        **batches.aggregate(
            purchased=Coalesce(Sum("purchased_quantity"), 0),
            allocated=Coalesce(Sum("allocated_quantity"), 0),
        )
    )
