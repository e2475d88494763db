"""allocate, deallocate and reallocate."""

from __future__ import annotations

import json

import pytest
from django.core.management.base import CommandError

from tests.functional.conftest import Allocations, Command


@pytest.fixture(autouse=True)
def stock(command: Command) -> None:
    command("add_batch", "STOCK", "LAMP", 10)
    command("add_batch", "SHIP", "LAMP", 10, "--eta=2030-01-31")


class TestAllocate:
    def test_allocates_a_line_and_tells_where(
        self, command: Command, allocations: Allocations
    ) -> None:
        output = command("allocate", "o1", "LAMP", 6)

        assert allocations() == {("o1", "LAMP"): (6, "STOCK")}
        assert output.stdout == "The line of order o1 for sku LAMP is allocated to batch STOCK.\n"

    def test_answers_the_same_the_second_time(
        self, command: Command, allocations: Allocations
    ) -> None:
        first = command("allocate", "o1", "LAMP", 6)
        second = command("allocate", "o1", "LAMP", 6)

        assert first == second
        assert allocations() == {("o1", "LAMP"): (6, "STOCK")}

    def test_answers_in_json(self, command: Command) -> None:
        output = command("allocate", "o1", "LAMP", 6, format="json")

        assert json.loads(output.stdout) == {"orderid": "o1", "sku": "LAMP", "batchref": "STOCK"}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("o1", "LAMP", 11), "Out of stock for sku LAMP"),
            (("o1", "lamp", 1), "Invalid sku lamp"),
            (("o1", "LAMP", 0), "at least 1, not 0"),
            (("o1", "LAMP", "six"), "'six' is not a whole number"),
            (("", "LAMP", 1), "order id must not be empty"),
            (("o0", "LAMP", 3), "already has a line for sku LAMP with quantity 2, not 3"),
        ],
    )
    def test_explains_in_a_sentence_why_not(
        self,
        command: Command,
        allocations: Allocations,
        arguments: tuple[object, ...],
        message: str,
    ) -> None:
        command("allocate", "o0", "LAMP", 2)
        with pytest.raises(CommandError, match=message):
            command("allocate", *arguments)

        assert allocations() == {("o0", "LAMP"): (2, "STOCK")}


class TestDeallocate:
    def test_keeps_the_line_as_a_backorder(
        self, command: Command, allocations: Allocations
    ) -> None:
        command("allocate", "o1", "LAMP", 6)
        output = command("deallocate", "o1", "LAMP")

        assert allocations() == {("o1", "LAMP"): (6, "")}
        assert "is a backorder now. It was on batch STOCK." in output.stdout

    def test_answers_in_json(self, command: Command) -> None:
        command("allocate", "o1", "LAMP", 6)
        output = command("deallocate", "o1", "LAMP", format="json")

        assert json.loads(output.stdout) == {"orderid": "o1", "sku": "LAMP", "batchref": "STOCK"}

    def test_knows_when_there_is_no_such_line(self, command: Command) -> None:
        with pytest.raises(CommandError, match="Order o1 has no line for sku LAMP"):
            command("deallocate", "o1", "LAMP")

    def test_knows_when_the_line_waits_already(self, command: Command) -> None:
        command("allocate", "o1", "LAMP", 6)
        command("deallocate", "o1", "LAMP")
        with pytest.raises(CommandError, match="it is a backorder"):
            command("deallocate", "o1", "LAMP")


class TestReallocateLine:
    def test_gives_the_line_the_batch_it_would_get_today(
        self, command: Command, allocations: Allocations
    ) -> None:
        command("allocate", "o1", "LAMP", 6)
        command("allocate", "o2", "LAMP", 6)
        command("deallocate", "o1", "LAMP")
        output = command("reallocate", "o2", "LAMP")

        assert allocations() == {("o1", "LAMP"): (6, ""), ("o2", "LAMP"): (6, "STOCK")}
        assert output.stdout == "The line of order o2 for sku LAMP is on batch STOCK.\n"

    def test_answers_in_json(self, command: Command) -> None:
        command("allocate", "o1", "LAMP", 6)
        output = command("reallocate", "o1", "LAMP", format="json")

        assert json.loads(output.stdout) == {"orderid": "o1", "sku": "LAMP", "batchref": "STOCK"}

    def test_knows_when_there_is_no_such_line(self, command: Command) -> None:
        with pytest.raises(CommandError, match="Order o1 has no line for sku LAMP"):
            command("reallocate", "o1", "LAMP")


class TestReallocateBackorders:
    @pytest.fixture(autouse=True)
    def backorders(self, command: Command) -> None:
        """Three lines that wait for stock, and then stock for one of them."""
        command("add_batch", "SOFAS", "SOFA", 5)
        for orderid, sku, qty in [("o1", "LAMP", 10), ("o2", "LAMP", 10), ("o3", "SOFA", 5)]:
            command("allocate", orderid, sku, qty)
            command("deallocate", orderid, sku)
        command("allocate", "o4", "LAMP", 10)

    def test_tries_them_all_the_oldest_first(
        self, command: Command, allocations: Allocations
    ) -> None:
        output = command("reallocate", backorders=True)

        assert allocations() == {
            ("o1", "LAMP"): (10, "SHIP"),
            ("o2", "LAMP"): (10, ""),
            ("o3", "SOFA"): (5, "SOFAS"),
            ("o4", "LAMP"): (10, "STOCK"),
        }
        assert output.stdout.startswith("Backorders tried: 3. Allocated: 2. Still waiting: 1.")

    def test_tries_those_of_one_sku(self, command: Command, allocations: Allocations) -> None:
        command("reallocate", "--backorders", "--sku=SOFA")

        assert allocations()["o1", "LAMP"] == (10, "")
        assert allocations()["o3", "SOFA"] == (5, "SOFAS")

    def test_answers_in_json(self, command: Command) -> None:
        output = command("reallocate", "--backorders", "--sku=SOFA", format="json")

        assert json.loads(output.stdout) == {
            "tried": 1,
            "still_waiting": 0,
            "allocated": [{"orderid": "o3", "sku": "SOFA", "qty": 5, "batchref": "SOFAS"}],
        }


class TestReallocateBatch:
    @pytest.fixture(autouse=True)
    def lines(self, command: Command) -> None:
        command("allocate", "o1", "LAMP", 7)
        command("allocate", "o2", "LAMP", 3)
        command("allocate", "o3", "LAMP", 2)

    def test_moves_lines_where_there_is_room_and_leaves_the_rest(
        self, command: Command, allocations: Allocations
    ) -> None:
        output = command("reallocate", "--batch=STOCK")

        assert allocations() == {
            ("o1", "LAMP"): (7, "SHIP"),
            ("o2", "LAMP"): (3, "STOCK"),
            ("o3", "LAMP"): (2, "SHIP"),
        }
        assert output.stdout.startswith("Lines moved off batch STOCK: 1. Left on it: 1.")

    def test_answers_in_json(self, command: Command) -> None:
        output = command("reallocate", "--batch=STOCK", format="json")

        assert json.loads(output.stdout) == {
            "reference": "STOCK",
            "moved": 1,
            "left": 1,
            "lines": [
                {"orderid": "o1", "sku": "LAMP", "qty": 7, "batchref": "SHIP"},
                {"orderid": "o2", "sku": "LAMP", "qty": 3, "batchref": "STOCK"},
            ],
        }

    def test_knows_when_there_is_no_such_batch(self, command: Command) -> None:
        with pytest.raises(CommandError, match="There is no batch TRAIN"):
            command("reallocate", "--batch=TRAIN")


class TestReallocate:
    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("o1",),
            ("o1", "LAMP", "--backorders"),
            ("o1", "LAMP", "--batch=STOCK"),
            ("o1", "LAMP", "--sku=LAMP"),
            ("--sku=LAMP",),
            ("--batch=STOCK", "--backorders"),
            ("--batch=STOCK", "--sku=LAMP"),
            ("--batch=",),
        ],
    )
    def test_knows_three_forms_and_no_mixture(
        self, command: Command, arguments: tuple[str, ...]
    ) -> None:
        with pytest.raises(CommandError, match="Give an order and a SKU, or --backorders"):
            command("reallocate", *arguments)
