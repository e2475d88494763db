"""What people type, on the site and in the admin, by the rules of the domain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from allocation.domain.values import InvalidValue, text
from allocation.models import Batch
from allocation.service_layer.cells import read_eta, read_quantity
from allocation.service_layer.services import Seen


class DomainField(forms.CharField):
    """Reads a text as the domain does, and says what the domain has against it."""

    def __init__(self, read: Callable[[str], Any], **options: Any) -> None:
        self.read = read
        super().__init__(strip=False, **options)

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if typed in self.empty_values and not self.required:
            return None
        try:
            return self.read(typed)
        except InvalidValue as error:
            raise ValidationError(str(error)) from error


class NameField(DomainField):
    """A reference, an order or a SKU."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(partial(text, name), **options)


class QuantityField(DomainField):
    """A number of units."""

    # Not a number field: a browser would send nothing of what it cannot read.
    widget = forms.TextInput(attrs={"inputmode": "numeric", "size": 12})

    def __init__(self, **options: Any) -> None:
        super().__init__(read_quantity, **options)


class EtaField(DomainField):
    """A day; none for stock in the warehouse."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def __init__(self, **options: Any) -> None:
        super().__init__(read_eta, required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value


class BatchForm(forms.Form):
    """A new batch: the arguments of `services.add_batch`, in their order."""

    reference = NameField("reference")
    sku = NameField("sku", label="SKU")
    qty = QuantityField(label="Units")
    eta = EtaField(label="ETA", help_text="When it arrives. Empty for stock in the warehouse.")


class SeenForm(forms.Form):
    """A change to a batch, by somebody who saw it in some state."""

    seen_qty = QuantityField(widget=forms.HiddenInput)
    seen_eta = EtaField(widget=forms.HiddenInput)
    seen_allocated = forms.IntegerField(widget=forms.HiddenInput)
    seen_lines_taken = forms.IntegerField(widget=forms.HiddenInput)

    @staticmethod
    def shown(batch: Batch) -> dict[str, Any]:
        """What the hidden fields hold for who sees the batch as it is now."""
        return {
            "seen_qty": batch.purchased_quantity,
            "seen_eta": batch.eta,
            "seen_allocated": batch.allocated_quantity,
            "seen_lines_taken": batch.lines_taken,
        }

    def clean(self) -> None:
        unread = [field.name for field in self.hidden_fields() if field.name in self.errors]
        for name in unread:
            del self.errors[name]  # where nobody would see it
        if unread:
            raise ValidationError(
                "It cannot be told what you saw of this batch. Look at it as it is now, "
                "and send the form again."
            )

    @property
    def seen(self) -> Seen:
        typed = self.cleaned_data
        return Seen(
            qty=typed["seen_qty"],
            eta=typed["seen_eta"],
            allocated=typed["seen_allocated"],
            lines_taken=typed["seen_lines_taken"],
        )

    def show_again(self, batch: Batch) -> None:
        """Who sends it once more has seen the batch as it is now, with what was typed."""
        self.data = dict(self.data.items()) | self.shown(batch)


class QuantityForm(SeenForm):
    qty = QuantityField(label="Units", help_text="How many units the batch holds in all.")


class EtaForm(SeenForm):
    eta = EtaField(label="ETA", help_text="When it arrives. Empty for a batch that has arrived.")
