"""Lists that stay quick with a million rows.

Whatever can be clicked there is answered from an index: the filters that there
are, the order of one column at a time, and a count that stops counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator  # generic to the type checker alone

COUNTED: Final = 1000
"""How many rows are counted, and can be paged through. Who looks for others filters."""


class AtLeast(int):
    """A count that stopped, and says so wherever it is shown: "1000+ batches"."""

    def __str__(self) -> str:
        return f"{int(self)}+"


def count(rows: QuerySet[Any]) -> int:
    """How many there are, or `AtLeast` so many."""
    # In their order, so that the index that gives the page gives the count, too.
    counted = rows[: COUNTED + 1].count()
    return AtLeast(COUNTED) if counted > COUNTED else counted


class CappedPaginator(_Paginator):
    """Pages of the first rows, as far as they are counted."""

    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        return count(self.object_list)


class IndexedChangeList(ChangeList):
    """Sorts by one column that has an index, and by the key in the same direction."""

    sortable_by: Sequence[str]

    def get_ordering_field(self, field_name: Any) -> Any:
        return super().get_ordering_field(field_name) if field_name in self.sortable_by else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        if ORDER_VAR in self.params:  # the headers show what is left of it
            self.params[ORDER_VAR] = self.params[ORDER_VAR].partition(".")[0]
        column: Any = super().get_ordering(request, queryset)[0]
        if column == "-pk":  # Django's, where what was asked for is no column to sort by
            [column] = self.model_admin.get_ordering(request)
        if column.removeprefix("-") == self.lookup_opts.pk.name:
            return [column]
        return [column, "-pk" if column.startswith("-") else "pk"]

    def get_filters(self, request: HttpRequest) -> Any:
        try:
            return super().get_filters(request)
        except (ValueError, OverflowError) as error:  # the date hierarchy, of the year 9999
            raise IncorrectLookupParameters(error) from error
