"""How long one allocation takes, the more there is: a table, and docs/growth.svg."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

from django.db import connections

from benchmarks import stock
from benchmarks.peers import DJANGO, OURS, POSTGRESQL
from benchmarks.plot import Curve, write_plot
from benchmarks.timing import Sample, seconds, table

_BOOK = "the book's way, on Django"
_BOOKS_MOST = 1000  # with more lines it would take all day
_OPERATIONS = 50
_PLOT = Path(__file__).resolve().parent.parent / "docs" / "growth.svg"

Fill = Callable[[int], None]


def run(*, rounds: int, most: int) -> Iterator[str]:
    curves: list[Curve] = []
    for what, fill, least in (
        ("batches of other SKUs", _other_batches, 10),
        ("lines on the SKU's batch", _lines, 0),
    ):
        sizes = [size for size in (least, 100, 1_000, 10_000, 100_000) if size <= most]
        for name in (OURS, DJANGO, _BOOK):
            measured = [size for size in sizes if name != _BOOK or size <= _BOOKS_MOST]
            samples = _measure(name, fill, measured, rounds)
            yield from table(f"{name}: {what}", "ms", samples, samples[0], 2)
            curves.append(Curve(f"{name}, {what}", measured, [s.median for s in samples]))
    if most == 100_000:  # noqa: PLR2004 - the whole range
        write_plot(_PLOT, curves)


def _measure(name: str, fill: Fill, sizes: Sequence[int], rounds: int) -> list[Sample]:
    allocate = POSTGRESQL[name]()
    numbers = count()

    def some() -> None:
        for _ in range(_OPERATIONS if name != _BOOK else 2):
            allocate(f"order-{next(numbers)}", stock.sku(0), 1)

    samples = [Sample(f"{size:,}") for size in sizes]
    for size, sample in zip(sizes, samples, strict=True):
        fill(size)
        some()
        for _ in range(rounds):
            sample.values.append(seconds(some) * 1000 / (_OPERATIONS if name != _BOOK else 2))
    return samples


def _other_batches(size: int) -> None:
    stock.fill("postgresql", 1)
    _execute(
        "INSERT INTO allocation_batch"
        " (reference, sku, purchased_quantity, allocated_quantity, lines_taken)"
        f" SELECT 'other-' || n, 'other-' || n, 10, 0, 0 FROM generate_series(1, {size}) AS n"
    )


def _lines(size: int) -> None:
    stock.fill("postgresql", 1)
    _execute(
        "INSERT INTO allocation_orderline (orderid, sku, qty, batch_id, position)"
        " SELECT 'old-' || n, b.sku, 1, b.reference, n"
        f" FROM generate_series(1, {size}) AS n,"
        " (SELECT * FROM allocation_batch ORDER BY reference LIMIT 1) AS b"
    )
    _execute(
        "UPDATE allocation_batch AS b SET allocated_quantity = n, lines_taken = n FROM"
        " (SELECT batch_id, count(*) AS n FROM allocation_orderline GROUP BY 1) AS l"
        " WHERE b.reference = l.batch_id"
    )


def _execute(sql: str) -> None:
    with connections["postgresql"].cursor() as cursor:
        cursor.execute(sql)
    stock.analyze("postgresql")
