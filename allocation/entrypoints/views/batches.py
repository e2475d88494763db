"""Batches: the list, one of them, and what can be done to it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.generic import TemplateView

from allocation import bootstrap
from allocation.domain.stock import Placement
from allocation.entrypoints.forms import SearchForm
from allocation.entrypoints.pages import RECENT, Page, ServiceForm
from allocation.entrypoints.paging import paginate
from allocation.forms import BatchForm, EtaForm, QuantityForm, SeenForm
from allocation.models import Batch, HistoryEntry
from allocation.service_layer import services
from allocation.service_layer.objections import OBJECTIONS, objection
from allocation.service_layer.services import BatchConflict


class BatchSearch(SearchForm):
    q = forms.CharField(label="Reference or SKU begins with", required=False)
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("", "all"),
            ("warehouse", "in the warehouse"),
            ("way", "on its way"),
            ("late", "late"),
            ("low", "running out"),
            ("full", "full"),
        ],
    )
    sort = forms.ChoiceField(
        label="Sort by",
        required=False,
        choices=[
            ("", "reference"),
            ("-reference", "reference, last first"),
            ("sku", "SKU"),
            ("-sku", "SKU, last first"),
            ("eta", "ETA, earliest first"),
            ("-eta", "ETA, the warehouse first"),
            ("free_quantity", "free units, fewest first"),
            ("-free_quantity", "free units, most first"),
        ],
    )

    def found(self, today: date) -> QuerySet[Batch]:
        batches = Batch.objects.all()
        match self.value("state"):
            case "warehouse":
                chosen = batches.in_warehouse()
            case "way":
                chosen = batches.on_its_way()
            case "late":
                chosen = batches.late(today)
            case "low":
                chosen = batches.running_out()
            case "full":
                chosen = batches.full()
            case _:
                chosen = batches
        if q := self.value("q"):
            chosen = chosen.filter(Q(reference__startswith=q) | Q(sku__startswith=q))
        return chosen


class BatchList(Page, TemplateView):
    template_name = "allocation/batches.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = BatchSearch(self.request.GET)
        found = form.found(timezone.localdate())
        page = paginate(found, form.value("sort") or "reference", self.request.GET.dict())
        return super().get_context_data(form=form, page=page, **kwargs)


class OfBatch(Page):
    """About the batch that the URL names."""

    @cached_property
    def batch(self) -> Batch:
        return get_object_or_404(Batch, reference=self.kwargs["reference"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(batch=self.batch, **kwargs)


class BatchPage(OfBatch, TemplateView):
    template_name = "allocation/batch.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        page = paginate(self.batch.lines.all(), "-position", self.request.GET.dict())
        history = HistoryEntry.objects.of_batch(self.batch.reference).order_by("-id")[:RECENT]
        return super().get_context_data(page=page, history=history, **kwargs)


class AddBatch(ServiceForm):
    template_name = "allocation/add_batch.html"
    form_class = BatchForm
    permission_required = (*ServiceForm.permission_required, "allocation.add_batch")
    blames: ClassVar = {BatchConflict: "reference"}

    def get_initial(self) -> dict[str, Any]:
        return {"sku": self.request.GET.get("sku", "")}

    def act(self, form: BatchForm) -> str:
        self.added = form.cleaned_data
        new = self.run(services.add_batch, *(self.added[name] for name in form.fields))
        happened = "is in stock now" if new else "was there already: nothing changed"
        return f"Batch {self.added['reference']} {happened}."

    def done_url(self) -> str:
        return reverse("allocation:batch", args=[self.added["reference"]])


class ChangeForm(OfBatch, ServiceForm):
    """A form that shows what a batch is, and is sent back with what was seen."""

    def get_initial(self) -> dict[str, Any]:
        batch = self.batch
        return {"qty": batch.purchased_quantity, "eta": batch.eta} | SeenForm.shown(batch)

    def form_invalid(self, form: SeenForm) -> HttpResponse:
        form.show_again(self.batch)
        return super().form_invalid(form)

    def done_url(self) -> str:
        return reverse("allocation:batch", args=[self.batch.reference])


class ChangeQuantity(ChangeForm):
    """Asked with a quantity, shows first what would become of the lines."""

    template_name = "allocation/change_quantity.html"
    form_class = QuantityForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "qty" not in request.GET:
            return super().get(request, *args, **kwargs)
        form = QuantityForm({**self.get_initial(), "qty": request.GET["qty"]})
        return self.render_to_response(self.get_context_data(form=form))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.get("form")
        preview = self._preview(form) if form and "qty" not in form.errors else {}
        return super().get_context_data(**kwargs, **preview)

    def _preview(self, form: QuantityForm) -> dict[str, Any]:
        qty = form.cleaned_data["qty"]
        use_case = partial(services.change_batch_quantity, self.batch.reference, qty)
        try:
            leaving = self._leaving(bootstrap.rehearse(use_case))
        except OBJECTIONS as error:
            if not form.errors:  # else it has been told what to do
                form.add_error(None, objection(error))
            return {}
        goals = Counter(placement.reference for placement in leaving)
        return {"qty": qty, "placements": leaving, "goals": goals.most_common()}

    def act(self, form: QuantityForm) -> str:
        reference, qty = self.batch.reference, form.cleaned_data["qty"]
        leaving = self._leaving(
            self.run(services.change_batch_quantity, reference, qty, seen=form.seen)
        )
        happened = f"Batch {reference} holds {qty} units now."
        if leaving:
            waiting = sum(placement.reference is None for placement in leaving)
            moved = len(leaving) - waiting
            happened += f" Lines that went elsewhere: {moved}; that wait now: {waiting}."
        return happened

    def _leaving(self, placements: list[Placement]) -> list[Placement]:
        """Without those lines that were taken off for a larger one, and fit again."""
        return [placed for placed in placements if placed.reference != self.batch.reference]


class ChangeEta(ChangeForm):
    template_name = "allocation/change_eta.html"
    form_class = EtaForm

    def act(self, form: EtaForm) -> str:
        reference, eta = self.batch.reference, form.cleaned_data["eta"]
        changed = self.run(services.change_batch_eta, reference, eta, seen=form.seen)
        place = f"is due {eta}" if eta else "is in the warehouse"
        return f"Batch {reference} {place}{'' if changed else ' already: nothing changed'}."


class ReallocateBatch(OfBatch, ServiceForm):
    template_name = "allocation/reallocate_batch.html"
    form_class = forms.Form

    def act(self, _form: forms.Form) -> str:
        reference = self.batch.reference
        moves = self.run(services.reallocate_batch, reference)
        left = sum(new is None for _, new in moves)
        return f"Lines moved off batch {reference}: {len(moves) - left}. Left on it: {left}."

    def done_url(self) -> str:
        return reverse("allocation:batch", args=[self.batch.reference])
