"""How batches and backorders stand in the tables.

A line is one row, keyed by its order and SKU, whoever holds it: moving it from
one batch to another, or to the backlog, is one update of that row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from allocation import models
from allocation.domain.model import Batch, OrderLine
from allocation.domain.stock import Backlog
from allocation.uow import Key, Row, Table
from allocation.uow.django import DjangoMapper, ModelTable

BATCH: Final = ModelTable(
    models.Batch,
    "reference",
    "sku",
    "purchased_quantity",
    "allocated_quantity",
    "lines_taken",
    "eta",
)
LINE: Final = ModelTable(
    models.OrderLine, "orderid", "sku", "qty", "batch_id", "position", key=("orderid", "sku")
)


class BatchMapper(DjangoMapper[Batch]):
    """A batch, and those of its lines that were asked for: the repository says which."""

    entity_type = Batch
    tables = (BATCH, LINE)

    def key(self, batch: Batch) -> Key:
        return (batch.reference,)

    def rows(self, batch: Batch) -> Iterable[tuple[Table, Row]]:
        own = (
            batch.reference,
            batch.sku,
            batch.purchased_quantity,
            batch.allocated_quantity,
            batch.lines_taken,
            batch.eta,
        )
        rows: list[tuple[Table, Row]] = [(BATCH, own)]
        for line, position in batch.lines():
            rows.append((LINE, (line.orderid, line.sku, line.qty, batch.reference, position)))
        return rows

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> Batch:
        [(ref, sku, qty, allocated, lines_taken, eta)] = rows[BATCH]
        return Batch.reconstitute(
            ref,
            sku,
            qty,
            eta,
            allocated=allocated,
            lines_taken=lines_taken,
            lines=[(OrderLine.reconstitute(*row[:3]), row[4]) for row in rows[LINE]],
        )


class BacklogMapper(DjangoMapper[Backlog]):
    """The backorders that were asked for. There is one backlog, without a row of its own."""

    entity_type = Backlog
    tables = (LINE,)

    def key(self, _backlog: Backlog) -> Key:
        return ("backlog",)

    def rows(self, backlog: Backlog) -> Iterable[tuple[Table, Row]]:
        for line in backlog:
            yield LINE, (line.orderid, line.sku, line.qty, None, None)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> Backlog:
        return Backlog(OrderLine.reconstitute(*row[:3]) for row in rows[LINE])
