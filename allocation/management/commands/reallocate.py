from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from allocation import bootstrap
from allocation.domain.values import text
from allocation.management.base import AllocationCommand
from allocation.management.moves import moves, moves_text
from allocation.service_layer import bulk, services

_FORMS = "Give an order and a SKU, or --backorders [--sku SKU], or --batch REF."


class Command(AllocationCommand):
    help = (
        "Allocate again. An order line goes to the batch that it would get today; --backorders "
        "tries every line that waits, the oldest first; --batch moves the lines of a late batch "
        "to others where there is room, and leaves the rest."
    )
    examples = """
        reallocate order-1 BLUE-CHAIR
        reallocate --backorders
        reallocate --backorders --sku BLUE-CHAIR
        reallocate --batch SHIP-17
    """

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("orderid", metavar="ORDERID", nargs="?", help="The order.")
        parser.add_argument("line_sku", metavar="SKU", nargs="?", help="What was ordered.")
        parser.add_argument("--backorders", action="store_true", help="All lines that wait.")
        parser.add_argument("--sku", help="Of the lines that wait, those for this SKU.")
        parser.add_argument("--batch", metavar="REF", help="All lines of this batch.")

    def handle(self, **options: Any) -> None:
        given = {name for name in ("orderid", "backorders", "batch") if options[name]}
        if options["sku"] is not None:
            given.add("sku")
        if given == {"orderid"} and options["line_sku"]:
            self._line(options)
        elif given in ({"backorders"}, {"backorders", "sku"}):
            self._backorders(options)
        elif given == {"batch"}:
            self._batch(options)
        else:
            raise CommandError(_FORMS)

    def _line(self, options: dict[str, Any]) -> None:
        orderid, sku = options["orderid"], options["line_sku"]
        reference = self.run_on(options["database"], services.reallocate, orderid, sku)
        self.answer(
            options,
            f"The line of order {orderid} for sku {sku} is on batch {reference}.",
            {"orderid": orderid, "sku": sku, "batchref": reference},
        )

    def _backorders(self, options: dict[str, Any]) -> None:
        using = options["database"]
        sku = None if options["sku"] is None else text("sku", options["sku"])
        report = bulk.retry_backorders(bootstrap.backorders(using, sku), self.runner(using))
        allocated = moves((placed.line, placed.reference) for placed in report.allocated)
        first = (
            f"Backorders tried: {report.tried:,}. Allocated: {len(allocated):,}. "
            f"Still waiting: {report.still_waiting:,}."
        )
        data = {
            "tried": report.tried,
            "still_waiting": report.still_waiting,
            "allocated": allocated,
        }
        self.answer(options, moves_text(first, allocated, nowhere="waits"), data)

    def _batch(self, options: dict[str, Any]) -> None:
        reference = options["batch"]
        lines = self.run_on(options["database"], services.reallocate_batch, reference)
        left = sum(new is None for _, new in lines)
        moved = moves((line, new or reference) for line, new in lines)
        first = f"Lines moved off batch {reference}: {len(lines) - left:,}. Left on it: {left:,}."
        data = {"reference": reference, "moved": len(lines) - left, "left": left, "lines": moved}
        self.answer(options, moves_text(first, moved, nowhere=""), data)
