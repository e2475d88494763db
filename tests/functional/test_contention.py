"""Processes that fight for one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.conftest import Fetch, Manage
from tests.functional.conftest import Command
from tests.support.databases import POSTGRESQL, SQLITE

if TYPE_CHECKING:
    import subprocess

_UNITS: Final = 200
_PATIENCE: Final = 120  # seconds; whatever takes longer hangs

# 40 lines of 1 to 3 units. It waits for its name, so that all begin together.
_CONTENDER: Final = """
import io
from django.core.management import CommandError, call_command

print("ready", flush=True)
name = input()
sold = 0
for number in range(40):
    qty = 1 + number % 3
    try:
        call_command("allocate", f"{name}-{number}", "LAMP", str(qty), stdout=io.StringIO())
    except CommandError as error:
        if str(error) != "Out of stock for sku LAMP":
            raise
    else:
        sold += qty
print(sold)
"""


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    while (line := process.stdout.readline()) != "ready\n":
        assert line, "It ended before it began."


class TestOneBatch:
    @pytest.mark.parametrize(
        ("alias", "contenders"),
        [pytest.param(POSTGRESQL, 8, id="postgresql"), pytest.param(SQLITE, 4, id="sqlite")],
    )
    def test_is_sold_to_the_last_unit_and_no_further(
        self, alias: str, contenders: int, command: Command, manage: Manage, fetch: Fetch
    ) -> None:
        command("add_batch", "STOCK-LAMP", "LAMP", _UNITS)
        processes = [manage(alias, "shell", "-c", _CONTENDER) for _ in range(contenders)]
        for process in processes:
            wait_until_ready(process)
        for name, process in enumerate(processes):
            assert process.stdin is not None
            process.stdin.write(f"{name}\n")
            process.stdin.flush()
        sold = 0
        for process in processes:
            stdout, stderr = process.communicate(timeout=_PATIENCE)
            assert (process.returncode, stderr) == (0, "")
            sold += int(stdout)

        assert sold == _UNITS
        assert fetch(alias, "SELECT sum(qty) FROM allocation_orderline") == [(_UNITS,)]
        assert fetch(alias, "SELECT allocated_quantity FROM allocation_batch") == [(_UNITS,)]
