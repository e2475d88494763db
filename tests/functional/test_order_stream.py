"""A wholesaler's orders, allocated to its stock: whole, again, interrupted, and twice at once."""

from __future__ import annotations

import contextlib
import csv
import json
import random
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import Fetch, Manage
from tests.functional.conftest import Allocations, Command
from tests.functional.oracle import expected_allocations
from tests.support.databases import POSTGRESQL
from tests.support.order_stream import Stream, made_up_stream

on_postgresql = pytest.mark.parametrize("alias", [pytest.param(POSTGRESQL, id="postgresql")])

_PATIENCE: Final = 60  # seconds; whatever takes longer hangs


@pytest.fixture
def small_stream(tmp_path: Path) -> Stream:
    return made_up_stream(tmp_path, skus=40, lines=400, merged=30, rejects=20, unknown_skus=10)


def expected(stream: Stream) -> dict[tuple[str, str], tuple[int, str]]:
    return expected_allocations(stream.batches, stream.orders)


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process that must succeed in silence; returns what it printed."""
    stdout, stderr = process.communicate(timeout=_PATIENCE)
    assert (process.returncode, stderr) == (0, "")
    return stdout


class TestWholeStream:
    @pytest.mark.parametrize("chunk_size", [500, 50_000])
    def test_is_allocated_as_the_rules_say(
        self,
        command: Command,
        allocations: Allocations,
        stream: Stream,
        chunk_size: int,
    ) -> None:
        command("import_batches", stream.batches)
        command("allocate_orders", *stream.order_arguments, chunk_size=chunk_size)

        assert allocations() == expected(stream)
        assert command("audit_stock", format="json").stdout == "[]\n"

    def test_is_counted_and_run_again_changes_nothing_and_says_so(
        self, alias: str, command: Command, fetch: Fetch, stream: Stream, tmp_path: Path
    ) -> None:
        def state() -> list[object]:
            return [
                fetch(alias, "SELECT * FROM allocation_batch ORDER BY reference"),
                fetch(alias, "SELECT * FROM allocation_orderline ORDER BY id"),
            ]

        rejects = tmp_path / "rejects.csv"
        batches = json.loads(command("import_batches", stream.batches, format="json").stdout)
        orders = json.loads(
            command(
                "allocate_orders", *stream.order_arguments, format="json", rejects=str(rejects)
            ).stdout
        )
        waiting = sum(not reference for _, reference in expected(stream).values())

        assert batches["added"] == stream.batch_count
        assert orders["read"] == stream.row_count
        assert orders["rejected"] == stream.reject_count
        assert orders["lines"] == stream.line_count
        assert orders["backordered"] == waiting
        assert orders["allocated"] == stream.line_count - waiting
        with rejects.open(encoding="utf-8", newline="") as file:
            assert len(list(csv.DictReader(file))) == stream.reject_count

        before = state()
        batches_again = command("import_batches", stream.batches)
        orders_again = command("allocate_orders", *stream.order_arguments)

        assert state() == before
        assert "Nothing changed" in batches_again.stdout
        assert "Nothing changed" in orders_again.stdout


class TestSmallStream:
    @pytest.mark.parametrize("chunk_size", [1, 7, 400])
    def test_is_allocated_as_the_rules_say(
        self,
        command: Command,
        allocations: Allocations,
        small_stream: Stream,
        chunk_size: int,
    ) -> None:
        command("import_batches", small_stream.batches, chunk_size=chunk_size)
        command("allocate_orders", *small_stream.order_arguments, chunk_size=chunk_size)

        assert allocations() == expected(small_stream)

    def test_tells_and_writes_nothing_in_a_dry_run(
        self, command: Command, allocations: Allocations, small_stream: Stream
    ) -> None:
        def report(**options: object) -> dict[str, float]:
            output = command(
                "allocate_orders", *small_stream.order_arguments, format="json", **options
            )
            counts: dict[str, float] = json.loads(output.stdout)
            return {name: n for name, n in counts.items() if "second" not in name}

        command("import_batches", small_stream.batches)
        told = report(dry_run=True)
        written = allocations()

        assert written == {}
        assert told == report()


class TestKilledStream:
    """Killed again and again, and run again until it is done."""

    def test_comes_to_the_same_end(
        self,
        alias: str,
        manage: Manage,
        fetch: Fetch,
        command: Command,
        allocations: Allocations,
        stream: Stream,
    ) -> None:
        dice = random.Random()  # noqa: S311 - no secret
        importing = ["import_batches", str(stream.batches)]
        allocating = ["allocate_orders", *stream.order_arguments]
        # Each process is killed once so many rows are stored, wherever it stands then.
        batches = sorted(dice.sample(range(stream.batch_count // 2), 2))
        lines = sorted(dice.sample(range(stream.line_count * 9 // 10), 3))
        told = f"killed after {batches} batches and {lines} lines"

        for count in batches:
            process = manage(alias, *importing, "--chunk-size=50")
            kill_after(count, "allocation_batch", process, fetch, alias)
        finish(manage(alias, *importing))
        for count in lines:
            process = manage(alias, *allocating, "--chunk-size=500")
            kill_after(count, "allocation_orderline", process, fetch, alias)
            assert command("audit_stock", format="json").stdout == "[]\n", told
        finish(manage(alias, *allocating, "--verbosity=0"))

        assert allocations() == expected(stream), told
        assert command("audit_stock", format="json").stdout == "[]\n", told


def kill_after(
    count: int, table: str, process: subprocess.Popen[str], fetch: Fetch, alias: str
) -> None:
    """Send SIGKILL to the process when others see more than `count` rows of the table."""
    deadline = time.monotonic() + _PATIENCE
    while fetch(alias, f"SELECT count(*) FROM {table}")[0][0] <= count:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)  # which leaves it the processor meanwhile
            pytest.fail("It was done before it could be killed.")
        assert time.monotonic() < deadline, "It stores nothing."
    process.kill()
    process.communicate()
    assert process.returncode < 0, "It was done before it could be killed."


class TestStreamAllocatedTwiceAtOnce:
    @on_postgresql
    def test_is_allocated_as_the_rules_say(
        self,
        alias: str,
        manage: Manage,
        command: Command,
        allocations: Allocations,
        stream: Stream,
    ) -> None:
        command("import_batches", stream.batches)
        arguments = [*stream.order_arguments, "--chunk-size=500", "--format=json", "--verbosity=0"]
        both = [manage(alias, "allocate_orders", *arguments) for _ in range(2)]
        reports = [json.loads(finish(process)) for process in both]
        result = expected(stream)

        assert allocations() == result
        assert command("audit_stock", format="json").stdout == "[]\n"
        # Each line was allocated by one of them, and known already to the other.
        on_batches = sum(bool(reference) for _, reference in result.values())
        assert sum(report["allocated"] for report in reports) == on_batches
        assert sum(report["already_allocated"] for report in reports) == on_batches

    @on_postgresql
    def test_is_so_line_by_line_and_with_unknown_skus(
        self,
        alias: str,
        manage: Manage,
        command: Command,
        allocations: Allocations,
        small_stream: Stream,
    ) -> None:
        """Lines of an unknown SKU have no batch to be locked: their unique key decides."""
        command("import_batches", small_stream.batches)
        arguments = [*small_stream.order_arguments, "--chunk-size=1", "--verbosity=0"]
        for process in [manage(alias, "allocate_orders", *arguments) for _ in range(3)]:
            finish(process)

        assert allocations() == expected(small_stream)
        assert command("audit_stock", format="json").stdout == "[]\n"
