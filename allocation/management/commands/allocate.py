from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from allocation.management.base import LineCommand, whole_number
from allocation.service_layer import services


class Command(LineCommand):
    help = (
        "Allocate an order line to a batch, and tell to which. Allocating it again changes nothing."
    )
    examples = "allocate order-1 BLUE-CHAIR 12"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("qty", metavar="QTY", type=whole_number, help="How many units.")

    def handle(self, *, orderid: str, sku: str, qty: int, database: str, **options: Any) -> None:
        reference = self.run_on(database, services.allocate, orderid, sku, qty)
        self.answer_line(options, orderid, sku, reference, f"is allocated to batch {reference}.")
