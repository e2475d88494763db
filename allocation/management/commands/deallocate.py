from __future__ import annotations

from typing import Any

from allocation.management.base import LineCommand
from allocation.service_layer import services


class Command(LineCommand):
    help = "Free an order line from its batch, and keep it as a backorder."
    examples = "deallocate order-1 BLUE-CHAIR"

    def handle(self, *, orderid: str, sku: str, database: str, **options: Any) -> None:
        reference = self.run_on(database, services.deallocate, orderid, sku)
        self.answer_line(
            options, orderid, sku, reference, f"is a backorder now. It was on batch {reference}."
        )
