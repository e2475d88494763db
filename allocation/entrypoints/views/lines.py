"""Order lines: the list, allocating one, and what can be done to one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.views.generic import TemplateView

from allocation.entrypoints.forms import SearchForm
from allocation.entrypoints.pages import Page
from allocation.entrypoints.paging import paginate
from allocation.models import OrderLine


class LineSearch(SearchForm):
    q = forms.CharField(label="Order or SKU begins with", required=False)
    state = forms.ChoiceField(required=False, choices=[("", "all"), ("backorders", "backorders")])
    sort = forms.ChoiceField(
        label="Sort by", required=False, choices=[("", "newest first"), ("id", "oldest first")]
    )

    def found(self) -> QuerySet[OrderLine]:
        lines = OrderLine.objects.all()
        if self.value("state") == "backorders":
            lines = lines.filter(batch__isnull=True)
        if q := self.value("q"):
            lines = lines.filter(Q(orderid__startswith=q) | Q(sku__startswith=q))
        return lines


class LineList(Page, TemplateView):
    template_name = "allocation/lines.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = LineSearch(self.request.GET)
        page = paginate(form.found(), form.value("sort") or "-id", self.request.GET.dict())
        return super().get_context_data(form=form, page=page, **kwargs)
