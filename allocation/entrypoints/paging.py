"""Pages of a list, each as quick as the first.

Note [Keyset paging]: a page does not begin after so many rows, which would all
have to be read, but after the row that the last page ended with. The rows are
in the order of one column and, where that has equals, of the key; both have an
index. What follows a row is read in parts, one after the other, because one
condition over all of them could not enter that index at one place: first the
equals of its value with a later key, then the other values, and before or after
these the NULLs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Generic, TypeVar

from django.core.signing import BadSignature, Signer
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


def paginate(  # noqa: PLR0913  # what can vary, each with its default
    queryset: QuerySet[M],
    order: str,
    parameters: Mapping[str, str],
    *,
    nulls_first: bool = False,
    name: str = "",
    size: int = SIZE,
) -> Page[M]:
    """The page of `queryset` that the parameters of a request ask for.

    `order` names the column to sort by, with a hyphen for falling order, where
    everything is the other way round: rows that are NULL there come first
    instead of last, unless `nulls_first`. Of several lists on one page each has
    a `name`. What the parameters say beside the place in this list is kept for
    the other pages. A place that makes no sense is that of the first page.
    """
    after, before = f"{name}after", f"{name}before"
    rows = _Rows(queryset, order, nulls_first=nulls_first)
    place = rows.place(parameters.get(after))
    if backwards := place is None:
        place = rows.place(parameters.get(before))
        backwards = place is not None
    found = rows.behind(place, size + 1, backwards=backwards)
    more = len(found) > size
    del found[size:]
    if backwards:
        found.reverse()
    kept = {key: value for key, value in parameters.items() if key not in (after, before)}
    lead = more if backwards else place is not None
    follow = place is not None if backwards else more
    return Page(
        found,
        previous=urlencode(kept | {before: rows.token(found[0])}) if found and lead else "",
        next=urlencode(kept | {after: rows.token(found[-1])}) if found and follow else "",
    )


class _Rows:
    """The rows of a queryset in an order."""

    def __init__(self, queryset: QuerySet[Any], order: str, *, nulls_first: bool) -> None:
        self.queryset = queryset
        self.falls = order.startswith("-")
        self.nulls_first = nulls_first != self.falls
        meta = queryset.model._meta
        self.column = meta.get_field(order.removeprefix("-"))
        self.key = meta.pk
        # Signed, as whatever else it could hold would have to be looked at; and
        # for this order alone, in which it names a place.
        self.signer = Signer(salt=f"{__name__} {meta.label} {order}")

    def token(self, row: Model) -> str:
        """The place of `row`, for a URL."""
        value = getattr(row, self.column.attname)
        if isinstance(value, date):
            value = value.isoformat()
        return self.signer.sign_object([value, row.pk])

    def place(self, token: str | None) -> list[Any] | None:
        """The value and the key that a token names; None where it names none."""
        try:
            place: list[Any] = self.signer.unsign_object(token or "")
        except BadSignature:
            return None
        return place

    def behind(self, place: list[Any] | None, size: int, *, backwards: bool) -> list[Any]:
        """The first rows behind a place, or of all; `backwards`, the last ones before it."""
        name, key = self.column.name, self.key.name
        falls = self.falls != backwards
        order = [F(name).desc(), F(key).desc()] if falls else [F(name).asc(), F(key).asc()]
        found: list[Any] = []
        for part in self._parts(
            place, "lt" if falls else "gt", nulls_first=self.nulls_first != backwards
        ):
            if len(found) < size:
                found += self.queryset.filter(part).order_by(*order)[: size - len(found)]
        return found

    def _parts(self, place: list[Any] | None, beyond: str, *, nulls_first: bool) -> list[Q]:
        """The conditions of what follows a place, in their order. See Note [Keyset paging]."""
        name = self.column.name
        null, rest = [], [Q()]
        if self.column.null:
            null, rest = [Q((f"{name}__isnull", True))], [Q((f"{name}__isnull", False))]
        if place is not None:
            value, key = place
            later = Q((f"{self.key.name}__{beyond}", key))
            if self.column is self.key:
                rest = [later]
            elif value is None:
                null, rest = [null[0] & later], rest if nulls_first else []
            else:
                null = [] if nulls_first else null
                rest = [Q((name, value)) & later, Q((f"{name}__{beyond}", value))]
        return null + rest if nulls_first else rest + null
