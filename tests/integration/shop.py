"""The application on a database, seen through another connection."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connections

from allocation import bootstrap
from allocation.service_layer.unit_of_work import AbstractUnitOfWork
from tests.conftest import Fetch
from tests.unit.services_contract import Shop, Stored

BATCHES = "SELECT reference, purchased_quantity, allocated_quantity FROM allocation_batch"
ETAS = "SELECT reference, eta FROM allocation_batch"
LINES = "SELECT orderid, sku, qty, batch_id FROM allocation_orderline"


class DatabaseShop(Shop):
    def __init__(self, alias: str, fetch: Fetch) -> None:
        self.alias = alias
        self.fetch = fetch

    def uow(self) -> AbstractUnitOfWork:
        return bootstrap.unit_of_work(self.alias)

    def stored(self) -> Stored:
        return Stored(
            {ref: (purchased, taken) for ref, purchased, taken in self.fetch(self.alias, BATCHES)},
            {
                (orderid, sku): (qty, reference)
                for orderid, sku, qty, reference in self.fetch(self.alias, LINES)
            },
        )

    def etas(self) -> dict[str, date | None]:
        # A driver gives a date, or its text: see `databases.fetch`.
        return {
            ref: None if eta is None else date.fromisoformat(str(eta))
            for ref, eta in self.fetch(self.alias, ETAS)
        }

    def execute(self, sql: str, *params: Any) -> None:
        """Behind the back of the code."""
        with connections[self.alias].cursor() as cursor:
            cursor.execute(sql, params)

    def empty(self) -> None:
        self.execute("DELETE FROM allocation_orderline")
        self.execute("DELETE FROM allocation_batch")
        self.execute("DELETE FROM allocation_historyentry")
