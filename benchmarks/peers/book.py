"""The approach of the book's Django appendix, repaired: here it stores what it allocates.

The repository makes objects of the domain out of a batch and all its lines, and on
commit writes every batch it gave out, and each of its lines, through the ORM. As in the
book nothing is locked, and it is filtered by SKU, which the book leaves out.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from allocation import models
from allocation.domain import model


def connect(using: str) -> Callable[[str, str, int], str]:
    def allocate(orderid: str, sku: str, qty: int) -> str:
        with transaction.atomic(using=using):
            rows = models.Batch.objects.using(using).filter(sku=sku)
            batches = [_to_domain(row) for row in rows]
            reference = model.allocate(model.OrderLine(orderid, sku, qty), batches)
            for batch in batches:
                _update_from_domain(batch, using)
        return reference

    return allocate


def _to_domain(row: models.Batch) -> model.Batch:
    return model.Batch.reconstitute(
        row.reference,
        row.sku,
        row.purchased_quantity,
        row.eta,
        allocated=row.allocated_quantity,
        lines_taken=row.lines_taken,
        lines=[
            (model.OrderLine(line.orderid, line.sku, line.qty), line.position or 0)
            for line in row.lines.all()
        ],
    )


def _update_from_domain(batch: model.Batch, using: str) -> None:
    row = models.Batch.objects.using(using).get(reference=batch.reference)
    row.purchased_quantity = batch.purchased_quantity
    row.allocated_quantity = batch.allocated_quantity
    row.lines_taken = batch.lines_taken
    row.eta = batch.eta
    row.save()
    for line, position in batch.lines():
        models.OrderLine.objects.using(using).get_or_create(
            orderid=line.orderid,
            sku=line.sku,
            defaults={"qty": line.qty, "batch": row, "position": position},
        )
