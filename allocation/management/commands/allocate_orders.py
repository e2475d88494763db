from __future__ import annotations

import dataclasses
from typing import Any, Unpack

from django.core.management.base import CommandParser

from allocation.management.file_command import FileCommand, How
from allocation.service_layer import bulk
from allocation.service_layer.bulk_reports import AllocationReport
from allocation.service_layer.csv_files import CsvFile
from allocation.service_layer.order_files import OrderColumns


class Command(FileCommand[AllocationReport]):
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

    def process(
        self, file: CsvFile, options: dict[str, Any], **how: Unpack[How]
    ) -> AllocationReport:
        columns = OrderColumns(
            orderid=options["orderid_column"],
            sku=options["sku_column"],
            qty=options["qty_column"],
        )
        return bulk.allocate_orders(file, columns=columns, **how)

    def numbers(self, report: AllocationReport) -> dict[str, int | float]:
        return super().numbers(report) | {"lines per second": report.lines_per_second}

    def data(self, report: AllocationReport) -> dict[str, int | float]:
        return super().data(report) | {"lines_per_second": report.lines_per_second}
