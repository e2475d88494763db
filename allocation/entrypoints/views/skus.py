"""A SKU: its batches in the order in which they are used, and who waits for more."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from django import forms
from django.http import Http404
from django.views.generic import TemplateView

from allocation import bootstrap
from allocation.domain.model import OrderLine
from allocation.entrypoints import charts
from allocation.entrypoints.pages import Page
from allocation.entrypoints.paging import paginate
from allocation.forms import QuantityField
from allocation.models import Batch
from allocation.models import OrderLine as StoredLine
from allocation.service_layer import services
from allocation.service_layer.objections import OBJECTIONS, objection


class WhatIf(forms.Form):
    qty = QuantityField(label="Units")


class SkuPage(Page, TemplateView):
    template_name = "allocation/sku.html"

    @property
    def sku(self) -> str:
        sku: str = self.kwargs["sku"]
        return sku

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        report = bootstrap.sku_report(self.sku)
        lines = StoredLine.objects.filter(sku=self.sku)
        if not report.arrivals and not lines.exists():
            raise Http404
        asked = self.request.GET.dict()
        batches = Batch.objects.filter(sku=self.sku)
        return super().get_context_data(
            report=report,
            columns=charts.columns(report.arrivals),
            page=paginate(batches, "eta", asked, nulls_first=True),
            waiting=paginate(lines.filter(batch__isnull=True), "id", asked, name="waiting_"),
            **self.rehearsed(),
            **kwargs,
        )

    def rehearsed(self) -> dict[str, Any]:
        """What would happen to an order of as many units as were asked for."""
        form = WhatIf(self.request.GET if "qty" in self.request.GET else None)
        answer: dict[str, Any] = {"what_if": form}
        if form.is_valid():
            line = OrderLine(f"nobody's {uuid.uuid4()}", self.sku, form.cleaned_data["qty"])
            try:
                [placement] = bootstrap.rehearse(partial(services.allocate_lines, [line]))
            except OBJECTIONS as error:
                form.add_error("qty", objection(error))
            else:
                chosen = Batch.objects.filter(reference=placement.reference).first()
                answer |= {"asked": line, "chosen": chosen}
        return answer
