"""How long the order stream takes, and how much memory: `python -m benchmarks.order_stream`.

Every command is a process of its own, as a person starts it, on an empty
database of its own. See README.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.databases import postgresql_server, sqlite_url
from tests.support.order_stream import Stream, order_stream

_ROOT = Path(__file__).resolve().parent.parent

# Linux tells the peak of a process under its own name alone: what getrusage
# says of a child includes the moment in which it still was its parent.
_MEASURED = """
import sys
from pathlib import Path
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
status = Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""

Figures = tuple[float, float]
"""Seconds, and the peak of memory in MB."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="Defaults to %(default)s.")
    for line in run(rounds=parser.parse_args().runs):
        print(line)  # noqa: T201


def run(*, rounds: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        stream = order_stream(Path(folder))
        for database in (_sqlite, _postgresql):
            figures: dict[str, list[Figures]] = defaultdict(list)
            for _ in range(rounds):
                with database() as url:
                    for command, measured in _run(url, stream):
                        figures[command].append(measured)
            yield f"### {stream.orders.name} on {database.__name__[1:]}"
            yield ""
            yield "| | seconds | MB | lines/s |"
            yield "|---|---|---|---|"
            for command, runs in figures.items():
                yield _row(command, runs, stream.line_count)
            yield ""


def _row(command: str, runs: list[Figures], lines: int) -> str:
    seconds = statistics.median(seconds for seconds, _ in runs)
    memory = statistics.median(memory for _, memory in runs)
    speed = f"{lines / seconds:,.0f}" if command.startswith("allocate_orders") else ""
    return f"| `{command}` | {seconds:.2f} | {memory:.0f} | {speed} |"


def _run(url: str, stream: Stream) -> Iterator[tuple[str, Figures]]:
    importing = ["import_batches", str(stream.batches)]
    allocating = ["allocate_orders", *stream.order_arguments]
    _measure(url, "migrate")
    yield "import_batches", _measure(url, *importing)
    yield "allocate_orders", _measure(url, *allocating)
    yield "allocate_orders again", _measure(url, *allocating)
    yield "allocate_orders dry run", _measure(url, *allocating, "--dry-run")
    yield "audit_stock", _measure(url, "audit_stock")
    yield "export_allocations", _measure(url, "export_allocations")


def _measure(url: str, *arguments: str) -> Figures:
    started = time.perf_counter()
    process = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-c", _MEASURED, *arguments, "--verbosity=0"],
        cwd=_ROOT,
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "uow_project.settings"},
        check=True,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - started
    return seconds, int(process.stderr.splitlines()[-1]) / 1024


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield sqlite_url(f"{folder}/benchmark.sqlite3")


@contextmanager
def _postgresql() -> Iterator[str]:
    os.environ.pop("DATABASE_URL", None)  # never somebody's own
    with postgresql_server() as url:
        yield url


if __name__ == "__main__":
    main()
