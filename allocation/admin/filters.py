"""What the lists can be narrowed down to."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from allocation.models import HistoryQuerySet


class BatchState(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [
            ("warehouse", "in the warehouse"),
            ("way", "on its way"),
            ("late", "late"),
            ("low", "running out"),
            ("full", "full"),
        ]

    def queryset(self, _request: HttpRequest, batches: Any) -> Any:
        match self.value():
            case "warehouse":
                return batches.in_warehouse()
            case "way":
                return batches.on_its_way()
            case "late":
                return batches.late(timezone.localdate())
            case "low":
                return batches.running_out()
            case "full":
                return batches.full()
            case _:
                return batches


class LineState(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [("allocated", "on a batch"), ("backorder", "backorders")]

    def queryset(self, _request: HttpRequest, lines: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "allocated":
                return lines.filter(batch__isnull=False)
            case "backorder":
                return lines.filter(batch__isnull=True)
            case _:
                return lines


class Chosen(admin.SimpleListFilter):
    """Narrows a list down to what a link has named.

    It stands beside the list to be seen and taken back, and offers nothing else:
    there would be a million choices.
    """

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        value = self.value()
        return [(value, value)] if value else []

    def queryset(self, _request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return rows
        return rows.none() if "\0" in value else self.about(rows, value)

    @abstractmethod
    def about(self, rows: Any, value: str) -> QuerySet[Any]:
        """The rows that belong to `value`, which PostgreSQL can read."""


class OfSku(Chosen):
    title = "SKU"
    parameter_name = "sku"

    def about(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(sku=value)


class OfBatch(Chosen):
    title = "batch"
    parameter_name = "batch"

    def about(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(batch=value)


class OfOrder(Chosen):
    title = "order"
    parameter_name = "order"

    def about(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows.filter(orderid=value)


class AboutBatch(OfBatch):
    """Of the history: of a batch, and of the lines that came to it or left it."""

    def about(self, rows: Any, value: str) -> HistoryQuerySet:
        found: HistoryQuerySet = rows.of_batch(value)
        return found
