"""The history: for reading, the newest first."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html_join

from allocation.admin.base import StockAdmin
from allocation.admin.filters import AboutBatch, OfOrder
from allocation.models import HistoryEntry


@admin.register(HistoryEntry)
class HistoryEntryAdmin(StockAdmin):
    list_display = ("at", "actor", "what", "to_order", "sku", "to_batches", "service")
    list_filter = (AboutBatch, OfOrder)
    search_fields = ("batch__exact", "from_batch__exact", "orderid__exact")
    search_help_text = "A batch or an order, in full."
    ordering = ("-id",)
    fields = list_display
    readonly_fields = list_display
    exported = tuple(
        (name, name)
        for name in (
            "at",
            "actor",
            "service",
            "event",
            "orderid",
            "sku",
            "from_batch",
            "batch",
            "detail",
        )
    )

    @admin.display
    def what(self, entry: HistoryEntry) -> str:
        return f"{entry.event}, {entry.detail}"

    @admin.display(description="order")
    def to_order(self, entry: HistoryEntry) -> str | None:
        return entry.orderid and self.link(
            entry.orderid, "changelist", model="orderline", order=entry.orderid
        )

    @admin.display(description="batch")
    def to_batches(self, entry: HistoryEntry) -> str:
        """The batch; of a line that moved, the one that it left and the one that it came to."""
        batches = [reference for reference in (entry.from_batch, entry.batch) if reference]
        links = (self.link(batch, "change", batch, model="batch") for batch in batches)
        return format_html_join(" → ", "{}", ((link,) for link in links))

    def history_of(self, entry: HistoryEntry) -> dict[str, str]:
        return {"order": entry.orderid} if entry.orderid else {"batch": entry.batch or ""}
