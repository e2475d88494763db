"""The forms of lists. What people type to be stored is read by `allocation.forms`."""

from __future__ import annotations

from django import forms


class SearchForm(forms.Form):
    """What a query string asks for. What makes no sense there is as good as not asked for."""

    def value(self, name: str) -> str:
        """What was asked for under this name, or an empty text."""
        self.is_valid()
        value: str = self.cleaned_data.get(name, "")
        return value
