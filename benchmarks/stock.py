"""The stock that all of them allocate from: so many SKUs with three batches each."""

from __future__ import annotations

from typing import Final

from django.db import connections
from django.db.models import F, Sum

from allocation.models import Batch, OrderLine

BATCHES_PER_SKU: Final = 3
_PLENTY: Final = 1_000_000
_BACKORDERS: Final = 5_000


def sku(number: int) -> str:
    return f"sku-{number:05}"


def fill(using: str, skus: int) -> None:
    """Empty the tables, and put in the batches of `skus` SKUs, and some backorders.

    Over an empty table a database makes plans that it regrets later.
    """
    clear(using)
    Batch.objects.using(using).bulk_create(
        Batch(reference=f"batch-{number:05}-{place}", sku=sku(number), purchased_quantity=_PLENTY)
        for number in range(skus)
        for place in range(BATCHES_PER_SKU)
    )
    OrderLine.objects.using(using).bulk_create(
        OrderLine(orderid=f"before-{number}", sku=sku(number % skus), qty=1)
        for number in range(_BACKORDERS)
    )
    analyze(using)


def clear(using: str) -> None:
    with connections[using].cursor() as cursor:
        if connections[using].vendor == "postgresql":
            cursor.execute("TRUNCATE allocation_batch, allocation_orderline")
        else:
            cursor.execute("DELETE FROM allocation_orderline")
            cursor.execute("DELETE FROM allocation_batch")


def analyze(using: str) -> None:
    """Let the database know what it holds, as its own housekeeping would after a while."""
    with connections[using].cursor() as cursor:
        for table in ("allocation_batch", "allocation_orderline"):
            cursor.execute(f"ANALYZE {table}")


def require_sound(using: str) -> None:
    """Raise where a batch holds other units than its lines, or more than it has."""
    batches = Batch.objects.using(using)
    oversold = batches.filter(allocated_quantity__gt=F("purchased_quantity")).count()
    allocated = OrderLine.objects.using(using).filter(batch__isnull=False)
    lines = allocated.aggregate(units=Sum("qty"))["units"] or 0
    units = batches.aggregate(units=Sum("allocated_quantity"))["units"] or 0
    if oversold or lines != units:
        raise AssertionError(f"{oversold} batches oversold; {units} units taken, {lines} on lines")
