"""The identity map on Django's ORM: promises 8, 9 and 15."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from allocation.uow import EntityNotFound, MisuseError, StaleEntity
from tests.conftest import Fetch
from tests.kernel.models import Discontinued, Line, Membership, Order, Product
from tests.kernel.shop import Basket, ShopUnitOfWork

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


@pytest.fixture
def uow(alias: str) -> Iterator[ShopUnitOfWork]:
    for name in ("a", "b"):
        Product(name=name).save(using=alias)
    with ShopUnitOfWork(alias) as uow:
        yield uow
        uow.rollback()


@pytest.fixture
def connection(alias: str) -> BaseDatabaseWrapper:
    return connections[alias]


def key_of(fetch: Fetch, alias: str, name: str) -> int:
    [(key,)] = fetch(alias, "SELECT id FROM kernel_product WHERE name = %s", (name,))
    assert isinstance(key, int)
    return key


class TestGet:
    """Promise 9: one row is one object."""

    def test_asks_the_database_once(
        self, alias: str, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper, fetch: Fetch
    ) -> None:
        key = key_of(fetch, alias, "a")
        with CaptureQueriesContext(connection) as queries:
            assert uow.products.get(key) is uow.products.get(str(key))
        assert len([query for query in queries if query["sql"].startswith("SELECT")]) == 1

    def test_asks_again_after_a_commit(self, alias: str, uow: ShopUnitOfWork, fetch: Fetch) -> None:
        key = key_of(fetch, alias, "a")
        product = uow.products.get(key)
        uow.commit()
        fetch(alias, "UPDATE kernel_product SET stock = 9")
        assert uow.products.get(key) is product
        assert product.stock == 9

    def test_asks_again_after_a_rollback(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        key = key_of(fetch, alias, "a")
        product = uow.products.get(key)
        uow.rollback()
        fetch(alias, "UPDATE kernel_product SET stock = 9")
        assert uow.products.get(key) is product
        assert product.stock == 9

    def test_after_a_commit_does_not_overlook_what_others_changed(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        product = uow.products.get(key_of(fetch, alias, "a"))
        product.stock = 1
        uow.commit()
        fetch(alias, "UPDATE kernel_product SET stock = 9")
        product.stock = 5
        with pytest.raises(StaleEntity):
            uow.products.get(product.pk)

    def test_of_a_key_of_two_columns_names_both(self, uow: ShopUnitOfWork) -> None:
        membership = Membership(club=1, person=2)
        uow.memberships.add(membership)
        uow.commit()
        uow.memberships.get((1, 2))
        uow.memberships.remove(membership)
        with pytest.raises(EntityNotFound) as raised:
            uow.memberships.get((1, 2))
        assert raised.value.key == (1, 2)

    def test_of_what_was_removed_names_its_key(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        key = key_of(fetch, alias, "a")
        uow.products.remove(uow.products.get(key))
        with pytest.raises(EntityNotFound) as raised:
            uow.products.get(key)
        assert raised.value.key == key

    def test_of_a_key_of_the_wrong_shape_says_what_the_key_is(self, uow: ShopUnitOfWork) -> None:
        with pytest.raises(MisuseError, match=r"key of kernel\.Product is id"):
            uow.products.get((1, 2))

    def test_of_something_that_is_no_key_finds_nothing(self, uow: ShopUnitOfWork) -> None:
        with pytest.raises(EntityNotFound, match="'no number'"):
            uow.products.get("no number")

    def test_finds_a_new_entity_by_a_key_of_its_own(self, uow: ShopUnitOfWork) -> None:
        order = Order(customer="Ann")
        uow.orders.add(order)
        assert uow.orders.get(order.id) is order


class TestQuery:
    """Promise 9: a later query gives the object that is there."""

    def test_sees_what_is_pending(self, uow: ShopUnitOfWork) -> None:
        a, b = uow.products.list()
        a.stock = 5
        uow.products.remove(b)
        new = Product(name="c")
        uow.products.add(new)
        assert list(uow.products.sold_out()) == [new]

    def test_with_a_lock_refreshes_what_was_not_changed_here(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        [a, _] = uow.products.list()
        uow.commit()
        fetch(alias, "UPDATE kernel_product SET stock = 9")
        assert list(uow.products.locked("a")) == [a]
        assert a.stock == 9
        assert list(uow.dirty) == []

    @pytest.mark.django_db(transaction=True, databases=["postgresql"])
    def test_refuses_to_overwrite_what_others_changed_meanwhile(self, fetch: Fetch) -> None:
        Product(name="a").save(using="postgresql")
        with ShopUnitOfWork("postgresql") as uow:
            [a] = uow.products.list()
            a.stock = 5
            fetch("postgresql", "UPDATE kernel_product SET stock = 9")
            with pytest.raises(StaleEntity, match=r"of kernel\.Product"):
                uow.products._read(uow.products.objects.all())
            uow.rollback()

    def test_keeps_custom_managers_working(self, alias: str, uow: ShopUnitOfWork) -> None:
        Discontinued(name="shown").save(using=alias)
        Discontinued(name="hidden", hidden=True).save(using=alias)
        assert [entity.name for entity in uow.discontinued.list()] == ["shown"]

    @pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])
    def test_on_another_database_is_refused(self) -> None:
        with ShopUnitOfWork() as uow, pytest.raises(MisuseError, match="'postgresql'"):
            uow.products.find(Product.objects.using("postgresql"))


class TestDeferredColumns:
    """Promise 15: no lazy query runs behind anybody's back."""

    def test_are_not_read_to_find_out_what_changed(
        self, alias: str, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper, fetch: Fetch
    ) -> None:
        fetch(alias, "UPDATE kernel_product SET note = 'kept'")
        [a, _] = uow.products.names_only()
        a.stock = 3
        with CaptureQueriesContext(connection) as queries:
            uow.commit()
        assert [q["sql"].split()[0] for q in queries if "kernel" in q["sql"]] == ["UPDATE"]
        rows = fetch(alias, "SELECT name, stock, note FROM kernel_product ORDER BY name")
        assert rows == [("a", 3, "kept"), ("b", 0, "kept")]

    def test_are_filled_in_when_a_later_query_reads_them(
        self, alias: str, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper
    ) -> None:
        [a, _] = uow.products.names_only()
        a.name = "changed"
        uow.products.list()
        with CaptureQueriesContext(connection) as queries:
            assert (a.stock, a.name) == (0, "changed")
        assert len(queries) == 0

    def test_are_no_conflict_when_they_are_read_after_a_change(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        fetch(alias, "UPDATE kernel_product SET name = 'a chair' WHERE name = 'a'")
        [a, _] = uow.products.names_only()
        uow.commit()
        a.name = "a table"
        assert uow.products.get(a.pk) is a
        uow.commit()
        assert fetch(alias, "SELECT name FROM kernel_product ORDER BY name") == [
            ("a table",),
            ("b",),
        ]

    def test_read_before_stay_when_a_later_query_leaves_them_out(
        self, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper
    ) -> None:
        [a, _] = uow.products.list()
        assert uow.products.names_only()[0] is a
        with CaptureQueriesContext(connection) as queries:
            assert a.stock == 0
        assert len(queries) == 0
        assert list(uow.dirty) == []


class TestEntities:
    """Promise 15: they stay usable."""

    def test_of_the_orm_work_after_the_block(self, alias: str) -> None:
        with ShopUnitOfWork(alias) as uow:
            order = Order(customer="Ann")
            uow.orders.add(order)
            uow.lines.add(Line(order=order, qty=1))
            uow.commit()
        order.customer = "Bob"
        order.save()
        assert Order.objects.using(alias).get().customer == "Bob"
        assert order.lines.count() == 1

    def test_know_their_database_and_that_they_are_stored(
        self, alias: str, uow: ShopUnitOfWork
    ) -> None:
        order = Order(customer="Ann")
        uow.orders.add(order)
        uow.flush()
        assert (order._state.adding, order._state.db) == (False, alias)
        uow.rollback()
        assert order._state.adding

    def test_of_a_domain_keep_their_identity_when_they_are_refreshed(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        basket = Basket("Ann", {"glue": 1})
        uow.baskets.add(basket)
        uow.commit()
        fetch(alias, "UPDATE kernel_itemrow SET qty = 2")
        assert uow.baskets.get(basket.id) is basket
        assert basket.items == {"glue": 2}


class TestThreads:
    """Two units of work at once."""

    def test_wait_for_each_others_locks(self, alias: str, fetch: Fetch) -> None:
        Product(name="a").save(using=alias)
        start = threading.Barrier(4)

        def increment() -> None:
            try:
                start.wait()
                for _ in range(5):
                    with ShopUnitOfWork(alias) as uow:
                        [product] = uow.products.locked("a")
                        product.stock += 1
                        uow.commit()
            finally:
                connections[alias].close()

        threads = [threading.Thread(target=increment) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert fetch(alias, "SELECT stock FROM kernel_product") == [(20,)]
