from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from allocation.management.base import AllocationCommand, whole_number
from allocation.management.moves import moves, moves_text
from allocation.service_layer import services


class Command(AllocationCommand):
    help = (
        "Let a batch hold another number of units. Lines that do not fit any more, the last "
        "allocated first, go to other batches, or wait as backorders."
    )
    examples = "change_batch_quantity SHIP-17 180"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("reference", metavar="REF", help="The reference of the batch.")
        parser.add_argument("qty", metavar="QTY", type=whole_number, help="How many units.")

    def handle(self, *, reference: str, qty: int, database: str, **options: Any) -> None:
        placements = self.run_on(database, services.change_batch_quantity, reference, qty)
        moved = moves((placement.line, placement.reference) for placement in placements)
        first = f"Batch {reference} holds {qty:,} now. Lines taken off: {len(moved):,}."
        data = {"reference": reference, "qty": qty, "moved": moved}
        self.answer(options, moves_text(first, moved, nowhere="waits"), data)
