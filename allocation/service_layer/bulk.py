"""Use cases over many lines or batches: chunk by chunk, each chunk one unit of work.

Whatever stops them, every chunk is stored whole or not at all. Run again, they
pass over what is there and go on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from allocation.domain.model import Batch, LineKey
from allocation.domain.stock import Outcome, Placement
from allocation.service_layer import services
from allocation.service_layer.batch_files import read_batches
from allocation.service_layer.bulk_reports import AllocationReport, ImportReport, RetryReport
from allocation.service_layer.csv_files import CsvFile, Reject, RejectSink
from allocation.service_layer.order_files import OrderColumns, Orders, read_orders
from allocation.service_layer.services import BatchConflict
from allocation.service_layer.unit_of_work import AbstractUnitOfWork

CHUNK_SIZE: Final = 3000
_DEFAULT_COLUMNS: Final = OrderColumns()

T = TypeVar("T")

Progress = Callable[[int, int], object]
"""Told after every chunk how many of how many are done."""


class Runner(Protocol):
    """Runs a use case with a unit of work; again with a fresh one when somebody was in the way."""

    def __call__(self, use_case: Callable[[AbstractUnitOfWork], T], /) -> T: ...


def _ignore(*_: Any) -> None:
    """The sink for what nobody wants to be told."""


def import_batches(  # noqa: PLR0913  # what can vary, each with its default
    file: CsvFile,
    run: Runner,
    *,
    reject: RejectSink,
    accept: Callable[[Batch, bool], object] = _ignore,
    chunk_size: int | None = CHUNK_SIZE,
    progress: Progress | None = None,
) -> ImportReport:
    """Take the batches of a file into stock.

    Known ones are passed over; a known reference with other data, in the file
    itself too, is rejected. Every other batch is told to `accept`, with whether
    it is new. A chunk size of None is all batches at once. Raises
    UnreadableFile, before anything is stored.
    """
    started = time.monotonic()
    rejected = _Counting(reject)
    rows = list(read_batches(file, rejected))
    report = ImportReport(read=len(rows) + rejected.count)
    for chunk in _chunks(rows, chunk_size, progress):
        batches = [batch for _, batch in chunk]
        results = run(partial(services.add_batches, batches))
        for (row, batch), result in zip(chunk, results, strict=True):
            if isinstance(result, BatchConflict):
                rejected(Reject(row, str(result)))
                report.conflicts += 1
                continue
            accept(batch, result)
            if result:
                report.added += 1
            else:
                report.unchanged += 1
    report.rejected = rejected.count
    report.seconds = time.monotonic() - started
    return report


def allocate_orders(  # noqa: PLR0913  # what can vary, each with its default
    file: CsvFile,
    run: Runner,
    *,
    reject: RejectSink,
    accept: Callable[[Placement], object] = _ignore,
    columns: OrderColumns = _DEFAULT_COLUMNS,
    chunk_size: int | None = CHUNK_SIZE,
    progress: Progress | None = None,
) -> AllocationReport:
    """Allocate the order lines of a file, in the order in which they came in.

    What no batch can serve is kept as a backorder. Rows that cannot be a line,
    and lines known with another quantity, are rejected; where every other line
    went is told to `accept`. A chunk size of None is all lines at once. Raises
    UnreadableFile, before anything is stored.
    """
    started = time.monotonic()
    rejected = _Counting(reject)
    orders = read_orders(file, columns, rejected)
    report = AllocationReport(read=orders.read, merged=orders.merged)
    outcomes: Counter[Outcome] = Counter()
    for chunk in _chunks(list(orders.lines.values()), chunk_size, progress):
        for placement in run(partial(services.allocate_lines, chunk)):
            outcomes[placement.outcome] += 1
            report.unknown_sku += placement.unknown_sku
            if placement.outcome is Outcome.CONFLICT:
                _reject_line(orders, placement, report, rejected)
            else:
                accept(placement)
    report.conflicts = outcomes[Outcome.CONFLICT]
    report.allocated = outcomes[Outcome.ALLOCATED]
    report.already_allocated = outcomes[Outcome.ALREADY_ALLOCATED]
    report.backordered = outcomes[Outcome.BACKORDERED]
    report.still_waiting = outcomes[Outcome.ALREADY_BACKORDERED]
    report.lines = outcomes.total() - report.conflicts
    report.rejected = rejected.count
    report.seconds = time.monotonic() - started
    return report


def retry_backorders(pages: Iterable[Sequence[LineKey]], run: Runner) -> RetryReport:
    """Try backorders again, in the order of the pages, each page one unit of work."""
    report = RetryReport()
    for page in pages:
        for placement in run(partial(services.reallocate_backorders, page)):
            report.tried += 1
            if placement.outcome is Outcome.ALLOCATED:
                report.allocated.append(placement)
    return report


class _Counting:
    """Passes rejects on, and counts them."""

    def __init__(self, reject: RejectSink) -> None:
        self._reject = reject
        self.count = 0

    def __call__(self, reject: Reject) -> None:
        self.count += 1
        self._reject(reject)


def _reject_line(
    orders: Orders, placement: Placement, report: AllocationReport, reject: RejectSink
) -> None:
    """Reject all rows of a line, so that none of them counts as merged."""
    rows = orders.rows[placement.line.key]
    report.merged -= len(rows) - 1
    for row in rows:
        reject(Reject(row, placement.reason))


def _chunks(
    items: Sequence[T], size: int | None, progress: Progress | None
) -> Iterator[Sequence[T]]:
    """Parts of `items`; each counts as done when the next one is asked for."""
    size = size or max(len(items), 1)
    for start in range(0, len(items), size):
        chunk = items[start : start + size]
        yield chunk
        if progress is not None:
            progress(start + len(chunk), len(items))
