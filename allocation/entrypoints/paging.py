"""Pages of a list, each as quick as the first.

Note [Keyset paging]: a page does not begin after so many rows, which would all
have to be read, but after the row that the last page ended with. The rows are
in the order of one column and, where that has equals, of the key; both have an
index. A column that may be NULL has two parts, which are read one after the
other, because one condition over both could not use that index.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.utils.http import urlencode

M = TypeVar("M", bound=Model)

SIZE: Final = 50


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some rows of a list, and where the others are."""

    rows: list[M]
    previous: str
    """The query string of the page before; empty on the first one."""
    next: str
    """The query string of the page behind; empty on the last one."""

    def __iter__(self) -> Iterator[M]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def paginate(
    queryset: QuerySet[M], order: str, parameters: Mapping[str, str], *, size: int = SIZE
) -> Page[M]:
    """The page of `queryset` that the parameters of a request ask for.

    `order` names the column to sort by, with a hyphen for falling order; the
    rows that are NULL there come last, or first in falling order. What the
    parameters say beside `after` and `before` is kept for the other pages. A
    place that makes no sense is that of the first page.
    """
    backwards = not parameters.get("after") and bool(parameters.get("before"))
    rows = _Rows(queryset, order, backwards=backwards)
    place = rows.place(parameters.get("before" if backwards else "after"))
    backwards = backwards and place is not None
    if place is None:
        rows = _Rows(queryset, order, backwards=False)
    found = rows.behind(place, size + 1)
    more = len(found) > size
    del found[size:]
    if backwards:
        found.reverse()
    kept = {name: value for name, value in parameters.items() if name not in ("after", "before")}
    before = found and (more if backwards else place is not None)
    after = found and (place is not None if backwards else more)
    return Page(
        found,
        previous=urlencode(kept | {"before": rows.token(found[0])}) if before else "",
        next=urlencode(kept | {"after": rows.token(found[-1])}) if after else "",
    )


class _Rows:
    """The rows of a queryset, in one order or the other."""

    def __init__(self, queryset: QuerySet[Any], order: str, *, backwards: bool) -> None:
        self.queryset = queryset
        self.falling = order.startswith("-") != backwards
        meta = queryset.model._meta
        self.column = meta.get_field(order.removeprefix("-"))
        self.key = meta.pk

    def token(self, row: Model) -> str:
        """The place of `row`, for a URL."""
        place = [getattr(row, self.column.attname), row.pk]
        return base64.urlsafe_b64encode(json.dumps(place, default=date.isoformat).encode()).decode()

    def place(self, token: str | None) -> tuple[Any, Any] | None:
        """The place that a token names; None where it names none."""
        try:
            value, key = json.loads(base64.urlsafe_b64decode(token or ""))
            if value is not None:
                value = self.column.to_python(value)
            return value, self.key.to_python(key)
        except (ValueError, TypeError, RecursionError, binascii.Error, ValidationError):
            return None

    def behind(self, place: tuple[Any, Any] | None, size: int) -> list[Any]:
        name, key = self.column.name, self.key.name
        parts = [Q((f"{name}__isnull", False)), Q((f"{name}__isnull", True))]
        if not self.column.null:
            parts = [Q()]
        elif self.falling:
            parts.reverse()
        if place is not None:
            if (place[0] is None) != self.falling:
                del parts[:-1]  # it stands in the last part
            parts[0] &= self._after(*place)
        order = [F(name).desc(), F(key).desc()] if self.falling else [F(name).asc(), F(key).asc()]
        found: list[Any] = []
        for part in parts:
            if len(found) < size:
                found += self.queryset.filter(part).order_by(*order)[: size - len(found)]
        return found

    def _after(self, value: Any, key: Any) -> Q:
        beyond = "lt" if self.falling else "gt"
        later = Q((f"{self.key.name}__{beyond}", key))
        if value is None or self.column is self.key:
            return later
        name = self.column.name
        # As one range, so that the index is entered there.
        return Q((f"{name}__{beyond}e", value)) & (Q((f"{name}__{beyond}", value)) | later)
