"""add_batch, change_batch_quantity, change_batch_eta and import_batches."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from tests.conftest import Fetch
from tests.functional.conftest import Allocations, Command

BATCHES = "SELECT reference, sku, purchased_quantity, eta FROM allocation_batch ORDER BY reference"


def stored(alias: str, fetch: Fetch) -> list[tuple[str, str, int, str]]:
    return [(ref, sku, qty, str(eta or "")) for ref, sku, qty, eta in fetch(alias, BATCHES)]


class TestAddBatch:
    def test_takes_a_batch_into_stock(self, alias: str, command: Command, fetch: Fetch) -> None:
        output = command("add_batch", "SHIP", "LAMP", 5, "--eta=2030-01-31")

        assert stored(alias, fetch) == [("SHIP", "LAMP", 5, "2030-01-31")]
        assert output.stdout == "Batch SHIP is in stock now.\n"

    def test_changes_nothing_the_second_time_and_says_so(
        self, alias: str, command: Command, fetch: Fetch
    ) -> None:
        command("add_batch", "STOCK", "LAMP", 5)
        output = command("add_batch", "STOCK", "LAMP", 5)

        assert stored(alias, fetch) == [("STOCK", "LAMP", 5, "")]
        assert "nothing changed" in output.stdout

    def test_answers_in_json(self, command: Command) -> None:
        output = command("add_batch", "STOCK", "LAMP", 5, format="json")

        assert json.loads(output.stdout) == {"reference": "STOCK", "added": True}

    def test_refuses_a_known_reference_with_other_data(self, command: Command) -> None:
        command("add_batch", "STOCK", "LAMP", 5)
        with pytest.raises(CommandError, match="Batch STOCK is already there with 5 of LAMP") as e:
            command("add_batch", "STOCK", "LAMP", 6)

        assert e.value.returncode == 1

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["STOCK", "LAMP", "0"], "whole number of at least 1, not 0"),
            (["STOCK", "LAMP", "-3"], "whole number of at least 1, not -3"),
            (["STOCK", "LAMP", "9999999999"], "at most 2147483647"),
            (["STOCK", "LAMP", "1_000"], "'1_000' is not a whole number"),
            (["STOCK", " ", "5"], "sku must not be empty"),
            (["STOCK", "LAMP", "5", "--eta=2011-02-30"], "must be a date as YYYY-MM-DD"),
        ],
    )
    def test_refuses_what_is_no_batch(
        self, command: Command, arguments: list[str], message: str
    ) -> None:
        with pytest.raises(CommandError, match=message):
            command("add_batch", *arguments)


class TestChangeBatchQuantity:
    @pytest.fixture(autouse=True)
    def stock(self, command: Command) -> None:
        command("add_batch", "STOCK", "LAMP", 10)
        command("allocate", "o1", "LAMP", 6)
        command("allocate", "o2", "LAMP", 4)

    def test_moves_the_lines_that_do_not_fit(
        self, alias: str, command: Command, fetch: Fetch, allocations: Allocations
    ) -> None:
        output = command("change_batch_quantity", "STOCK", 7)

        assert stored(alias, fetch) == [("STOCK", "LAMP", 7, "")]
        assert allocations() == {("o1", "LAMP"): (6, "STOCK"), ("o2", "LAMP"): (4, "")}
        assert output.stdout.splitlines()[0] == "Batch STOCK holds 7 now. Lines taken off: 1."
        assert output.stdout.splitlines()[-1].split() == ["o2", "LAMP", "4", "waits"]

    def test_answers_in_json(self, command: Command) -> None:
        output = command("change_batch_quantity", "STOCK", 7, format="json")

        assert json.loads(output.stdout) == {
            "reference": "STOCK",
            "qty": 7,
            "moved": [{"orderid": "o2", "sku": "LAMP", "qty": 4, "batchref": ""}],
        }

    def test_knows_when_there_is_no_such_batch(self, command: Command) -> None:
        with pytest.raises(CommandError, match="There is no batch SHIP"):
            command("change_batch_quantity", "SHIP", 7)

    def test_refuses_what_is_no_quantity(self, command: Command) -> None:
        with pytest.raises(CommandError, match="at least 1, not 0"):
            command("change_batch_quantity", "STOCK", 0)


class TestChangeBatchEta:
    @pytest.fixture(autouse=True)
    def stock(self, command: Command) -> None:
        command("add_batch", "SHIP", "LAMP", 10, "--eta=2030-01-31")
        command("allocate", "o1", "LAMP", 6)

    def test_lets_a_batch_arrive_on_another_day(
        self, alias: str, command: Command, fetch: Fetch, allocations: Allocations
    ) -> None:
        output = command("change_batch_eta", "SHIP", "2030-02-14")

        assert stored(alias, fetch) == [("SHIP", "LAMP", 10, "2030-02-14")]
        assert allocations() == {("o1", "LAMP"): (6, "SHIP")}
        assert output.stdout == "Batch SHIP is due 2030-02-14 now.\n"

    def test_lets_a_batch_have_arrived(
        self, alias: str, command: Command, fetch: Fetch, allocations: Allocations
    ) -> None:
        output = command("change_batch_eta", "SHIP", "--arrived")

        assert stored(alias, fetch) == [("SHIP", "LAMP", 10, "")]
        assert allocations() == {("o1", "LAMP"): (6, "SHIP")}
        assert output.stdout == "Batch SHIP is in the warehouse now.\n"

    def test_changes_nothing_the_second_time_and_says_so(
        self, alias: str, command: Command, fetch: Fetch
    ) -> None:
        output = command("change_batch_eta", "SHIP", "2030-01-31")

        assert stored(alias, fetch) == [("SHIP", "LAMP", 10, "2030-01-31")]
        assert output.stdout == "Batch SHIP is due 2030-01-31 already: nothing changed.\n"

    @pytest.mark.parametrize(
        ("argument", "eta", "changed"),
        [("2030-02-14", "2030-02-14", True), ("2030-01-31", "2030-01-31", False)],
    )
    def test_answers_in_json(
        self, command: Command, argument: str, eta: str, *, changed: bool
    ) -> None:
        output = command("change_batch_eta", "SHIP", argument, format="json")

        assert json.loads(output.stdout) == {"reference": "SHIP", "eta": eta, "changed": changed}

    def test_answers_in_json_without_a_day_when_it_has_arrived(self, command: Command) -> None:
        output = command("change_batch_eta", "SHIP", "--arrived", format="json")

        assert json.loads(output.stdout) == {"reference": "SHIP", "eta": None, "changed": True}

    def test_knows_when_there_is_no_such_batch(self, command: Command) -> None:
        with pytest.raises(CommandError, match=r"There is no batch STOCK\."):
            command("change_batch_eta", "STOCK", "--arrived")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "Give the day on which the batch arrives, or --arrived"),
            ([""], "Give the day on which the batch arrives, or --arrived"),
            (["2030-02-14", "--arrived"], "Give the day on which the batch arrives, or --arrived"),
            (["2030-02-30"], "must be a date as YYYY-MM-DD"),
            (["tomorrow"], "must be a date as YYYY-MM-DD"),
        ],
    )
    def test_refuses_what_is_no_day(
        self, alias: str, command: Command, fetch: Fetch, arguments: list[str], message: str
    ) -> None:
        with pytest.raises(CommandError, match=message):
            command("change_batch_eta", "SHIP", *arguments)

        assert stored(alias, fetch) == [("SHIP", "LAMP", 10, "2030-01-31")]


class TestImportBatches:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "batches.csv"

    def test_takes_batches_into_stock(
        self, alias: str, command: Command, fetch: Fetch, file: Path
    ) -> None:
        file.write_text("reference,sku,qty,eta\nb1,LAMP,5,\nb2,LAMP,6,2030-01-31\n")
        command("import_batches", file)

        assert stored(alias, fetch) == [("b1", "LAMP", 5, ""), ("b2", "LAMP", 6, "2030-01-31")]

    @pytest.mark.parametrize("chunk_size", [1, 100])
    def test_passes_over_what_is_known_and_rejects_what_differs(
        self, alias: str, command: Command, fetch: Fetch, file: Path, chunk_size: int
    ) -> None:
        command("add_batch", "b1", "LAMP", 5)
        command("add_batch", "b2", "LAMP", 5)
        file.write_text(
            "reference,sku,qty,eta\n"
            "b1,LAMP,5,\n"
            "b2,LAMP,6,\n"
            "b3,SOFA,1,\n"
            "b3,SOFA,1,\n"
            "b3,SOFA,1,2030-01-31\n"
            "b4,SOFA,none,\n"
        )
        rejects = file.with_name("rejects.csv")
        output = command(
            "import_batches", file, format="json", rejects=str(rejects), chunk_size=chunk_size
        )
        report = json.loads(output.stdout)
        del report["seconds"]

        assert report == {"read": 6, "added": 1, "unchanged": 2, "rejected": 3, "conflicts": 2}
        assert stored(alias, fetch) == [
            ("b1", "LAMP", 5, ""),
            ("b2", "LAMP", 5, ""),
            ("b3", "SOFA", 1, ""),
        ]
        with rejects.open(encoding="utf-8", newline="") as stream:
            assert sorted(
                (int(row["row"]), row["reference"], row["reason"][:22])
                for row in csv.DictReader(stream)
            ) == [
                (3, "b2", "Batch b2 is already th"),
                (6, "b3", "Batch b3 is already th"),
                (7, "b4", "The quantity must be a"),
            ]

    def test_says_when_nothing_changed(self, command: Command, file: Path) -> None:
        file.write_text("reference,sku,qty,eta\nb1,LAMP,5,\n")
        first = command("import_batches", file)
        second = command("import_batches", file)

        assert "Nothing changed" not in first.stdout
        assert "Nothing changed" in second.stdout

    def test_tells_and_writes_nothing_in_a_dry_run(
        self, alias: str, command: Command, fetch: Fetch, file: Path
    ) -> None:
        file.write_text("reference,sku,qty,eta\nb1,LAMP,5,\nb1,LAMP,6,\nb2,LAMP,0,\n")
        rejects = file.with_name("rejects.csv")

        def report(**options: object) -> dict[str, float]:
            counts: dict[str, float] = json.loads(
                command("import_batches", file, format="json", **options).stdout
            )
            del counts["seconds"]
            return counts

        told = report(dry_run=True, rejects=str(rejects), chunk_size=1)
        words = command("import_batches", file, dry_run=True).stdout

        assert stored(alias, fetch) == []
        assert not rejects.exists()
        assert "A dry run: nothing was written." in words
        assert (
            told
            == report()
            == {"read": 3, "added": 1, "unchanged": 0, "rejected": 2, "conflicts": 1}
        )

    def test_names_the_columns_found_when_one_is_missing(
        self, command: Command, file: Path
    ) -> None:
        file.write_text("reference,sku,quantity,eta\nb1,LAMP,5,\n")
        with pytest.raises(
            CommandError, match=r"no column qty\. The columns are: reference, sku, q"
        ):
            command("import_batches", file)
