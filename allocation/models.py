"""The tables. The rules live in `allocation.domain`; here stands what must never be false."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from allocation.domain.values import MAX_LENGTH


class Batch(models.Model):
    """A batch of stock. `allocated_quantity` is the sum over its lines: see `audit_stock`."""

    reference = models.CharField(max_length=MAX_LENGTH, primary_key=True)
    sku = models.CharField("SKU", max_length=MAX_LENGTH)
    purchased_quantity = models.PositiveIntegerField()
    allocated_quantity = models.PositiveIntegerField(default=0)
    lines_taken = models.PositiveBigIntegerField(
        default=0, help_text="How many lines it ever took; the position of the last one."
    )
    eta = models.DateField(
        "ETA", null=True, blank=True, help_text="Empty for stock in the warehouse."
    )

    class Meta:
        verbose_name_plural = "batches"
        indexes = [models.Index(fields=["sku", "reference"], name="batch_by_sku")]
        constraints = [
            models.CheckConstraint(
                condition=Q(purchased_quantity__gte=1), name="batch_purchased_at_least_1"
            ),
            models.CheckConstraint(
                condition=Q(allocated_quantity__gte=0)
                & Q(allocated_quantity__lte=F("purchased_quantity")),
                name="batch_allocated_within_purchased",
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class OrderLine(models.Model):
    """A customer's order line: on one batch, or waiting for one (a backorder)."""

    orderid = models.CharField("order", max_length=MAX_LENGTH)
    sku = models.CharField("SKU", max_length=MAX_LENGTH)
    qty = models.PositiveIntegerField("quantity")
    batch = models.ForeignKey(
        Batch,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="lines",
        db_index=False,  # the unique constraint below begins with it
        help_text="Empty for a backorder.",
    )
    position = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Its place among the lines its batch ever took, from 1."
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["sku", "id"], name="backorder_by_sku", condition=Q(batch__isnull=True)
            ),
            models.Index(fields=["id"], name="backorder_by_age", condition=Q(batch__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["orderid", "sku"], name="line_by_order_and_sku"),
            models.UniqueConstraint(fields=["batch", "position"], name="line_by_batch"),
            models.CheckConstraint(condition=Q(qty__gte=1), name="line_qty_at_least_1"),
            models.CheckConstraint(
                condition=Q(batch__isnull=True, position__isnull=True)
                | Q(batch__isnull=False, position__isnull=False),
                name="line_position_on_batch",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.orderid}/{self.sku}"
