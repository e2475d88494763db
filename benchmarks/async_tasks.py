"""What async costs: `python -m benchmarks.async_tasks`, on a PostgreSQL of its own.

See README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from threading import Barrier

import django
from django.core.management import call_command
from django.db import connection

from tests.support.databases import postgresql_server

_POOL = 10
_TASKS = 100
_SKUS = 100
_HOPS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="Defaults to %(default)s.")
    parser.add_argument("--allocations", type=int, default=4000, help="Defaults to %(default)s.")
    options = parser.parse_args()
    os.environ.pop("DATABASE_URL", None)  # never somebody's own
    with postgresql_server() as url:
        os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "uow_project.settings"}
        django.setup()
        call_command("migrate", verbosity=0)
        clients = Clients(options.allocations)
        try:
            report(clients, options.runs)
        finally:
            clients.close()


def report(clients: Clients, runs: int) -> None:
    """Take turns, so that what else the machine does slows down each of them alike."""
    rounds = [
        (clients.threads(), asyncio.run(clients.tasks()), asyncio.run(clients.hop()))
        for _ in range(runs)
    ]
    threads, tasks, hop = map(statistics.median, zip(*rounds, strict=True))
    share = statistics.median(of_tasks / of_threads for of_threads, of_tasks, _ in rounds)
    print(f"{_POOL} threads          {threads:6.0f} allocations/s")  # noqa: T201
    print(f"{_TASKS} tasks           {tasks:6.0f} allocations/s, {share:.2f} of that")  # noqa: T201
    print(f"an await         {hop * 1e6:6.0f} µs")  # noqa: T201


class Clients:
    """Who allocates, each line to one of many SKUs, so that few wait for each other's locks."""

    def __init__(self, allocations: int) -> None:
        # Django is set up by now, and not before.
        from allocation import bootstrap
        from allocation.domain.model import Batch
        from allocation.service_layer import services

        self._bootstrap = bootstrap
        self._allocate = services.allocate
        self._allocations = allocations
        self._numbers = count()
        batches = [Batch(f"b{number}", f"SKU-{number}", 10**6, None) for number in range(_SKUS)]
        services.add_batches(batches, bootstrap.unit_of_work())
        self._pool = ThreadPoolExecutor(_POOL)

    def threads(self) -> float:
        """Allocations a second, by as many threads as the pool of the async ones has."""
        began = time.perf_counter()
        list(self._pool.map(self._one, range(self._allocations)))
        return self._allocations / (time.perf_counter() - began)

    def _one(self, _: object) -> str:
        return self._bootstrap.run(self._line())

    async def tasks(self) -> float:
        """Allocations a second, by concurrent tasks."""

        async def client() -> None:
            for _ in range(self._allocations // _TASKS):
                await self._bootstrap.arun(self._line())

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(_TASKS)))
        return self._allocations / (time.perf_counter() - began)

    async def hop(self) -> float:
        """Seconds from the event loop to the thread and back, when that has nothing to do."""
        async with self._bootstrap.async_unit_of_work() as uow:
            began = time.perf_counter()
            for _ in range(_HOPS):
                await uow.run(lambda _: None)
            return (time.perf_counter() - began) / _HOPS

    def _line(self) -> partial[str]:
        number = next(self._numbers)
        return partial(self._allocate, f"o{number}", f"SKU-{number % _SKUS}", 1)

    def close(self) -> None:
        """Close the connections of the threads, and our own."""
        barrier = Barrier(_POOL)

        def close(_: object) -> None:
            barrier.wait()  # one for each thread
            connection.close()

        list(self._pool.map(close, range(_POOL)))
        self._pool.shutdown()
        connection.close()


if __name__ == "__main__":
    main()
