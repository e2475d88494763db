"""Batches from the rows of a file."""

from __future__ import annotations

from collections.abc import Iterator

from allocation.domain.model import Batch
from allocation.domain.values import InvalidValue
from allocation.service_layer.cells import read_eta, read_quantity
from allocation.service_layer.csv_files import CsvFile, Reject, RejectSink, Row


def read_batches(file: CsvFile, reject: RejectSink) -> Iterator[tuple[Row, Batch]]:
    """The batches in the columns `reference`, `sku`, `qty` and `eta`.

    A row that cannot be a batch is rejected. Raises UnreadableFile.
    """
    reference, sku, qty, eta = file.positions("reference", "sku", "qty", "eta")
    for row in file.rows(reject):
        cells = row.cells
        try:
            batch = Batch(
                cells[reference], cells[sku], read_quantity(cells[qty]), read_eta(cells[eta])
            )
        except InvalidValue as error:
            reject(Reject(row, str(error)))
        else:
            yield row, batch
