"""How things stand."""

from __future__ import annotations

from typing import Any

from django.views.generic import TemplateView

from allocation import bootstrap
from allocation.entrypoints.pages import Page


class Overview(Page, TemplateView):
    template_name = "allocation/overview.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(totals=bootstrap.totals(), **kwargs)
