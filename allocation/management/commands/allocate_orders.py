from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from allocation import bootstrap
from allocation.management.file_command import FileCommand
from allocation.management.output import ProgressBar, summary
from allocation.service_layer import bulk
from allocation.service_layer.csv_files import CsvFile, RejectSink
from allocation.service_layer.order_files import OrderColumns


class Command(FileCommand):
    help = (
        "Allocate the order lines of a CSV file, in the order in which they came in. Rows of the "
        "same order and SKU are one line. What no batch can serve, and what is of an unknown SKU, "
        "is kept as a backorder. Lines that are there already are passed over: so it can be run "
        "again, and goes on where it was stopped. Rejected rows stop nothing, and the exit status "
        "is 0."
    )
    examples = """
        allocate_orders orders.csv
        allocate_orders orders.csv --rejects rejects.csv
        allocate_orders - --dry-run < orders.csv
        allocate_orders retail.csv --orderid-column InvoiceNo --sku-column StockCode \\
            --qty-column Quantity
    """

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        for column in dataclasses.fields(OrderColumns):
            parser.add_argument(
                f"--{column.name}-column",
                default=column.default,
                metavar="NAME",
                help="What that column is called in FILE. Defaults to %(default)s.",
            )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Tell what would happen, and write nothing. It decides about all lines at once, "
            "and for so long other writers of the same SKUs wait.",
        )

    def process(
        self, file: CsvFile, reject: RejectSink, options: dict[str, Any]
    ) -> bulk.AllocationReport:
        using, dry_run = options["database"], options["dry_run"]
        return bulk.allocate_orders(
            file,
            partial(bootstrap.rehearse, using=using) if dry_run else self.runner(using),
            columns=OrderColumns(
                orderid=options["orderid_column"],
                sku=options["sku_column"],
                qty=options["qty_column"],
            ),
            reject=reject,
            # Nothing that a rehearsal did is there for the next one to see.
            chunk_size=None if dry_run else options["chunk_size"],
            progress=ProgressBar(self.stderr),
        )

    def data(self, report: bulk.AllocationReport) -> dict[str, int | float]:
        return super().data(report) | {"lines_per_second": report.lines_per_second}

    def text(self, report: bulk.AllocationReport, options: dict[str, Any]) -> str:
        counts = summary(
            {
                "rows read": report.read,
                "merged": report.merged,
                "rejected": report.rejected,
                "  known with another quantity": report.conflicts,
                "lines": report.lines,
                "  allocated": report.allocated,
                "  already allocated": report.already_allocated,
                "  backordered": report.backordered,
                "  still waiting": report.still_waiting,
                "  waiting, of an unknown sku": report.unknown_sku,
                "lines per second": report.lines_per_second,
            }
        )
        if options["dry_run"]:
            return f"{counts}\nA dry run: nothing was written."
        if report.changed:
            return counts
        return f"{counts}\nNothing changed: there is no new line, and none that waited has a batch."
