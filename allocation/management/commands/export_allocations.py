from __future__ import annotations

import csv
from typing import Any

from django.core.management.base import CommandParser

from allocation import bootstrap
from allocation.management.base import AllocationCommand
from allocation.management.files import STANDARD, replacing


class Command(AllocationCommand):
    help = (
        "Write every order line as CSV, in UTF-8, by order and SKU: orderid, sku, qty, batchref. "
        "batchref is empty for a backorder. allocate_orders can read it."
    )
    examples = """
        export_allocations allocations.csv
        export_allocations | head
    """
    formats = ("csv",)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "file",
            metavar="FILE",
            nargs="?",
            default=STANDARD,
            help=f'Where to write it, in place of what is there. Defaults to "{STANDARD}", stdout.',
        )

    def handle(self, *, file: str, database: str, **options: Any) -> None:
        if file == STANDARD:
            # The same bytes whatever the locale and the system.
            self.reconfigure_stdout(encoding="utf-8", newline="")
            self._write(self.stdout, database)
        else:
            with replacing(file) as stream:
                self._write(stream, database)

    def _write(self, stream: Any, database: str) -> None:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("orderid", "sku", "qty", "batchref"))
        writer.writerows(bootstrap.allocations(database))
