from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from tests.functional.conftest import Allocations, Command


@pytest.fixture(autouse=True)
def stock(command: Command) -> None:
    command("add_batch", "STOCK", "LAMP", 10)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "orders.csv"


def report(command: Command, file: Path, **options: Any) -> dict[str, float]:
    output = command("allocate_orders", file, format="json", **options)
    counts: dict[str, float] = json.loads(output.stdout)
    return {name: count for name, count in counts.items() if count and "second" not in name}


class TestAllocateOrders:
    def test_allocates_and_keeps_the_rest_as_backorders(
        self, command: Command, allocations: Allocations, file: Path
    ) -> None:
        file.write_text("orderid,sku,qty\no1,LAMP,8\no2,LAMP,8\no3,SOFA,1\no4,LAMP,2\n")
        counts = report(command, file)

        assert allocations() == {
            ("o1", "LAMP"): (8, "STOCK"),
            ("o2", "LAMP"): (8, ""),
            ("o3", "SOFA"): (1, ""),
            ("o4", "LAMP"): (2, "STOCK"),
        }
        assert counts == {
            "read": 4,
            "lines": 4,
            "allocated": 2,
            "backordered": 2,
            "unknown_sku": 1,
        }

    def test_reads_the_columns_it_is_told(
        self, command: Command, allocations: Allocations, file: Path
    ) -> None:
        file.write_text("Quantity,StockCode,InvoiceNo\n8,LAMP,o1\n")
        columns = ["--orderid-column=InvoiceNo", "--sku-column=StockCode", "--qty-column=Quantity"]
        command("allocate_orders", file, *columns)

        assert allocations() == {("o1", "LAMP"): (8, "STOCK")}

    def test_takes_backorders_up_again(
        self, command: Command, allocations: Allocations, file: Path
    ) -> None:
        file.write_text("orderid,sku,qty\no1,LAMP,8\no2,LAMP,8\no3,LAMP,8\n")
        command("allocate_orders", file)
        command("add_batch", "MORE", "LAMP", 8)
        counts = report(command, file)

        assert counts == {
            "read": 3,
            "lines": 3,
            "allocated": 1,
            "already_allocated": 1,
            "still_waiting": 1,
        }
        assert allocations()["o2", "LAMP"] == (8, "MORE")

    def test_says_in_words_what_happened(self, command: Command, file: Path) -> None:
        file.write_text("orderid,sku,qty\no1,LAMP,8\no1,LAMP,1\no2,LAMP,x\n")
        output = command("allocate_orders", file)
        counts = dict(line.rsplit(maxsplit=1) for line in output.stdout.strip().splitlines())

        assert counts["rows read"] == "3"
        assert counts["merged with an earlier row"] == "1"
        assert counts["rejected"] == "1"
        assert counts["  allocated"] == "1"
        assert "lines per second" in counts
        assert "Row 4 is rejected: The quantity must be a whole number" in output.stderr

    def test_shows_the_first_rejects_only_where_no_file_keeps_them(
        self, command: Command, file: Path
    ) -> None:
        file.write_text("orderid,sku,qty\n" + "o1,LAMP,0\n" * 25)
        output = command("allocate_orders", file)

        assert output.stderr.count("is rejected") == 10
        assert "So are 15 more." in output.stderr

    def test_shows_the_rejects_in_the_order_of_their_rows(
        self, command: Command, file: Path
    ) -> None:
        """Whether they are known with another quantity, or cannot be a line."""
        command("allocate", "o1", "LAMP", 1)
        file.write_text("orderid,sku,qty\n" + "o1,LAMP,2\no2,LAMP,x\n" * 10)
        stderr = command("allocate_orders", file).stderr

        assert re.findall(r"Row (\d+) is rejected", stderr) == [str(row) for row in range(2, 12)]

    def test_is_silent_about_rejects_when_told_so(self, command: Command, file: Path) -> None:
        file.write_text("orderid,sku,qty\no1,LAMP,0\n")

        assert command("allocate_orders", file, verbosity=0).stderr == ""

    def test_takes_a_file_without_rows(self, command: Command, file: Path) -> None:
        file.write_text("orderid,sku,qty\n")

        assert "Nothing changed" in command("allocate_orders", file).stdout

    @pytest.mark.parametrize("chunk_size", [0, -1, "many"])
    def test_refuses_a_chunk_of_nothing(
        self, command: Command, file: Path, chunk_size: object
    ) -> None:
        with pytest.raises(CommandError, match="chunk-size"):
            command("allocate_orders", file, f"--chunk-size={chunk_size}")


class TestRejects:
    @pytest.fixture
    def rejects(self, tmp_path: Path) -> Path:
        return tmp_path / "rejects.csv"

    def read(self, rejects: Path) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(rejects.read_bytes().decode("utf-8"), newline="")))

    def test_keeps_the_rows_as_they_were(self, command: Command, file: Path, rejects: Path) -> None:
        file.write_text("note,orderid,sku,qty\n Möbel ,o1,LAMP,1\n Möbel ,o2,LAMP,-1\n")
        output = command("allocate_orders", file, rejects=str(rejects))

        assert self.read(rejects) == [
            {
                "note": " Möbel ",
                "orderid": "o2",
                "sku": "LAMP",
                "qty": "-1",
                "row": "3",
                "reason": "The quantity must be a whole number of at least 1, not -1.",
            }
        ]
        assert str(rejects) in output.stderr

    def test_keeps_all_rows_of_a_line_known_with_another_quantity(
        self, command: Command, file: Path, rejects: Path
    ) -> None:
        command("allocate", "o1", "LAMP", 5)
        file.write_text("orderid,sku,qty\no1,LAMP,2\no2,LAMP,1\no1,LAMP,4\n")
        counts = report(command, file, rejects=str(rejects))

        assert counts == {"read": 3, "rejected": 2, "conflicts": 1, "lines": 1, "allocated": 1}
        assert [(row["row"], row["qty"]) for row in self.read(rejects)] == [("2", "2"), ("4", "4")]
        assert (
            "already has a line for sku LAMP with quantity 5, not 6"
            in self.read(rejects)[0]["reason"]
        )

    def test_can_be_corrected_and_read_again(
        self, command: Command, allocations: Allocations, file: Path, rejects: Path
    ) -> None:
        file.write_text("orderid,sku,qty\no1,LAMP,1\no2,LAMP,three\no3,LAMP,x\n")
        command("allocate_orders", file, rejects=str(rejects))
        rejects.write_text(rejects.read_text().replace("LAMP,three,", "LAMP,3,"))
        again = rejects.with_name("again.csv")
        command("allocate_orders", rejects, rejects=str(again))

        assert allocations() == {("o1", "LAMP"): (1, "STOCK"), ("o2", "LAMP"): (3, "STOCK")}
        assert list(self.read(again)[0]) == ["orderid", "sku", "qty", "row", "reason"]

    def test_has_its_header_when_nothing_is_rejected(
        self, command: Command, file: Path, rejects: Path
    ) -> None:
        rejects.write_text("of yesterday")
        file.write_text("orderid,sku,qty\no1,LAMP,1\n")
        command("allocate_orders", file, rejects=str(rejects))

        assert rejects.read_bytes() == b"orderid,sku,qty,row,reason\r\n"

    @pytest.mark.parametrize("place", [".", "missing/rejects.csv", "orders.csv/rejects.csv"])
    def test_is_found_unwritable_before_anything_is_allocated(
        self, command: Command, allocations: Allocations, file: Path, place: str
    ) -> None:
        file.write_text("orderid,sku,qty\no1,LAMP,1\n")
        with pytest.raises(CommandError, match=r"directory|Directory"):
            command("allocate_orders", file, rejects=str(file.parent / place))

        assert allocations() == {}

    def test_may_be_a_device(self, command: Command, file: Path) -> None:
        file.write_text("orderid,sku,qty\no1,LAMP,0\n")
        command("allocate_orders", file, rejects=os.devnull)

        assert not Path(os.devnull).is_file()

    def test_does_not_overwrite_the_orders(self, command: Command, file: Path) -> None:
        file.write_text("orderid,sku,qty\no1,LAMP,1\n")
        with pytest.raises(CommandError, match="would overwrite"):
            command("allocate_orders", file, rejects=str(file.parent / "." / file.name))

    def test_leaves_nothing_behind_when_the_orders_cannot_be_read(
        self, command: Command, file: Path, rejects: Path
    ) -> None:
        rejects.write_text("of yesterday")
        file.write_bytes(b"orderid,sku,qty\no1,LAMP,\0\n")
        with pytest.raises(CommandError):
            command("allocate_orders", file, rejects=str(rejects))

        assert sorted(file.parent.iterdir()) == [file, rejects]
        assert rejects.read_text() == "of yesterday"


class TestDryRun:
    def test_writes_nothing_at_all(
        self, command: Command, allocations: Allocations, file: Path
    ) -> None:
        file.write_text("orderid,sku,qty\no1,LAMP,8\no2,LAMP,8\no3,LAMP,x\n")
        rejects = file.with_name("rejects.csv")
        output = command("allocate_orders", file, dry_run=True, rejects=str(rejects))

        assert allocations() == {}
        assert not rejects.exists()
        assert "A dry run: nothing was written." in output.stdout

    def test_tells_what_would_happen_whatever_the_chunks(
        self, command: Command, file: Path
    ) -> None:
        file.write_text("orderid,sku,qty\no1,LAMP,8\no2,LAMP,8\no3,SOFA,1\n")
        told = report(command, file, dry_run=True, chunk_size=1)

        assert told == report(command, file)


class TestFile:
    """What is wrong with the file as a whole."""

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "The file is empty"),
            (
                b"orderid,sku,quantity\no1,LAMP,1\n",
                "no column qty. The columns are: orderid, sku, q",
            ),
            (b"orderid,sku,qty,qty\no1,LAMP,1,1\n", "more than one column qty"),
            (b"orderid,sku,qty\no1,LAMP,1\n\0\1\2\n", "Row 3 contains a NUL character"),
            (b"orderid,sku,qty\no1,LAMP,1\no2,\xff,1\n", "Row 3 is not UTF-8"),
            (b'orderid,sku,qty\no1,LAMP,1\no2,"LAMP,1\n', "Row 3 has a quote that is never closed"),
        ],
    )
    def test_is_named_with_what_is_wrong_and_nothing_is_allocated(
        self,
        command: Command,
        allocations: Allocations,
        file: Path,
        content: bytes,
        message: str,
    ) -> None:
        file.write_bytes(content)
        with pytest.raises(CommandError) as error:
            command("allocate_orders", file)

        assert str(error.value).startswith(f"{file}: ")
        assert message in str(error.value)
        assert allocations() == {}

    def test_may_not_be_there(self, command: Command, file: Path) -> None:
        with pytest.raises(CommandError, match=r"orders\.csv: No such file or directory\."):
            command("allocate_orders", file)

    def test_may_not_be_a_directory(self, command: Command, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r": Is a directory\."):
            command("allocate_orders", tmp_path)
