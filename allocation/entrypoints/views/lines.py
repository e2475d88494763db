"""Order lines: the list, allocating one, and what can be done to one."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.generic import TemplateView

from allocation import bootstrap, models
from allocation.domain.model import LineConflict, OrderLine, OutOfStock
from allocation.domain.stock import Outcome, Placement
from allocation.entrypoints.forms import SearchForm
from allocation.entrypoints.pages import RECENT, Page, ServiceForm
from allocation.entrypoints.paging import paginate
from allocation.forms import NameField, QuantityField
from allocation.service_layer import bulk, services
from allocation.service_layer.services import InvalidSku


class LineSearch(SearchForm):
    q = forms.CharField(label="Order or SKU begins with", required=False)
    state = forms.ChoiceField(required=False, choices=[("", "all"), ("backorders", "backorders")])
    sort = forms.ChoiceField(
        label="Sort by", required=False, choices=[("", "newest first"), ("id", "oldest first")]
    )

    def found(self) -> QuerySet[models.OrderLine]:
        lines = models.OrderLine.objects.prefetch_related("batch")
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
        backorders = form.value("state") == "backorders"
        return super().get_context_data(form=form, page=page, backorders=backorders, **kwargs)


class LineForm(forms.Form):
    orderid = NameField("order id", label="Order")
    sku = NameField("sku", label="SKU")
    qty = QuantityField(label="Units")
    backorder = forms.BooleanField(
        label="Keep it as a backorder when no batch has room", label_suffix="", required=False
    )


class AllocateLine(ServiceForm):
    template_name = "allocation/allocate_line.html"
    form_class = LineForm
    blames: ClassVar = {InvalidSku: "sku", OutOfStock: "qty", LineConflict: "qty"}

    def get_initial(self) -> dict[str, Any]:
        return self.request.GET.dict()

    def act(self, form: LineForm) -> str:
        line = OrderLine(*(form.cleaned_data[name] for name in ("orderid", "sku", "qty")))
        self.orderid = line.orderid
        if form.cleaned_data["backorder"]:
            [placement] = self.run(services.allocate_lines, [line])
            return self._told(placement, form)
        reference = self.run(services.allocate, line.orderid, line.sku, line.qty)
        return f"{_named(line)} is on batch {reference}."

    def _told(self, placement: Placement, form: LineForm) -> str:
        if placement.outcome is Outcome.CONFLICT:
            form.add_error("qty", placement.reason)
        if placement.reference is not None:
            return f"{_named(placement.line)} is on batch {placement.reference}."
        self.level = messages.WARNING
        why = "There is no batch of this SKU" if placement.unknown_sku else "No batch has room"
        return f"{why}: {_named(placement.line, 'the')} waits as a backorder."

    def done_url(self) -> str:
        return reverse("allocation:order", args=[self.orderid])


class OfLine(Page):
    """About the order line that the URL names."""

    @cached_property
    def line(self) -> models.OrderLine:
        lines = models.OrderLine.objects.prefetch_related("batch")
        return get_object_or_404(lines, orderid=self.kwargs["orderid"], sku=self.kwargs["sku"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(line=self.line, batch=self.line.batch, **kwargs)


class LineAction(OfLine, ServiceForm):
    """A button, on a page of its own or beside a line in a table."""

    form_class = forms.Form

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        """Nothing was typed that could get lost: tell it on the page that the person came from."""
        for error in form.non_field_errors():
            messages.warning(self.request, str(error))
        return HttpResponseRedirect(self.get_success_url())

    def done_url(self) -> str:
        return reverse("allocation:order", args=[self.line.orderid])


class DeallocateLine(LineAction):
    template_name = "allocation/deallocate_line.html"

    def act(self, _form: forms.Form) -> str:
        reference = self.run(services.deallocate, self.line.orderid, self.line.sku)
        return f"{_named(self.line)} is off batch {reference} and waits as a backorder."


class ReallocateLine(LineAction):
    template_name = "allocation/reallocate_line.html"

    def act(self, _form: forms.Form) -> str:
        before = self.line.batch_id
        reference = self.run(services.reallocate, self.line.orderid, self.line.sku)
        if reference == before:
            return f"{_named(self.line)} stays on batch {reference}: none comes before it."
        return f"{_named(self.line)} is on batch {reference} now."


class RetryBackorders(ServiceForm):
    """Tries all backorders again, or those of the SKU that the URL names."""

    template_name = "allocation/retry_backorders.html"
    form_class = forms.Form

    @property
    def sku(self) -> str | None:
        return self.kwargs.get("sku")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        lines = models.OrderLine.objects.filter(batch__isnull=True)
        if self.sku is not None:
            lines = lines.filter(sku=self.sku)
        waiting, oldest = bootstrap.waiting(self.sku), lines.order_by("id")[:RECENT]
        context = {"sku": self.sku, "waiting": waiting, "oldest": oldest}
        return super().get_context_data(**context, **kwargs)

    def act(self, _form: forms.Form) -> str:
        report = bulk.retry_backorders(bootstrap.backorders(sku=self.sku), self.runner)
        if not report.allocated:
            self.level = messages.WARNING
        return (
            f"Backorders tried again: {report.tried:,}. Allocated: {len(report.allocated):,}. "
            f"Still waiting: {report.still_waiting:,}."
        )

    def done_url(self) -> str:
        if self.sku is not None:
            return reverse("allocation:sku", args=[self.sku])
        return f"{reverse('allocation:lines')}?state=backorders"


def _named(line: OrderLine | models.OrderLine, the: str = "The") -> str:
    return f"{the} line of order {line.orderid} for sku {line.sku}"
