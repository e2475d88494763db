"""Use cases over many lines or batches: chunk by chunk, each chunk one unit of work.

Whatever stops them, every chunk is stored whole or not at all. Run again, they
pass over what is there and go on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol, TypeVar

from allocation.domain.model import LineKey
from allocation.domain.stock import Outcome, Placement
from allocation.service_layer import services
from allocation.service_layer.batch_files import read_batches
from allocation.service_layer.csv_files import CsvFile, Reject, RejectSink
from allocation.service_layer.order_files import OrderColumns, Orders, read_orders
from allocation.service_layer.services import BatchConflict
from allocation.service_layer.unit_of_work import AbstractUnitOfWork

CHUNK_SIZE: Final = 2000
_DEFAULT_COLUMNS: Final = OrderColumns()

T = TypeVar("T")

Progress = Callable[[int, int], object]
"""Told after every chunk how many of how many are done."""


class Runner(Protocol):
    """Runs a use case with a unit of work; again with a fresh one when somebody was in the way."""

    def __call__(self, use_case: Callable[[AbstractUnitOfWork], T], /) -> T: ...


@dataclass
class ImportReport:
    """What became of the rows of a file of batches: `read` is the sum of the next three.

    `conflicts` are those of the rejected whose reference is known with other data.
    """

    read: int = 0
    added: int = 0
    unchanged: int = 0
    rejected: int = 0
    conflicts: int = 0
    seconds: float = 0.0


@dataclass
class AllocationReport:
    """What became of the rows of a file of orders.

    Each row `read` was `merged` into the line of an earlier one, `rejected`, or
    is the first of a line: one of the `lines`. Each line was `allocated`,
    `already_allocated`, `backordered`, or is `still_waiting`. Of those last two,
    `unknown_sku` are of a SKU without any batch. `conflicts` are lines known
    with another quantity: their rows count as rejected, and they are none of
    the `lines`.
    """

    read: int = 0
    merged: int = 0
    rejected: int = 0
    conflicts: int = 0
    lines: int = 0
    allocated: int = 0
    already_allocated: int = 0
    backordered: int = 0
    still_waiting: int = 0
    unknown_sku: int = 0
    seconds: float = 0.0

    @property
    def changed(self) -> bool:
        return self.allocated + self.backordered > 0

    @property
    def lines_per_second(self) -> float:
        return self.lines / self.seconds if self.seconds else 0.0


@dataclass
class RetryReport:
    """What became of the backorders that were tried again."""

    tried: int = 0
    allocated: list[Placement] = field(default_factory=list)

    @property
    def still_waiting(self) -> int:
        return self.tried - len(self.allocated)


def import_batches(
    file: CsvFile,
    run: Runner,
    *,
    reject: RejectSink,
    chunk_size: int = CHUNK_SIZE,
    progress: Progress | None = None,
) -> ImportReport:
    """Take the batches of a file into stock.

    Known ones are passed over; a known reference with other data, in the file
    itself too, is rejected. Raises UnreadableFile, before anything is stored.
    """
    started = time.monotonic()
    rejected = _Counting(reject)
    rows = list(read_batches(file, rejected))
    report = ImportReport(read=len(rows) + rejected.count)
    for chunk in _chunks(rows, chunk_size, progress):
        batches = [batch for _, batch in chunk]
        results = run(partial(services.add_batches, batches))
        for (row, _), result in zip(chunk, results, strict=True):
            if isinstance(result, BatchConflict):
                rejected(Reject(row, str(result)))
                report.conflicts += 1
            elif result:
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
    columns: OrderColumns = _DEFAULT_COLUMNS,
    chunk_size: int | None = CHUNK_SIZE,
    progress: Progress | None = None,
) -> AllocationReport:
    """Allocate the order lines of a file, in the order in which they came in.

    What no batch can serve is kept as a backorder. Rows that cannot be a line,
    and lines known with another quantity, are rejected. A chunk size of None is
    all lines at once. Raises UnreadableFile, before anything is stored.
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
