"""How things stand."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.views.generic import TemplateView

from allocation import bootstrap
from allocation.entrypoints import charts
from allocation.entrypoints.pages import Page
from allocation.models import Batch, HistoryEntry

FEW = 10
"""How many of the batches that run out are shown, and of the allocations."""


class Overview(Page, TemplateView):
    template_name = "allocation/overview.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        report = bootstrap.stock_report(timezone.localdate(), charts.DAYS)
        running_out = Batch.objects.running_out().order_by("free_quantity", "reference")
        return super().get_context_data(
            report=report,
            columns=charts.columns(report.arrivals),
            running_out=running_out[:FEW],
            history=HistoryEntry.objects.allocations().order_by("-id")[:FEW],
            **kwargs,
        )
