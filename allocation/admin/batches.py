"""Batches: the list, one of them, and what can be done to several at once."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from allocation.admin.base import StockAdmin
from allocation.admin.batch_forms import AddBatch, ChangeEta, ChangeQuantity
from allocation.admin.eta_calendar import EtaCalendar
from allocation.admin.filters import BatchState, OfSku
from allocation.models import Batch
from allocation.service_layer import services
from allocation.service_layer.objections import OBJECTIONS, objection

_AT_ONCE: Final = 100
"""How many batches are reallocated with one click: each takes a transaction of its own."""


@admin.register(Batch)
class BatchAdmin(StockAdmin):
    list_display = ("reference", "sku", "purchased", "allocated", "free", "eta", "state")
    sortable_by = ("reference", "sku", "free", "eta")
    list_filter = (BatchState, OfSku)
    search_fields = ("reference__startswith", "sku__startswith")
    search_help_text = "How a reference or a SKU begins, in upper and lower case as it is written."
    date_hierarchy = "eta"
    actions = ("reallocate_lines", "export_csv")
    fields = ("reference", "to_sku", *list_display[2:])
    readonly_fields = fields
    change_form_template = "allocation/admin/batch.html"
    exported = (
        ("reference", "reference"),
        ("sku", "sku"),
        ("qty", "purchased_quantity"),
        ("allocated", "allocated_quantity"),
        ("free", "free_quantity"),
        ("eta", "eta"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_queryset(self, _request: HttpRequest) -> EtaCalendar:
        return EtaCalendar(self.model)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By reference, or as the index does that finds the rows."""
        state = request.GET.get("state")
        if "eta__year" in request.GET or state in ("warehouse", "way", "late"):
            return ("eta",)
        return ("free_quantity",) if state == "low" else ("reference",)

    @admin.display(description="SKU")
    def to_sku(self, batch: Batch) -> str:
        return self.link(batch.sku, "changelist", sku=batch.sku)

    @admin.display
    def purchased(self, batch: Batch) -> int:
        return batch.purchased_quantity

    @admin.display
    def allocated(self, batch: Batch) -> str:
        units = batch.allocated_quantity
        if not units:
            return "0"
        return self.link(units, "changelist", model="orderline", batch=batch.reference)

    @admin.display(ordering="free_quantity")
    def free(self, batch: Batch) -> int:
        units: int = batch.free_quantity
        return units

    @admin.display
    def state(self, batch: Batch) -> str:
        if batch.eta is None:
            place = "in the warehouse"
        else:
            place = "late" if batch.eta < timezone.localdate() else "on its way"
        return f"{place}, full" if batch.free_quantity == 0 else place

    def history_of(self, batch: Batch) -> dict[str, str]:
        return {"batch": batch.reference}

    # Pages of its own

    def own_urls(self) -> list[URLPattern]:
        return [
            self.own_url(
                "<path:object_id>/quantity/", ChangeQuantity.as_view(admin=self), "quantity"
            ),
            self.own_url("<path:object_id>/eta/", ChangeEta.as_view(admin=self), "eta"),
            self.own_url("<path:object_id>/reallocate/", self.reallocate_view, "reallocate"),
        ]

    def add_view(self, request: HttpRequest, *_: Any, **__: Any) -> Any:
        """Instead of Django's, which would insert a row by itself, within a transaction."""
        return AddBatch.as_view(admin=self)(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        may = {"may_use_services": self.has_services_permission(request)}
        return super().change_view(request, object_id, form_url, may | (extra_context or {}))

    # Reallocation

    def reallocate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask whether to reallocate the lines of one batch: the answer goes to the action."""
        if not self.has_services_permission(request):
            raise PermissionDenied
        batch = self.get_object(request, unquote(object_id))
        if batch is None:
            raise Http404(f"There is no batch {unquote(object_id)}.")
        return self._ask(request, [batch])

    @admin.action(
        description="Reallocate the lines of the selected batches…", permissions=["services"]
    )
    def reallocate_lines(
        self, request: HttpRequest, queryset: QuerySet[Batch]
    ) -> HttpResponse | None:
        batches = list(queryset[: _AT_ONCE + 1])
        if len(batches) > _AT_ONCE:
            self.message_user(
                request, f"Select at most {_AT_ONCE} batches at a time.", messages.ERROR
            )
        elif "confirmed" in request.POST:
            self._reallocate(request, batches)
        else:
            return self._ask(request, batches)
        return None

    def _ask(self, request: HttpRequest, batches: list[Batch]) -> TemplateResponse:
        context = self.context(
            request,
            "Reallocate lines",
            batches=batches,
            action="reallocate_lines",
            checkbox=ACTION_CHECKBOX_NAME,
            changelist=self.url("changelist"),
        )
        return TemplateResponse(request, "allocation/admin/reallocate.html", context)

    def _reallocate(self, request: HttpRequest, batches: list[Batch]) -> None:
        """Each batch is one unit of work: what stands against one is told, and stops no other."""
        run = self.runner(request)
        told: defaultdict[int, list[str]] = defaultdict(list)
        for batch in batches:
            try:
                moves = run(partial(services.reallocate_batch, batch.reference))
            except OBJECTIONS as error:
                told[messages.ERROR].append(f"{batch}: {objection(error)}")
            else:
                left = sum(reference is None for _, reference in moves)
                told[messages.WARNING if left else messages.SUCCESS].append(
                    f"{batch}: lines that moved: {len(moves) - left}; that stay, for want of room "
                    f"elsewhere: {left}."
                )
        for level, sentences in told.items():
            lines = format_html_join(mark_safe("<br>"), "{}", ((text,) for text in sentences))
            self.message_user(request, lines, level)
