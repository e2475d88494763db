"""Several processes allocate at once: operations per second, and how long they wait."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence

from benchmarks import pgbench, stock
from benchmarks.peers import DJANGO, OURS, POSTGRESQL, SQLITE
from benchmarks.timing import Sample, table

_SPREAD = 100
_POSTGRESQL = (DJANGO, OURS, "psycopg")


def run(*, rounds: int, seconds: int) -> Iterator[str]:
    for skus, where in ((_SPREAD, "spread SKUs"), (1, "one hot SKU")):
        samples = {name: Sample(name) for name in (*_POSTGRESQL, *pgbench.SCRIPTS)}
        for _ in range(rounds):
            for name in _POSTGRESQL:
                durations = _allocate("postgresql", POSTGRESQL, name, 8, seconds, skus)
                samples[name].values.append(len(durations) / seconds)
            for name, script in pgbench.SCRIPTS.items():
                stock.fill("postgresql", skus)
                done = pgbench.run(script, seconds=seconds, skus=skus, clients=8)
                samples[name].values.append(done)
        title = f"Eight processes, PostgreSQL, {where}"
        yield from table(title, "operations/s", [*samples.values()], samples[DJANGO])

    samples = {name: Sample(name) for name in SQLITE}
    waits = {name: Sample(name) for name in SQLITE}
    for _ in range(rounds):
        for name in SQLITE:
            durations = _allocate("default", SQLITE, name, 4, seconds, _SPREAD)
            samples[name].values.append(len(durations) / seconds)
            slowest = statistics.quantiles(durations, n=100)[98]
            waits[name].values.append(slowest / statistics.median(durations))
    title = "Four processes, SQLite"
    yield from table(title, "operations/s", [*samples.values()], samples[DJANGO])
    title = f"{title}: 99th percentile of an operation's time"
    yield from table(title, "times the median", [*waits.values()], digits=1)


def _allocate(  # noqa: PLR0913, PLR0917 - what can vary
    using: str, peers: object, name: str, processes: int, seconds: int, skus: int
) -> list[float]:
    """Let so many processes allocate; returns how long each operation took."""
    stock.fill(using, skus)
    arguments = ["SQLITE" if peers is SQLITE else "POSTGRESQL", name, str(seconds), str(skus)]
    clients = [_start([*arguments, str(number)]) for number in range(processes)]
    for client in clients:  # all are connected and warm
        if client.stdout is None or client.stdout.readline() != "ready\n":
            raise RuntimeError(f"A client of {name} did not start.")
    for client in clients:
        if client.stdin is not None:
            client.stdin.write("go\n")
            client.stdin.flush()
    outputs = [client.communicate(timeout=600)[0] for client in clients]
    stock.require_sound(using)
    return [duration for output in outputs for duration in json.loads(output)]


def _start(arguments: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "benchmarks.client", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
