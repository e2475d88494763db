"""An entry: by whom it is, and that it stays what it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from allocation import bootstrap
from allocation.domain.values import InvalidValue
from allocation.models import HistoryEntry, HistoryIsFinal
from allocation.service_layer import services
from allocation.service_layer.unit_of_work import AbstractUnitOfWork
from tests.conftest import Fetch
from tests.integration.history.conftest import AUTHORS, Act, History
from tests.integration.shop import DatabaseShop


class TestWho:
    def test_is_told_with_the_service(self, alias: str, act: Act, fetch: Fetch) -> None:
        act(services.add_batch, "b1", "LAMP", 10, None)
        assert fetch(alias, AUTHORS) == [("ann", "add_batch")]

    def test_may_run_anything_that_can_be_called(self, alias: str, fetch: Fetch) -> None:
        class Receive:
            def __call__(self, uow: AbstractUnitOfWork) -> None:
                services.add_batch("b1", "LAMP", 10, None, uow)

        def receive(uow: AbstractUnitOfWork) -> None:
            services.add_batch("b2", "LAMP", 10, None, uow)

        bootstrap.run(Receive(), alias, actor="ann")
        bootstrap.run(receive, alias, actor="ann")
        assert fetch(alias, AUTHORS) == [("ann", "Receive"), ("ann", "receive")]

    @pytest.mark.parametrize("actor", ["", " ", "x" * 256, "a\0b", "\udcff"], ids=ascii)
    def test_is_a_name(self, shop: DatabaseShop, actor: str) -> None:
        with pytest.raises(InvalidValue, match="The actor must"):
            bootstrap.run(
                partial(services.add_batch, "b1", "LAMP", 10, None), shop.alias, actor=actor
            )
        assert shop.stored().batches == {}


class TestAnEntry:
    @pytest.fixture
    def entry(self, alias: str, act: Act) -> HistoryEntry:
        act(services.add_batch, "b1", "LAMP", 10, None)
        return HistoryEntry.objects.using(alias).get()

    @pytest.fixture
    def final(self, alias: str, fetch: Fetch, entry: HistoryEntry) -> Callable[..., None]:
        """Try to change what is there, which must be refused."""

        def check(change: Callable[[], object], error: type[Exception] = HistoryIsFinal) -> None:
            before = fetch(alias, "SELECT * FROM allocation_historyentry")
            with pytest.raises(error):
                change()
            assert fetch(alias, "SELECT * FROM allocation_historyentry") == before

        return check

    def test_has_the_time_of_the_database(self, alias: str, act: Act, fetch: Fetch) -> None:
        before = timezone.now().replace(microsecond=0)
        act(services.add_batch, "b1", "LAMP", 10, None)
        [(at,)] = fetch(alias, "SELECT at FROM allocation_historyentry")
        moment = datetime.fromisoformat(str(at))  # SQLite's driver gives the text
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        assert before <= moment <= timezone.now()

    def test_is_not_saved_again(self, entry: HistoryEntry, final: Callable[..., None]) -> None:
        entry.actor = "bob"
        final(entry.save)
        final(partial(entry.save, update_fields=["actor"]))

    def test_is_not_deleted(self, entry: HistoryEntry, final: Callable[..., None]) -> None:
        final(entry.delete)

    def test_is_not_overwritten_by_a_new_one_with_its_key(
        self, alias: str, entry: HistoryEntry, final: Callable[..., None]
    ) -> None:
        other = HistoryEntry(pk=entry.pk, actor="bob", event="moved", sku="LAMP")
        final(partial(other.save, using=alias), IntegrityError)

    def test_is_not_changed_with_many(
        self, alias: str, entry: HistoryEntry, final: Callable[..., None]
    ) -> None:
        entries = HistoryEntry.objects.using(alias)
        entry.actor = "bob"
        final(partial(entries.update, actor="bob"))
        final(partial(entries.filter(actor="ann").update, actor="bob"))
        final(partial(entries.bulk_update, [entry], ["actor"]))
        final(partial(entries.update_or_create, pk=entry.pk, defaults={"actor": "bob"}))

    def test_is_not_deleted_with_many(
        self, alias: str, entry: HistoryEntry, final: Callable[..., None]
    ) -> None:
        entries = HistoryEntry.objects.using(alias)
        final(entries.delete)
        final(entries.filter(actor="ann").delete)

    def test_can_be_added(self, alias: str, history: History) -> None:
        HistoryEntry.objects.using(alias).create(actor="bob", event="moved", sku="LAMP")
        assert history() == [("moved", None, None, None, "LAMP", "")]

    @pytest.mark.parametrize(
        ("values", "text"),
        [
            (
                {"event": "quantity changed", "batch": "b1", "detail": "2 → 1 unit"},
                "b1 quantity changed by ann: 2 → 1 unit",
            ),
            (
                {"event": "moved", "batch": "b1", "orderid": "o1", "detail": "1 unit"},
                "o1/LAMP moved by ann: 1 unit",
            ),
        ],
    )
    def test_says_what_it_is_about(self, values: dict[str, Any], text: str) -> None:
        assert str(HistoryEntry(actor="ann", sku="LAMP", **values)) == text
