"""An order: all of its lines, and what happened to them."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.views.generic import TemplateView

from allocation import bootstrap
from allocation.entrypoints.pages import RECENT, Page
from allocation.entrypoints.paging import paginate
from allocation.models import HistoryEntry, OrderLine


class OrderPage(Page, TemplateView):
    template_name = "allocation/order.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        orderid = self.kwargs["orderid"]
        asked, waiting = bootstrap.order_report(orderid)
        if not asked.lines:
            raise Http404
        lines = OrderLine.objects.filter(orderid=orderid).prefetch_related("batch")
        return super().get_context_data(
            asked=asked,
            waiting=waiting,
            page=paginate(lines, "sku", self.request.GET.dict()),
            history=HistoryEntry.objects.filter(orderid=orderid).order_by("-id")[:RECENT],
            **kwargs,
        )
