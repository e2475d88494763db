"""One of many processes that allocate at once: started by many_clients.py."""

from __future__ import annotations

import json
import sys
import time
from itertools import count

import django

_WARM_UP = 10


def main() -> None:
    django.setup()
    from benchmarks import peers, stock

    database, name, seconds, skus, number = sys.argv[1:]
    allocate = getattr(peers, database)[name]()
    numbers = count(int(number))

    def once() -> float:
        order = next(numbers)
        started = time.perf_counter()
        allocate(f"order-{number}-{order}", stock.sku(order * 7 % int(skus)), 1)
        return time.perf_counter() - started

    for _ in range(_WARM_UP):
        once()
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    end = time.monotonic() + float(seconds)
    durations = []
    while time.monotonic() < end:
        durations.append(once())
    print(json.dumps(durations))  # noqa: T201


if __name__ == "__main__":
    main()
