"""What people type, by the rules of the domain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from allocation.domain.values import InvalidValue, text
from allocation.service_layer.cells import read_eta, read_quantity


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
        super().__init__(lambda typed: text(name, typed), **options)


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


class SearchForm(forms.Form):
    """What a query string asks for. What makes no sense there is as good as not asked for."""

    def value(self, name: str) -> str:
        """What was asked for under this name, or an empty text."""
        self.is_valid()
        value: str = self.cleaned_data.get(name, "")
        return value
