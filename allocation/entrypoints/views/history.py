"""What happened, the newest first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.views.generic import TemplateView

from allocation.entrypoints.forms import SearchForm
from allocation.entrypoints.pages import Page
from allocation.entrypoints.paging import paginate
from allocation.models import HistoryEntry


class HistorySearch(SearchForm):
    batch = forms.CharField(required=False)
    order = forms.CharField(required=False)


class HistoryList(Page, TemplateView):
    template_name = "allocation/history.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = HistorySearch(self.request.GET)
        entries = HistoryEntry.objects.all()
        if batch := form.value("batch"):
            entries = entries.of_batch(batch)
        if order := form.value("order"):
            entries = entries.filter(orderid=order)
        page = paginate(entries, "-id", self.request.GET.dict())
        return super().get_context_data(form=form, page=page, **kwargs)
