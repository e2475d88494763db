"""The tables. The rules live in `allocation.domain`; here stands what must never be false."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Never, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from allocation.domain.values import MAX_LENGTH

# Divided, because five times what is free may be more than a column holds.
RUNNING_OUT = Q(free_quantity__gte=1, free_quantity__lte=F("purchased_quantity") / 5)


class BatchQuerySet(models.QuerySet["Batch"]):
    """The batches as people ask for them. What is late depends on the day."""

    def in_warehouse(self) -> Self:
        return self.filter(eta__isnull=True)

    def on_its_way(self) -> Self:
        return self.filter(eta__isnull=False)

    def late(self, today: date) -> Self:
        return self.filter(eta__lt=today)

    def full(self) -> Self:
        return self.filter(free_quantity=0)

    def running_out(self) -> Self:
        """With something left, and that is at most a fifth."""
        return self.filter(RUNNING_OUT)


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
    free_quantity = models.GeneratedField(
        expression=F("purchased_quantity") - F("allocated_quantity"),
        output_field=models.IntegerField(),
        db_persist=True,
    )

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        indexes = [
            models.Index(fields=["sku", "reference"], name="batch_by_sku"),
            models.Index(
                fields=["sku"], name="batch_by_sku_prefix", opclasses=["varchar_pattern_ops"]
            ),
            # Carries the quantities, so that totals need not read the table.
            models.Index(
                fields=["eta", "reference"],
                name="batch_by_eta",
                include=["purchased_quantity", "allocated_quantity"],
            ),
            models.Index(fields=["free_quantity", "reference"], name="batch_by_free"),
            models.Index(
                fields=["free_quantity", "reference"],
                name="batch_running_out",
                condition=RUNNING_OUT,
            ),
        ]
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
                fields=["sku", "id"],
                name="backorder_by_sku",
                condition=Q(batch__isnull=True),
                include=["qty"],
            ),
            models.Index(
                fields=["id"],
                name="backorder_by_age",
                condition=Q(batch__isnull=True),
                include=["qty"],
            ),
            models.Index(
                fields=["sku", "id"], name="line_by_sku", opclasses=["varchar_pattern_ops", ""]
            ),
        ]
        constraints = [
            # Its operator classes let the index find orders by how they begin, too.
            models.UniqueConstraint(
                fields=["orderid", "sku"],
                name="line_by_order_and_sku",
                opclasses=["varchar_pattern_ops", "varchar_pattern_ops"],
            ),
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


# In the same words, the index and those who read with its help.
TO_A_BATCH = Q(event__in=["allocated", "moved"])


class HistoryQuerySet(models.QuerySet["HistoryEntry"]):
    """Entries are added and read."""

    def of_batch(self, reference: str) -> Self:
        """What happened to a batch, and to the lines that came to it or left it."""
        return self.filter(Q(batch=reference) | Q(from_batch=reference))

    def allocations(self) -> Self:
        """Lines that came to a batch, from nowhere or from another."""
        return self.filter(TO_A_BATCH)

    def update(self, **_: Any) -> Never:
        raise HistoryIsFinal

    def delete(self) -> Never:
        raise HistoryIsFinal


class HistoryIsFinal(TypeError):
    """Somebody tried to change what happened."""

    def __init__(self) -> None:
        super().__init__("The history is only ever added to: its entries stay as they are.")


class HistoryEntry(models.Model):
    """What happened to a batch or to a line: stored together with it, and final.

    Batches and lines are named, not referred to: what happened stays true when
    they are gone.
    """

    class Event(models.TextChoices):
        BATCH_ADDED = "batch added", "batch added"
        QUANTITY_CHANGED = "quantity changed", "quantity changed"
        ETA_CHANGED = "ETA changed", "ETA changed"
        BATCH_REMOVED = "batch removed", "batch removed"
        ALLOCATED = "allocated", "allocated"
        MOVED = "moved", "moved"
        BACKORDERED = "backordered", "backordered"
        LINE_REMOVED = "line removed", "line removed"

    at = models.DateTimeField("when", db_default=Now())
    actor = models.CharField("who", max_length=MAX_LENGTH)
    service = models.CharField(max_length=MAX_LENGTH, help_text="What was asked for.")
    event = models.CharField(max_length=20, choices=Event)
    # NULL where there is none: the conditions of the indexes follow from `batch = ...`.
    batch = models.CharField(
        max_length=MAX_LENGTH, null=True, help_text="The batch, or the one that the line came to."
    )
    from_batch = models.CharField(
        max_length=MAX_LENGTH, null=True, help_text="The batch that the line left."
    )
    orderid = models.CharField("order", max_length=MAX_LENGTH, null=True)
    sku = models.CharField("SKU", max_length=MAX_LENGTH)
    detail = models.CharField(max_length=MAX_LENGTH)

    objects = HistoryQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        verbose_name_plural = "history"
        indexes = [
            models.Index(
                fields=[column, "id"],
                name=f"history_by_{column}",
                condition=Q((f"{column}__isnull", False)),
            )
            for column in ("batch", "from_batch", "orderid")
        ] + [
            models.Index(
                fields=["id"],
                name="history_of_allocations",
                condition=TO_A_BATCH,
            ),
        ]

    def __str__(self) -> str:
        subject = self.batch if self.orderid is None else f"{self.orderid}/{self.sku}"
        return f"{subject} {self.event} by {self.actor}: {self.detail}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise HistoryIsFinal
        # Given the key of another one, Django would update that.
        super().save(*args, **kwargs | {"force_insert": True})

    def delete(self, *_: Any, **__: Any) -> Never:
        raise HistoryIsFinal


_CLAIM = timedelta(minutes=10)  # no application of an upload takes as long
_WAITS = timedelta(days=1)  # for somebody to apply it
_KEPT = timedelta(days=90)  # to be looked at when it is applied


class UploadQuerySet(models.QuerySet["Upload"]):
    """The uploads, as they are at some moment."""

    def waiting(self, now: datetime) -> Self:
        """Those that can be previewed and applied: see `Upload`."""
        unclaimed = Q(claimed_at__isnull=True) | Q(claimed_at__lt=now - _CLAIM)
        return self.filter(unclaimed, applied_at__isnull=True)

    def outdated(self, now: datetime) -> Self:
        """Those that have been there for long enough."""
        forgotten = self.waiting(now).filter(uploaded_at__lt=now - _WAITS)
        return forgotten | self.filter(applied_at__lt=now - _KEPT)


class Upload(models.Model):
    """A CSV file that somebody sent: previewed, and applied once they have seen the preview.

    Whoever applies it claims it first. A claim that did not come to its end
    after a while, because the server was stopped, holds no more.
    """

    class Kind(models.TextChoices):
        BATCHES = "batches", "batches"
        ORDERS = "orders", "orders"

    kind = models.CharField(max_length=10, choices=Kind)
    filename = models.CharField(max_length=MAX_LENGTH)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.CharField(max_length=MAX_LENGTH)
    content = models.BinaryField(help_text="The file; empty once it is applied.")
    header = models.JSONField(help_text="The names of its columns.")
    columns = models.JSONField(default=dict, help_text="Which of them make an order line.")
    previewed_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    applied_by = models.CharField(max_length=MAX_LENGTH)
    report = models.JSONField(null=True, help_text="Of the application, or of the last preview.")
    rejects = models.TextField(help_text="The rejected rows, as CSV. Empty where there is none.")

    objects = UploadQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.filename

    @property
    def being_applied(self) -> bool:
        claimed = self.claimed_at is not None and timezone.now() - self.claimed_at <= _CLAIM
        return claimed and self.applied_at is None
