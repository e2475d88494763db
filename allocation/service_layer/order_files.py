"""Order lines from the rows of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from allocation.domain.model import LineKey, OrderLine
from allocation.domain.values import MAX_QUANTITY, InvalidValue
from allocation.service_layer.cells import read_quantity
from allocation.service_layer.csv_files import CsvFile, Reject, RejectSink, Row


@dataclass(frozen=True)
class OrderColumns:
    """How the columns are called."""

    orderid: str = "orderid"
    sku: str = "sku"
    qty: str = "qty"


# What is on the left goes by these names too, letters and digits alone, the likeliest first.
_KNOWN_AS: Final = {
    "orderid": ("orderid", "order", "orderno", "ordernumber", "invoiceno", "invoice"),
    "sku": ("sku", "stockcode", "itemno", "articleno", "productcode"),
    "qty": ("qty", "quantity", "units"),
}


def distinct_columns(header: Sequence[str]) -> list[str]:
    """Those that have a name, and one of their own."""
    return [column for column, times in Counter(header).items() if column and times == 1]


def guess_columns(header: Sequence[str]) -> dict[str, str]:
    """For the fields of OrderColumns, the columns that their names speak of; maybe not for all."""
    written: dict[str, str] = {}
    for column in distinct_columns(header):
        written.setdefault("".join(filter(str.isalnum, column.lower())), column)
    guessed = {}
    for name, known_as in _KNOWN_AS.items():
        found = [written[other] for other in known_as if other in written]
        if found:
            guessed[name] = found[0]
    return guessed


@dataclass
class Orders:
    """The lines of a file, in the order of their first rows, and what became of its rows.

    `read` counts all rows, `merged` those that went into the line of an earlier row.
    """

    lines: dict[LineKey, OrderLine] = field(default_factory=dict)
    rows: dict[LineKey, list[Row]] = field(default_factory=dict)
    read: int = 0
    merged: int = 0


def read_orders(file: CsvFile, columns: OrderColumns, reject: RejectSink) -> Orders:
    """Read all lines of a file; rows of the same order and SKU are one line.

    A row that cannot be a line is rejected, and so is one that would make its
    line too large; it changes nothing about the other rows of that line.
    Raises UnreadableFile.
    """
    orderid, sku, qty = file.positions(columns.orderid, columns.sku, columns.qty)
    orders = Orders()

    def count(rejected: Reject) -> None:
        orders.read += 1
        reject(rejected)

    for row in file.rows(count):
        cells = row.cells
        try:
            _add(orders, OrderLine(cells[orderid], cells[sku], read_quantity(cells[qty])), row)
        except InvalidValue as error:
            count(Reject(row, str(error)))
        else:
            orders.read += 1
    return orders


def _add(orders: Orders, line: OrderLine, row: Row) -> None:
    key = line.key
    known = orders.lines.get(key)
    if known is None:
        orders.lines[key] = line
        orders.rows[key] = [row]
        return
    together = known.qty + line.qty
    if together > MAX_QUANTITY:
        raise InvalidValue(
            "quantity",
            together,
            f"of order {line.orderid}, sku {line.sku} in all must be at most {MAX_QUANTITY}",
        )
    orders.lines[key] = OrderLine(line.orderid, line.sku, together)
    orders.rows[key].append(row)
    orders.merged += 1
