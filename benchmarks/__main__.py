"""All benchmarks, each beside its peers: `python -m benchmarks --help`. See README.md."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator

import django
from django.core.management import call_command

from tests.support.databases import postgresql_server, sqlite_url


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="Fewer rounds.")
    parser.add_argument("--only", nargs="+", metavar="PART", help="These parts: see README.md.")
    arguments = parser.parse_args()
    started = time.monotonic()
    os.environ.pop("DATABASE_URL", None)  # never somebody's own
    with tempfile.TemporaryDirectory() as folder, postgresql_server() as url:
        os.environ["BENCHMARK_POSTGRESQL"] = url
        os.environ["BENCHMARK_SQLITE"] = sqlite_url(f"{folder}/benchmark.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
        django.setup()
        for alias in ("default", "postgresql"):
            call_command("migrate", database=alias, verbosity=0)
        for name, part in _parts(quick=arguments.quick).items():
            if not arguments.only or name in arguments.only:
                for line in part():
                    print(line, flush=True)  # noqa: T201
    print(f"It took {time.monotonic() - started:.0f} s.")  # noqa: T201


def _parts(*, quick: bool) -> dict[str, Callable[[], Iterator[str]]]:
    from benchmarks import flush, growth, many_clients, one_client, order_stream, overhead

    rounds = 3 if quick else 5
    return {
        "one_client": lambda: one_client.run(rounds=rounds, operations=200 if quick else 500),
        "many_clients": lambda: many_clients.run(
            rounds=1 if quick else 3, seconds=1 if quick else 3
        ),
        "growth": lambda: growth.run(rounds=rounds, most=1_000 if quick else 100_000),
        "flush": lambda: flush.run(rounds=1 if quick else 5, entities=10_000),
        "overhead": lambda: overhead.run(rounds=rounds),
        "order_stream": lambda: order_stream.run(rounds=1 if quick else 3),
    }


if __name__ == "__main__":
    main()
