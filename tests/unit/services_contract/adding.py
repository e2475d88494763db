"""Batches that come in: add_batch and add_batches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from allocation.domain.model import Batch
from allocation.domain.values import InvalidValue
from allocation.service_layer import services
from allocation.service_layer.services import BatchConflict
from tests.unit.services_contract.shop import JULY, JUNE, Shop, Stored


class Adding:
    # -- add_batch, add_batches ------------------------------------------

    def test_add_batch_stores_a_batch(self, shop: Shop) -> None:
        services.add_batch("b1", "LAMP", 10, None, shop.uow())
        assert shop.stored() == Stored({"b1": (10, 0)}, {})

    def test_add_batch_tells_that_a_batch_is_new(self, shop: Shop) -> None:
        assert services.add_batch("b1", "LAMP", 10, JUNE, shop.uow()) is True

    def test_add_batch_tells_that_a_batch_is_known(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        assert services.add_batch("b1", "LAMP", 10, JUNE, shop.uow()) is False

    def test_add_batch_leaves_a_known_batch_as_it_is(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        shop.order(("o1", "LAMP", 3))
        shop.add("b1", "LAMP", 10, JUNE)
        assert shop.stored() == Stored({"b1": (10, 3)}, {("o1", "LAMP"): (3, "b1")})

    @pytest.mark.parametrize(
        "other",
        [("LAMP", 11, JUNE), ("lamp", 10, JUNE), ("LAMP", 10, JULY), ("LAMP", 10, None)],
        ids=["quantity", "sku", "eta", "no eta"],
    )
    def test_add_batch_refuses_a_known_reference_with_other_data(
        self, shop: Shop, unchanged: Callable[..., None], other: tuple[str, int, date | None]
    ) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        unchanged(BatchConflict, services.add_batch, "b1", *other)

    def test_add_batch_shows_both_of_two_batches_in_conflict(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        with pytest.raises(
            BatchConflict,
            match="b1 is already there with 10 of LAMP in the warehouse, "
            "not 11 of LAMP due 2026-06-01",
        ):
            services.add_batch("b1", "LAMP", 11, JUNE, shop.uow())

    @pytest.mark.parametrize("arguments", [("", "LAMP", 1), ("b1", "\0", 1), ("b1", "LAMP", 0)])
    def test_add_batch_refuses_invalid_values(
        self, unchanged: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        unchanged(InvalidValue, services.add_batch, *arguments, None)

    def test_add_batch_tells_references_apart_by_their_case(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        shop.add("B1", "LAMP", 11)
        assert shop.stored().batches == {"b1": (10, 0), "B1": (11, 0)}

    def test_add_batches_stores_what_is_new_and_tells_of_each(self, shop: Shop) -> None:
        shop.add("b1", "LAMP", 10)
        given = [Batch("b2", "LAMP", 1, None), Batch("b1", "LAMP", 10, None)]
        conflict = Batch("b1", "LAMP", 11, None)
        new, known, refused = services.add_batches([*given, conflict], shop.uow())
        assert (new, known) == (True, False)
        assert isinstance(refused, BatchConflict)
        assert refused.given is conflict
        assert shop.stored().batches == {"b1": (10, 0), "b2": (1, 0)}

    def test_add_batches_compares_those_given_with_each_other(self, shop: Shop) -> None:
        given = [Batch("b1", "LAMP", qty, None) for qty in (1, 1, 2)]
        first, second, third = services.add_batches(given, shop.uow())
        assert (first, second) == (True, False)
        assert isinstance(third, BatchConflict)
        assert shop.stored().batches == {"b1": (1, 0)}

    def test_add_batches_takes_the_same_object_once(self, shop: Shop) -> None:
        batch = Batch("b1", "LAMP", 1, None)
        assert services.add_batches([batch, batch], shop.uow()) == [True, False]

    def test_add_batches_may_have_nothing_to_add(self, shop: Shop) -> None:
        assert services.add_batches([], shop.uow()) == []
