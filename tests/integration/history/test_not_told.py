"""What is not told, as it was not done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from allocation import bootstrap
from allocation.adapters.history import Author
from allocation.adapters.unit_of_work import AllocationUnitOfWork
from allocation.domain.model import OrderLine, OutOfStock
from allocation.service_layer import services
from allocation.service_layer.unit_of_work import AbstractUnitOfWork
from allocation.uow import ConflictError, DiscardedChangesWarning
from tests.integration.history.conftest import Act, History
from tests.integration.shop import DatabaseShop
from tests.unit.services_contract import JULY, JUNE


class TestNothingIsTold:
    @pytest.mark.parametrize(
        ("service", "arguments"),
        [
            (services.add_batch, ("b1", "LAMP", 10, JUNE)),
            (services.allocate, ("o1", "LAMP", 3)),
            (services.reallocate, ("o1", "LAMP")),
            (services.change_batch_quantity, ("b1", 10)),
            (services.change_batch_eta, ("b1", JUNE)),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    def test_where_nothing_changes(
        self,
        shop: DatabaseShop,
        act: Act,
        history: History,
        service: Callable[..., Any],
        arguments: tuple[Any, ...],
    ) -> None:
        shop.add("b1", "LAMP", 10, JUNE)
        shop.order(("o1", "LAMP", 3))
        act(service, *arguments)
        assert history() == []

    def test_where_nobody_is_named(self, alias: str, history: History) -> None:
        bootstrap.run(partial(services.add_batch, "b1", "LAMP", 10, None), alias)
        assert history() == []

    def test_of_a_rehearsal(self, shop: DatabaseShop, history: History) -> None:
        shop.add("b1", "LAMP", 10)
        bootstrap.rehearse(partial(services.allocate, "o1", "LAMP", 3), shop.alias)
        assert history() == []

    def test_of_what_is_refused(self, shop: DatabaseShop, act: Act, history: History) -> None:
        shop.add("b1", "LAMP", 2)
        with pytest.raises(OutOfStock):
            act(services.allocate, "o1", "LAMP", 3)
        assert history() == []

    def test_of_what_is_not_committed(
        self, shop: DatabaseShop, uow: AllocationUnitOfWork, history: History
    ) -> None:
        shop.add("b1", "LAMP", 10)
        with pytest.warns(DiscardedChangesWarning), uow:
            uow.batches.for_lines([("o1", "LAMP")]).allocate(OrderLine("o1", "LAMP", 3))
            uow.flush()
        assert history() == []

    def test_of_what_an_error_undoes(
        self, shop: DatabaseShop, uow: AllocationUnitOfWork, history: History
    ) -> None:
        shop.add("b1", "LAMP", 10)
        with pytest.raises(RuntimeError, match="on purpose"), uow:
            uow.batches.for_lines([("o1", "LAMP")]).allocate(OrderLine("o1", "LAMP", 3))
            uow.flush()
            raise RuntimeError("on purpose")
        assert history() == []

    def test_of_what_is_rolled_back(
        self, shop: DatabaseShop, uow: AllocationUnitOfWork, history: History
    ) -> None:
        """Not even by what is committed after it."""
        shop.add("b1", "LAMP", 10)
        with uow:
            uow.batches.for_lines([("o1", "LAMP")]).allocate(OrderLine("o1", "LAMP", 3))
            uow.flush()
            uow.rollback()
            uow.batches.get("b1").change_eta(JUNE)
            uow.commit()
        assert [entry[0] for entry in history()] == ["ETA changed"]

    def test_of_a_savepoint_that_is_rolled_back(
        self, shop: DatabaseShop, uow: AllocationUnitOfWork, history: History
    ) -> None:
        """What is before it, after it, and in one that is kept, is told."""
        for reference in ("b1", "b2", "b3", "b4", "b5"):
            shop.add(reference, "LAMP", 10)
        with uow:
            uow.batches.get("b1").change_eta(JUNE)
            with pytest.raises(RuntimeError, match="on purpose"), uow.savepoint():
                uow.batches.get("b2").change_eta(JUNE)
                with uow.savepoint():
                    uow.batches.get("b3").change_eta(JUNE)
                raise RuntimeError("on purpose")
            with uow.savepoint():
                uow.batches.get("b4").change_eta(JUNE)
                with pytest.raises(RuntimeError, match="on purpose"), uow.savepoint():
                    uow.batches.get("b5").change_eta(JUNE)
                    uow.flush()
                    raise RuntimeError("on purpose")
            uow.commit()
        assert [entry[1] for entry in history()] == ["b1", "b4"]
        assert {ref for ref, eta in shop.etas().items() if eta} == {"b1", "b4"}

    def test_of_a_part_of_a_transaction_that_is_rolled_back(
        self, alias: str, history: History
    ) -> None:
        add = partial(services.add_batch, sku="LAMP", qty=10, eta=None)
        author = Author("ann", "by hand")
        for reference, undone in [("b1", True), ("b2", False)]:
            with transaction.atomic(using=alias):
                add(reference, uow=AllocationUnitOfWork(alias, join=True, author=author))
                transaction.set_rollback(undone, using=alias)
        assert [entry[1] for entry in history()] == ["b2"]

    def test_of_an_attempt_that_is_run_again(self, shop: DatabaseShop, history: History) -> None:
        shop.add("b1", "LAMP", 10)
        attempts = []

        def change(uow: AbstractUnitOfWork) -> None:
            attempts.append(uow)
            with uow:
                uow.batches.get("b1").change_eta(JUNE)
                if len(attempts) == 1:
                    uow.batches.list()  # flushes
                    raise ConflictError("somebody was in the way")
                uow.commit()

        bootstrap.run(change, shop.alias, actor="ann")
        assert len(attempts) == 2
        assert [entry[0] for entry in history()] == ["ETA changed"]

    def test_before_it_is_committed(
        self, shop: DatabaseShop, uow: AllocationUnitOfWork, history: History
    ) -> None:
        shop.add("b1", "LAMP", 10)
        with uow:
            uow.batches.get("b1").change_eta(JUNE)
            with uow.savepoint():
                uow.batches.get("b1").change_eta(JULY)
            assert history() == []
            uow.commit()
        assert len(history()) == 2

    def test_and_nothing_is_done_where_it_cannot_be_told(
        self, shop: DatabaseShop, act: Act, history: History
    ) -> None:
        shop.add("b1", "LAMP", 10)
        before = shop.stored()
        table = "allocation_historyentry"
        shop.execute(f"ALTER TABLE {table} RENAME COLUMN detail TO gone")
        try:
            with pytest.raises(Exception, match="detail"):
                act(services.allocate, "o1", "LAMP", 3)
        finally:
            shop.execute(f"ALTER TABLE {table} RENAME COLUMN gone TO detail")
        assert shop.stored() == before
        assert history() == []
