"""An order: all of its lines, and what happened to them."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.views.generic import TemplateView

from allocation.entrypoints.pages import RECENT, Page
from allocation.entrypoints.paging import paginate
from allocation.models import HistoryEntry, OrderLine


class OrderPage(Page, TemplateView):
    template_name = "allocation/order.html"

    kwargs: dict[str, Any]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        orderid = self.kwargs["orderid"]
        lines = OrderLine.objects.filter(orderid=orderid).select_related("batch")
        page = paginate(lines, "id", self.request.GET.dict())
        history = HistoryEntry.objects.filter(orderid=orderid).order_by("-id")[:RECENT]
        if not page.rows and not history:
            raise Http404
        return super().get_context_data(page=page, history=history, **kwargs)
