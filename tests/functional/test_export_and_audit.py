from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management.base import CommandError
from django.db import connections

from allocation.models import OrderLine
from tests.conftest import Manage
from tests.functional.conftest import Allocations, Command


@pytest.fixture
def lines(command: Command) -> None:
    command("add_batch", "STOCK", "Möbel, grün", 10)
    command("allocate", "o2", "Möbel, grün", 6)
    command("allocate", "o1", "Möbel, grün", 4)
    command("deallocate", "o2", "Möbel, grün")


@pytest.mark.usefixtures("lines")
class TestExportAllocations:
    CONTENT = 'orderid,sku,qty,batchref\no1,"Möbel, grün",4,STOCK\no2,"Möbel, grün",6,\n'

    @pytest.mark.parametrize("file", [(), ("-",)])
    def test_writes_every_line_to_stdout(self, command: Command, file: tuple[str, ...]) -> None:
        output = command("export_allocations", *file)

        assert (output.stdout, output.stderr) == (self.CONTENT, "")

    def test_writes_every_line_to_a_file(self, command: Command, tmp_path: Path) -> None:
        file = tmp_path / "allocations.csv"
        file.write_text("of yesterday")
        output = command("export_allocations", file)

        assert file.read_bytes().decode("utf-8") == self.CONTENT
        assert (output.stdout, output.stderr) == ("", "")
        assert list(tmp_path.iterdir()) == [file]

    def test_can_be_read_again(
        self, command: Command, allocations: Allocations, tmp_path: Path
    ) -> None:
        file = tmp_path / "allocations.csv"
        command("export_allocations", file)
        before = allocations()
        report = json.loads(command("allocate_orders", file, "--dry-run", format="json").stdout)

        assert (report["already_allocated"], report["rejected"]) == (1, 0)
        assert allocations() == before

    def test_tells_when_the_file_cannot_be_written(self, command: Command, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="No such file or directory"):
            command("export_allocations", tmp_path / "missing" / "allocations.csv")


class TestExportThroughAPipe:
    def test_is_utf_8_whatever_the_locale(
        self, alias: str, manage: Manage, lines: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
        export = manage(alias, "export_allocations")
        stdout, stderr = export.communicate()

        assert (export.returncode, stderr) == (0, "")
        assert stdout == TestExportAllocations.CONTENT

    def test_ends_quietly_when_its_reader_leaves(self, alias: str, manage: Manage) -> None:
        # More than a pipe holds.
        OrderLine.objects.using(alias).bulk_create(
            OrderLine(orderid=f"order-{number}", sku="LAMP", qty=1) for number in range(10_000)
        )
        connections[alias].close()
        export = manage(alias, "export_allocations")
        assert export.stdout is not None
        assert export.stderr is not None
        assert export.stdout.readline() == "orderid,sku,qty,batchref\n"
        export.stdout.close()

        assert export.stderr.read() == ""
        assert export.wait() == 141


class TestAuditStock:
    def test_finds_nothing_where_nothing_is(self, command: Command, lines: None) -> None:
        assert command("audit_stock").stdout == "Every number agrees with the order lines.\n"
        assert json.loads(command("audit_stock", format="json").stdout) == []

    @pytest.fixture
    def damage(self, alias: str, lines: None) -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute("UPDATE allocation_batch SET allocated_quantity = 7")

    def test_fails_with_a_table_of_what_disagrees(
        self, alias: str, manage: Manage, damage: None
    ) -> None:
        audit = manage(alias, "audit_stock")
        stdout, stderr = audit.communicate()

        assert audit.returncode == 1
        assert stderr == "CommandError: Numbers that disagree with the order lines: 1.\n"
        assert ["STOCK", "allocated", "quantity", "7", "4"] in [
            line.split() for line in stdout.splitlines()
        ]

    def test_prints_data_alone_in_json(self, alias: str, manage: Manage, damage: None) -> None:
        audit = manage(alias, "audit_stock", "--format=json")
        stdout, _ = audit.communicate()

        assert audit.returncode == 1
        assert json.loads(stdout)[0] == {
            "reference": "STOCK",
            "what": "allocated quantity",
            "stored": 7,
            "found": 4,
        }
