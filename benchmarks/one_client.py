"""One client after the other allocates order lines: operations per second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

from benchmarks import pgbench, stock
from benchmarks.peers import DJANGO, POSTGRESQL, SQLITE, Allocate
from benchmarks.timing import Sample, seconds, table

_SKUS = 100
_WARM_UP = 2 * stock.BATCHES_PER_SKU * 10


def run(*, rounds: int, operations: int) -> Iterator[str]:
    peers = {name: connect() for name, connect in POSTGRESQL.items()}
    samples = {name: Sample(name) for name in (*peers, *pgbench.SCRIPTS)}
    for _ in range(rounds):
        _measure("postgresql", peers, samples, operations)
        for name, script in pgbench.SCRIPTS.items():
            stock.fill("postgresql", _SKUS)
            samples[name].values.append(pgbench.run(script, seconds=1, skus=_SKUS))
    yield from table("One client, PostgreSQL", "operations/s", [*samples.values()], samples[DJANGO])

    peers = {name: connect() for name, connect in SQLITE.items()}
    samples = {name: Sample(name) for name in peers}
    for _ in range(rounds):
        _measure("default", peers, samples, operations)
    yield from table("One client, SQLite", "operations/s", [*samples.values()], samples[DJANGO])


def _measure(
    using: str, peers: Mapping[str, Allocate], samples: Mapping[str, Sample], operations: int
) -> None:
    for name, allocate in peers.items():
        stock.fill(using, _SKUS)
        numbers = count()
        _allocate(allocate, numbers, _WARM_UP)
        took = seconds(lambda: _allocate(allocate, numbers, operations))  # noqa: B023 - run at once
        samples[name].values.append(operations / took)
        stock.require_sound(using)


def _allocate(allocate: Allocate, numbers: Iterator[int], operations: int) -> None:
    for _ in range(operations):
        number = next(numbers)
        allocate(f"order-{number}", stock.sku(number % _SKUS), 1)
