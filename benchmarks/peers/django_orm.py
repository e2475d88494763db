"""What one writes by hand who knows Django's ORM well, and wants it fast."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models import F

from allocation.models import Batch, OrderLine


def connect(using: str) -> Callable[[str, str, int], str]:
    def allocate(orderid: str, sku: str, qty: int) -> str:
        with transaction.atomic(using=using):
            batches = Batch.objects.using(using).filter(sku=sku)
            locked = batches.order_by("sku", "reference").select_for_update()
            batch = next(b for b in locked if b.purchased_quantity - b.allocated_quantity >= qty)
            Batch.objects.using(using).filter(pk=batch.pk).update(
                allocated_quantity=F("allocated_quantity") + qty, lines_taken=F("lines_taken") + 1
            )
            OrderLine.objects.using(using).create(
                orderid=orderid, sku=sku, qty=qty, batch=batch, position=batch.lines_taken + 1
            )
        return batch.reference

    return allocate
