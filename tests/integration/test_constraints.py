"""The database itself refuses what must never be, whoever writes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from allocation import models
from tests.conftest import Fetch
from tests.factories import BatchFactory, OrderLineFactory

Create = Callable[..., Any]


@pytest.fixture
def batch(alias: str) -> Create:
    return lambda **values: BatchFactory.create(using=alias, **values)


@pytest.fixture
def line(alias: str) -> Create:
    return lambda **values: OrderLineFactory.create(using=alias, **values)


class TestABatch:
    def test_is_the_only_one_with_its_reference(self, batch: Create) -> None:
        batch(reference="b1")
        with pytest.raises(IntegrityError):
            batch(reference="b1")

    def test_may_differ_from_another_by_the_case_of_its_reference(self, batch: Create) -> None:
        batch(reference="b1")
        assert batch(reference="B1").reference == "B1"

    @pytest.mark.parametrize("qty", [0, -1])
    def test_holds_at_least_one_unit(self, batch: Create, qty: int) -> None:
        with pytest.raises(IntegrityError):
            batch(purchased_quantity=qty)

    @pytest.mark.parametrize("allocated", [0, 10])
    def test_allocates_from_none_to_all_of_its_units(self, batch: Create, allocated: int) -> None:
        assert batch(purchased_quantity=10, allocated_quantity=allocated)

    @pytest.mark.parametrize("allocated", [-1, 11])
    def test_allocates_no_more_and_no_less(self, batch: Create, allocated: int) -> None:
        with pytest.raises(IntegrityError):
            batch(purchased_quantity=10, allocated_quantity=allocated)

    def test_does_not_go_while_a_line_is_on_it(self, batch: Create, line: Create) -> None:
        holder = batch()
        line(batch=holder, position=1)
        with pytest.raises(ProtectedError):
            holder.delete()

    def test_does_not_go_behind_the_back_of_the_orm_either(
        self, alias: str, fetch: Fetch, batch: Create, line: Create
    ) -> None:
        line(batch=batch(reference="b1"), position=1)
        with pytest.raises(IntegrityError), transaction.atomic(using=alias):
            models.Batch.objects.using(alias).filter(reference="b1")._raw_delete(alias)
        assert fetch(alias, "SELECT reference FROM allocation_batch") == [("b1",)]


class TestALine:
    def test_is_the_only_one_of_its_order_and_sku(self, line: Create) -> None:
        line(orderid="o1", sku="LAMP")
        with pytest.raises(IntegrityError):
            line(orderid="o1", sku="LAMP", qty=2)

    def test_is_on_one_batch_alone(self, batch: Create, line: Create) -> None:
        line(orderid="o1", batch=batch(), position=1)
        with pytest.raises(IntegrityError):
            line(orderid="o1", batch=batch(), position=1)

    @pytest.mark.parametrize("other", [("O1", "LAMP"), ("o1", "lamp"), ("o1", "CHAIR")])
    def test_may_share_one_of_both_with_another(self, line: Create, other: tuple[str, str]) -> None:
        line(orderid="o1", sku="LAMP")
        assert line(orderid=other[0], sku=other[1])

    @pytest.mark.parametrize("qty", [0, -1])
    def test_has_at_least_one_unit(self, line: Create, qty: int) -> None:
        with pytest.raises(IntegrityError):
            line(qty=qty)

    def test_has_no_position_without_a_batch(self, line: Create) -> None:
        with pytest.raises(IntegrityError):
            line(position=1)

    def test_has_a_position_on_a_batch(self, batch: Create, line: Create) -> None:
        with pytest.raises(IntegrityError):
            line(batch=batch())

    def test_has_its_position_for_itself(self, batch: Create, line: Create) -> None:
        holder = batch()
        line(batch=holder, position=1)
        with pytest.raises(IntegrityError):
            line(batch=holder, position=1)

    def test_is_on_a_batch_that_there_is(self, line: Create) -> None:
        with pytest.raises(IntegrityError):
            line(batch_id="never heard of", position=1)
