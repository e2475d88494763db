"""The periods that the date hierarchy offers, found without reading all batches."""

from __future__ import annotations

from datetime import MAXYEAR, date
from typing import Any

from django.db.models import Max, Min

from allocation.models import BatchQuerySet


class EtaCalendar(BatchQuerySet):
    """Batches whose `dates` cost a few looks into the index.

    Django's would read every row to leave out periods without any. Here the
    years are those that there are; of a year all months are told from the first
    to the last with a batch, and of a month all days.
    """

    # A list, which is all that the hierarchy asks for: no queryset could answer like this.
    def dates(self, field_name: str, kind: str, order: str = "ASC") -> Any:  # noqa: ARG002  # its signature
        if kind == "year":
            return self._years(field_name)
        ends = self.aggregate(first=Min(field_name), last=Max(field_name))
        first, last = ends["first"], ends["last"]
        if first is None:
            return []
        if kind == "month":
            return [date(first.year, month, 1) for month in range(first.month, last.month + 1)]
        return [first.replace(day=day) for day in range(first.day, last.day + 1)]

    def _years(self, field_name: str) -> list[date]:
        years: list[date] = []
        later = self
        while (first := later.aggregate(first=Min(field_name))["first"]) is not None:
            years.append(first)
            if first.year == MAXYEAR:
                break
            later = self.filter(**{f"{field_name}__gte": date(first.year + 1, 1, 1)})
        return years
