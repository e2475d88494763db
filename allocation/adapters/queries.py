"""Reads that change nothing, and need no unit of work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Exists, F, Max, OuterRef, Q, Sum
from django.db.models.functions import Coalesce

from allocation.domain.model import LineKey
from allocation.models import Batch, HistoryEntry, OrderLine


def allocations(using: str) -> Iterator[tuple[str, str, int, str]]:
    """Every line as (order, SKU, quantity, batch reference or ""), by order and SKU.

    In constant memory, however many there are.
    """
    lines = OrderLine.objects.using(using).order_by("orderid", "sku")
    rows = lines.values_list("orderid", "sku", "qty", "batch_id")
    for orderid, sku, qty, reference in rows.iterator(chunk_size=5000):
        yield orderid, sku, qty, reference or ""


def backorders(
    using: str = DEFAULT_DB_ALIAS, sku: str | None = None, size: int = 5000
) -> Iterator[list[LineKey]]:
    """The backorders (of one SKU) in pages of at most `size`, the oldest first.

    Those that are there at the beginning: what is added meanwhile is left out,
    so that whoever works through them comes to an end.
    """
    waiting = OrderLine.objects.using(using).filter(batch__isnull=True)
    if sku is not None:
        waiting = waiting.filter(sku=sku)
    newest = waiting.aggregate(newest=Max("id"))["newest"]
    after = 0
    while newest is not None and (
        page := list(
            waiting.filter(id__gt=after, id__lte=newest)
            .order_by("id")
            .values_list("id", "orderid", "sku")[:size]
        )
    ):
        yield [(orderid, line_sku) for _, orderid, line_sku in page]
        after = page[-1][0]


def quantity_changed(reference: str, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether the history tells that somebody gave this batch another quantity."""
    history = HistoryEntry.objects.using(using).of_batch(reference)
    return history.filter(event=HistoryEntry.Event.QUANTITY_CHANGED).exists()


@dataclass(frozen=True)
class Discrepancy:
    """A stored number that its lines do not bear out."""

    reference: str
    what: str
    stored: int | str
    found: int | str


def audit(using: str) -> Iterator[Discrepancy]:
    """Every number that is stored twice, where the two disagree."""
    # The type of the base manager knows what an annotation adds.
    batches = Batch._base_manager.using(using).annotate(
        units=Coalesce(Sum("lines__qty"), 0),
        last=Coalesce(Max("lines__position"), 0),
        strangers=Count("lines", filter=~Q(lines__sku=F("sku"))),
    )
    wrong = batches.filter(
        ~Q(allocated_quantity=F("units"))
        | Q(allocated_quantity__gt=F("purchased_quantity"))
        | Q(lines_taken__lt=F("last"))
        | Q(strangers__gt=0)
    ).order_by("reference")
    for batch in wrong.iterator():
        if batch.allocated_quantity != batch.units:
            yield Discrepancy(
                batch.reference, "allocated quantity", batch.allocated_quantity, batch.units
            )
        if batch.allocated_quantity > batch.purchased_quantity:
            yield Discrepancy(
                batch.reference,
                "allocated of purchased",
                batch.allocated_quantity,
                batch.purchased_quantity,
            )
        if batch.lines_taken < batch.last:
            yield Discrepancy(batch.reference, "lines taken", batch.lines_taken, batch.last)
        if batch.strangers:
            yield Discrepancy(batch.reference, "lines of another SKU", 0, batch.strangers)
    # A foreign key forbids it, which SQLite heeds only where it was told to.
    lost = OrderLine.objects.using(using).filter(
        ~Exists(Batch.objects.using(using).filter(pk=OuterRef("batch_id"))), batch__isnull=False
    )
    for reference, lines in (
        lost.values_list("batch_id").annotate(Count("id")).order_by("batch_id").iterator()
    ):
        yield Discrepancy(reference, "lines of a batch that is not there", 0, lines)
