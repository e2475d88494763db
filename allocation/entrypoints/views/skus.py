"""A SKU: its batches, and who waits for it."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.http import Http404
from django.views.generic import TemplateView

from allocation.entrypoints.pages import RECENT, Page
from allocation.models import Batch, OrderLine


class SkuPage(Page, TemplateView):
    template_name = "allocation/sku.html"

    kwargs: dict[str, Any]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sku = self.kwargs["sku"]
        batches = Batch.objects.filter(sku=sku).order_by(F("eta").asc(nulls_first=True), "pk")[:50]
        waiting = OrderLine.objects.filter(sku=sku, batch=None).order_by("id")[:RECENT]
        if not batches and not OrderLine.objects.filter(sku=sku).exists():
            raise Http404
        return super().get_context_data(batches=batches, waiting=waiting, **kwargs)
