"""What a unit of work costs that does nothing, and what it costs to import one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from django.db import transaction

from allocation import bootstrap
from benchmarks.timing import Sample, seconds, table

_TIMES = 2000
_IMPORT = """
import time
started = time.perf_counter()
import {module}
print(time.perf_counter() - started)
"""


def run(*, rounds: int) -> Iterator[str]:
    for alias in ("postgresql", "default"):
        atomic, uow = Sample("atomic()"), Sample("unit of work")
        for _ in range(rounds):
            _atomic(alias, 100)
            _unit_of_work(alias, 100)
            atomic.values.append(seconds(lambda: _atomic(alias, _TIMES)) / _TIMES * 1e6)  # noqa: B023 - run at once
            uow.values.append(seconds(lambda: _unit_of_work(alias, _TIMES)) / _TIMES * 1e6)  # noqa: B023 - the same
        title = f"An empty block, {'SQLite' if alias == 'default' else 'PostgreSQL'}"
        yield from table(title, "µs", [atomic, uow], atomic, 1)
    imports = [Sample(module) for module in ("allocation.uow", "django.db.models")]
    for _ in range(rounds):
        for sample in imports:
            sample.values.append(_import(sample.name) * 1000)
    yield from table("An import, in a new process", "ms", imports, digits=1)


def _atomic(alias: str, times: int) -> None:
    for _ in range(times):
        with transaction.atomic(alias):
            pass


def _unit_of_work(alias: str, times: int) -> None:
    for _ in range(times):
        with bootstrap.unit_of_work(alias):
            pass


def _import(module: str) -> float:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _IMPORT.format(module=module)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)
