"""What can be done to a batch, each on a page of its own."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Final

from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import cached_property

from allocation import bootstrap
from allocation.admin.service_form import ServiceForm
from allocation.domain.stock import Placement
from allocation.forms import BatchForm, EtaForm, QuantityForm, SeenForm
from allocation.models import Batch
from allocation.service_layer import services
from allocation.service_layer.objections import OBJECTIONS, objection
from allocation.service_layer.services import BatchConflict

_SHOWN: Final = 200
"""How many lines a preview names."""


class AddBatch(ServiceForm):
    title = "Add batch"
    button = "Add the batch"
    form_class = BatchForm
    blames: ClassVar = {BatchConflict: "reference"}

    def is_allowed(self) -> bool:
        allowed: bool = self.admin.has_add_permission(self.request)
        return allowed

    def act(self, form: BatchForm) -> str:
        new = self.run(services.add_batch, *(form.cleaned_data[name] for name in form.fields))
        happened = "is in stock now" if new else "was there already: nothing changed"
        return f"Batch {form.cleaned_data['reference']} {happened}."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(add=True, **kwargs)


class ChangeBatch(ServiceForm):
    """A form that shows what a batch is, and is sent back with what was seen."""

    @cached_property
    def batch(self) -> Batch:
        reference = unquote(self.kwargs["object_id"])
        batch: Batch | None = self.admin.get_object(self.request, reference)
        if batch is None:
            raise Http404(f"There is no batch {reference}.")
        return batch

    def get_initial(self) -> dict[str, Any]:
        batch = self.batch
        return {"qty": batch.purchased_quantity, "eta": batch.eta} | SeenForm.shown(batch)

    def form_invalid(self, form: SeenForm) -> HttpResponse:
        form.show_again(self.batch)
        return super().form_invalid(form)

    def get_success_url(self) -> str:
        url: str = self.admin.url("change", self.batch.reference)
        return url

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        about = {"original": self.batch, "subtitle": str(self.batch)}
        return super().get_context_data(**kwargs) | about


class ChangeEta(ChangeBatch):
    title = "Change ETA"
    button = "Change the ETA"
    form_class = EtaForm

    def intro(self) -> str:
        state = self.admin.state(self.batch)
        return f"It is {state}. Lines that are allocated to it stay where they are."

    def act(self, form: EtaForm) -> str:
        reference, eta = self.batch.reference, form.cleaned_data["eta"]
        changed = self.run(services.change_batch_eta, reference, eta, seen=form.seen)
        place = f"is due {eta}" if eta else "is in the warehouse"
        return f"Batch {reference} {place} {'now' if changed else 'already: nothing changed'}."


class ChangeQuantity(ChangeBatch):
    """Asked with a quantity, shows first what would become of the lines."""

    template_name = "allocation/admin/quantity.html"
    title = "Change quantity"
    button = "Show what would happen"
    method = "get"
    form_class = QuantityForm

    def intro(self) -> str:
        units, allocated = self.batch.purchased_quantity, self.batch.allocated_quantity
        return f"Units of {self.batch.sku}: {units}. Allocated: {allocated}."

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "qty" not in request.GET:
            return super().get(request, *args, **kwargs)
        form = QuantityForm({**self.get_initial(), "qty": request.GET["qty"]})
        return self.render_to_response(self.get_context_data(form=form))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.get("form")
        preview = self.preview(form) if form and "qty" not in form.errors else {}
        return super().get_context_data(**kwargs, **preview)

    def preview(self, form: QuantityForm) -> dict[str, Any]:
        qty = form.cleaned_data["qty"]
        use_case = partial(services.change_batch_quantity, self.batch.reference, qty)
        try:
            leaving = self.leaving(bootstrap.rehearse(use_case, self.admin.using))
        except OBJECTIONS as error:
            if not form.errors:  # else it has been told what to do
                form.add_error(None, objection(error))
            return {}
        return {
            "qty": qty,
            "placements": leaving[:_SHOWN],
            "more": len(leaving[_SHOWN:]),
            "went": _told(leaving),
        }

    def act(self, form: QuantityForm) -> str:
        reference, qty = self.batch.reference, form.cleaned_data["qty"]
        placed = self.run(services.change_batch_quantity, reference, qty, seen=form.seen)
        leaving = self.leaving(placed)
        holds = f"Batch {reference} holds {qty} now."
        return f"{holds} {_told(leaving)}" if leaving else holds

    def leaving(self, placements: list[Placement]) -> list[Placement]:
        """Without the lines that were taken off for a larger one, and fit again."""
        return [placed for placed in placements if placed.reference != self.batch.reference]


def _told(leaving: list[Placement]) -> str:
    waiting = sum(placed.reference is None for placed in leaving)
    return f"Lines that go to other batches: {len(leaving) - waiting}; that wait: {waiting}."
