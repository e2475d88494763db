from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser

from allocation.management.base import AllocationCommand, day
from allocation.service_layer import services


class Command(AllocationCommand):
    help = (
        "Let a batch arrive on another day, or say that it has arrived. The lines that are "
        "allocated to it stay where they are: to move those of a late batch, see reallocate."
    )
    examples = """
        change_batch_eta SHIP-17 2030-02-14
        change_batch_eta SHIP-17 --arrived
    """

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("reference", metavar="REF", help="The reference of the batch.")
        parser.add_argument(
            "eta", metavar="YYYY-MM-DD", nargs="?", type=day, help="When it arrives."
        )
        parser.add_argument(
            "--arrived", action="store_true", help="It is in the warehouse from now on."
        )

    def handle(
        self, *, reference: str, eta: date | None, arrived: bool, database: str, **options: Any
    ) -> None:
        if arrived == (eta is not None):
            raise CommandError("Give the day on which the batch arrives, or --arrived.")
        changed = self.run_on(database, services.change_batch_eta, reference, eta)
        data = {"reference": reference, "eta": eta and eta.isoformat(), "changed": changed}
        place = f"is due {eta}" if eta else "is in the warehouse"
        now = "now" if changed else "already: nothing changed"
        self.answer(options, f"Batch {reference} {place} {now}.", data)
