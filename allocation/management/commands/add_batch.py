from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import CommandParser

from allocation.management.base import AllocationCommand, day, whole_number
from allocation.service_layer import services


class Command(AllocationCommand):
    help = "Take a batch into stock. Adding the same batch again changes nothing."
    examples = """
        add_batch STOCK-CHAIR BLUE-CHAIR 100
        add_batch SHIP-17 BLUE-CHAIR 250 --eta 2030-01-31
    """

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("reference", metavar="REF", help="The reference of the batch.")
        parser.add_argument("sku", metavar="SKU", help="What it holds.")
        parser.add_argument("qty", metavar="QTY", type=whole_number, help="How many units.")
        parser.add_argument(
            "--eta",
            type=day,
            metavar="YYYY-MM-DD",
            help="When it arrives. Without, it is in the warehouse.",
        )

    def handle(
        self,
        *,
        reference: str,
        sku: str,
        qty: int,
        eta: date | None,
        database: str,
        **options: Any,
    ) -> None:
        new = self.run_on(database, services.add_batch, reference, sku, qty, eta)
        data = {"reference": reference, "added": new}
        if new:
            self.answer(options, f"Batch {reference} is in stock now.", data)
        else:
            self.answer(options, f"Batch {reference} was there already: nothing changed.", data)
