"""Order lines: on a batch, or waiting for one."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern

from allocation import bootstrap
from allocation.admin.base import StockAdmin
from allocation.admin.filters import LineState, OfBatch, OfOrder, OfSku
from allocation.admin.lists import count
from allocation.admin.service_form import ServiceForm
from allocation.models import OrderLine
from allocation.service_layer import bulk
from allocation.service_layer.bulk_reports import RetryReport
from allocation.service_layer.objections import OBJECTIONS, objection

_AT_ONCE: Final = 10_000
"""How many backorders are tried again with one click, while a browser waits for the answer."""


class RetryForm(forms.Form):
    def clean(self) -> None:
        if OrderLine.objects.filter(batch__isnull=True).order_by("id")[_AT_ONCE:].exists():
            raise ValidationError(
                f"There are more than {_AT_ONCE} of them, which takes longer than a browser waits. "
                f"Select some in the list, or run `manage.py reallocate --backorders`."
            )


class RetryBackorders(ServiceForm):
    title = "Retry backorders"
    button = "Try them all again"
    form_class = RetryForm

    def intro(self) -> str:
        waiting = OrderLine.objects.filter(batch__isnull=True).order_by("id")
        return (
            f"Backorders: {count(waiting)}. Each is tried again, the oldest first, and goes to the "
            f"batch that it would get today. What fits nowhere goes on waiting."
        )

    def act(self, _form: forms.Form) -> str:
        pages = bootstrap.backorders(self.admin.using)
        return _told(bulk.retry_backorders(pages, self.admin.runner(self.request)))

    def get_success_url(self) -> str:
        url: str = self.admin.url("changelist", state="backorder")
        return url


@admin.register(OrderLine)
class OrderLineAdmin(StockAdmin):
    list_display = ("orderid", "sku", "qty", "on_batch")
    list_filter = (LineState, OfBatch, OfOrder, OfSku)
    search_fields = ("orderid__startswith", "sku__startswith")
    search_help_text = "How an order or a SKU begins, in upper and lower case as it is written."
    actions = ("retry_backorders", "export_csv")
    fields = ("to_order", "to_sku", "qty", "on_batch", "position")
    readonly_fields = fields
    change_list_template = "allocation/admin/lines.html"
    exported = (("orderid", "orderid"), ("sku", "sku"), ("qty", "qty"), ("batchref", "batch_id"))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The newest first; of a batch the last allocated: its index goes by position."""
        return ("-position",) if request.GET.get("batch") else ("-id",)

    @admin.display(description="batch", empty_value="waits as a backorder")
    def on_batch(self, line: OrderLine) -> str | None:
        return line.batch_id and self.link(line.batch_id, "change", line.batch_id, model="batch")

    @admin.display(description="order")
    def to_order(self, line: OrderLine) -> str:
        return self.link(line.orderid, "changelist", order=line.orderid)

    @admin.display(description="SKU")
    def to_sku(self, line: OrderLine) -> str:
        return self.link(line.sku, "changelist", model="batch", sku=line.sku)

    def history_of(self, line: OrderLine) -> dict[str, str]:
        return {"order": line.orderid}

    def own_urls(self) -> list[URLPattern]:
        return [self.own_url("retry/", RetryBackorders.as_view(admin=self), "retry")]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        may = {"may_use_services": self.has_services_permission(request)}
        return super().changelist_view(request, may | (extra_context or {}))

    @admin.action(description="Retry the selected backorders", permissions=["services"])
    def retry_backorders(self, request: HttpRequest, queryset: QuerySet[OrderLine]) -> None:
        """The oldest first. Lines that are on a batch are passed over."""
        waiting = queryset.filter(batch__isnull=True).order_by("id")
        keys = list(waiting.values_list("orderid", "sku")[: _AT_ONCE + 1])
        if len(keys) > _AT_ONCE:
            self.message_user(
                request, f"Select at most {_AT_ONCE} backorders at a time.", messages.ERROR
            )
            return
        try:
            report = bulk.retry_backorders([keys], self.runner(request))
        except OBJECTIONS as error:
            self.message_user(request, objection(error), messages.ERROR)
        else:
            self.message_user(request, _told(report), messages.SUCCESS)


def _told(report: RetryReport) -> str:
    return (
        f"Backorders tried: {report.tried}. Allocated: {len(report.allocated)}. Still waiting: "
        f"{report.still_waiting}."
    )
