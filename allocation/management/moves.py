"""Lines that went elsewhere, in words and as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict

from allocation.domain.model import OrderLine
from allocation.management.output import table


class Move(TypedDict):
    """As in the CSV of `export_allocations`, `batchref` is empty for a line that has no batch."""

    orderid: str
    sku: str
    qty: int
    batchref: str


def moves(lines: Iterable[tuple[OrderLine, str | None]]) -> list[Move]:
    return [
        Move(orderid=line.orderid, sku=line.sku, qty=line.qty, batchref=reference or "")
        for line, reference in lines
    ]


def moves_text(first: str, moved: Sequence[Move], *, nowhere: str) -> str:
    """A sentence, and below it a table of the lines. `nowhere` stands where there is no batch."""
    if not moved:
        return first
    rows = [(m["orderid"], m["sku"], m["qty"], m["batchref"] or nowhere) for m in moved]
    return f"{first}\n\n{table(('order', 'sku', 'qty', 'batch'), rows)}"
