"""What a flush writes, and in how many statements: promises 10, 11 and 15."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from django.db import DataError, IntegrityError, connections
from django.test.utils import CaptureQueriesContext

from allocation.uow import KeyChanged, StaleEntity, UniqueViolation
from allocation.uow.django.mapping import table_of
from tests.conftest import Fetch
from tests.kernel.models import Line, Order, Product, Ticket
from tests.kernel.shop import Basket, ShopUnitOfWork
from tests.support import databases

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

WRITES = ("INSERT", "UPDATE", "DELETE")


@pytest.fixture
def uow(alias: str) -> Iterator[ShopUnitOfWork]:
    with ShopUnitOfWork(alias) as uow:
        yield uow
        uow.rollback()


@pytest.fixture
def connection(alias: str) -> BaseDatabaseWrapper:
    return connections[alias]


@contextmanager
def statements(connection: BaseDatabaseWrapper) -> Iterator[list[str]]:
    """The statements that write or read, without those of the transaction."""
    sent: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield sent
    sent += [
        query["sql"] for query in queries if query["sql"].startswith(("SELECT", "DECLARE", *WRITES))
    ]


def kinds(sent: Sequence[str]) -> Counter[str]:
    return Counter(statement.split()[0] for statement in sent)


def stock_of(fetch: Fetch, alias: str) -> dict[str, int]:
    return dict(fetch(alias, "SELECT name, stock FROM kernel_product"))


class TestStatements:
    """Promise 11: at most one per table and kind, however many entities."""

    def test_of_many_entities_of_one_table(
        self, alias: str, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper, fetch: Fetch
    ) -> None:
        for n in range(300):
            uow.products.add(Product(name=f"p{n}"))
        uow.commit()
        products = uow.products.list()
        for product in products[:100]:
            product.stock = 7
        for product in products[100:200]:
            uow.products.remove(product)
        for n in range(300, 400):
            uow.products.add(Product(name=f"p{n}"))
        with statements(connection) as sent:
            uow.commit()
        assert kinds(sent) == {"DELETE": 1, "INSERT": 1, "UPDATE": 1}
        assert Counter(stock_of(fetch, alias).values()) == {7: 100, 0: 200}

    def test_of_rows_that_leave_everything_to_the_database(
        self, alias: str, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper, fetch: Fetch
    ) -> None:
        tickets = [Ticket() for _ in range(300)]
        for ticket in tickets:
            uow.tickets.add(ticket)
        with statements(connection) as sent:
            uow.commit()
        assert kinds(sent) == {"INSERT": 1}
        rows = fetch(alias, "SELECT id, level FROM kernel_ticket")
        assert sorted(rows) == sorted((ticket.pk, 1) for ticket in tickets)

    def test_of_rows_that_nobody_asks_for_again(
        self, alias: str, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper, fetch: Fetch
    ) -> None:
        rows = [(None, f"p{n}", n, "", 0) for n in range(3)]
        with statements(connection) as sent:
            uow.store.append(table_of(Product), rows)  # type: ignore[attr-defined]  # of DjangoStore
            uow.commit()
        assert [("RETURNING" in sql) for sql in sent] == [False]
        assert stock_of(fetch, alias) == {"p0": 0, "p1": 1, "p2": 2}

    def test_of_aggregates_over_two_tables(
        self, alias: str, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper, fetch: Fetch
    ) -> None:
        with statements(connection) as sent:
            for n in range(50):
                uow.baskets.add(Basket(f"b{n}", {"nails": n, "screws": 1}))
            uow.commit()
        assert kinds(sent) == {"INSERT": 2}
        with statements(connection) as sent:
            baskets = uow.baskets.list()
        assert kinds(sent) == {"SELECT": 2}
        with statements(connection) as sent:
            for basket in baskets:
                basket.items["nails"] += 1
                del basket.items["screws"]
                basket.items["glue"] = 3
            uow.commit()
        # An update of the items, and one of the version of their baskets.
        assert kinds(sent) == {"DELETE": 1, "INSERT": 1, "UPDATE": 2}
        rows = fetch(alias, "SELECT name, COUNT(*), SUM(qty) FROM kernel_itemrow GROUP BY name")
        assert sorted(rows) == [("glue", 50, 150), ("nails", 50, 1275)]

    @pytest.mark.django_db(transaction=True, databases=["postgresql"])
    def test_of_ten_thousand_entities_are_one_of_each_kind_on_postgresql(
        self, fetch: Fetch
    ) -> None:
        connection = connections["postgresql"]
        with ShopUnitOfWork("postgresql") as uow:
            products = [Product(name=f"p{n}") for n in range(10_000)]
            with statements(connection) as sent:
                for product in products:
                    uow.products.add(product)
                uow.commit()
                for product in products:
                    product.stock = product.pk
                uow.commit()
                assert stock_of(fetch, "postgresql") == {p.name: p.pk for p in products}
                for product in products:
                    uow.products.remove(product)
                uow.commit()
        assert kinds(sent) == {"INSERT": 1, "UPDATE": 1, "DELETE": 1}
        assert stock_of(fetch, "postgresql") == {}

    def test_are_none_when_nothing_changed(
        self, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper
    ) -> None:
        uow.products.add(Product(name="a"))
        uow.commit()
        uow.products.list()
        with statements(connection) as sent:
            uow.commit()
        assert sent == []

    @pytest.mark.django_db(transaction=True)
    def test_are_split_where_sqlite_limits_the_parameters(self, fetch: Fetch) -> None:
        with ShopUnitOfWork() as uow:
            connection = connections["default"]
            connection.ensure_connection()
            limit = connection.connection.setlimit(9, 30)  # SQLITE_LIMIT_VARIABLE_NUMBER
            try:
                for n in range(21):
                    uow.products.add(Product(name=f"p{n}"))
                with statements(connection) as sent:
                    uow.commit()
                assert kinds(sent) == {"INSERT": 3}
                for product in uow.products.list():
                    product.stock = 5
                with statements(connection) as sent:
                    uow.commit()
                assert kinds(sent) == {"UPDATE": 3}
            finally:
                connection.connection.setlimit(9, limit)
        assert set(stock_of(fetch, "default").values()) == {5}

    @pytest.mark.django_db(transaction=True)
    def test_that_read_aggregates_are_split_there_too(self) -> None:
        with ShopUnitOfWork() as uow:
            connection = connections["default"]
            for n in range(25):
                uow.baskets.add(Basket(f"b{n}", {"glue": n}))
            uow.commit()
        limit = connection.connection.setlimit(9, 10)  # SQLITE_LIMIT_VARIABLE_NUMBER
        try:
            with statements(connection) as sent, ShopUnitOfWork() as uow:
                found = [basket.items["glue"] for basket in uow.baskets.list()]
        finally:
            connection.connection.setlimit(9, limit)
        assert found == list(range(25))
        assert kinds(sent) == {"SELECT": 4}


class TestUpdate:
    """Promise 11: updates write the changed columns alone."""

    def test_names_no_other_column(
        self, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper
    ) -> None:
        product = Product(name="a")
        uow.products.add(product)
        uow.flush()
        product.stock = 5
        with statements(connection) as sent:
            uow.flush()
        [statement] = sent
        assert '"stock" =' in statement
        assert '"note" =' not in statement

    def test_leaves_what_others_wrote_in_other_columns(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        one, two = Product(name="a"), Product(name="b")
        uow.products.add(one)
        uow.products.add(two)
        uow.commit()
        fetch(alias, "UPDATE kernel_product SET note = 'theirs', stock = 9")
        one.stock = 1
        two.note = "ours"
        uow.commit()
        rows = fetch(alias, "SELECT name, stock, note FROM kernel_product ORDER BY name")
        assert rows == [("a", 1, "theirs"), ("b", 9, "ours")]

    def test_of_a_row_that_is_gone_names_it(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        one, two = Product(name="a"), Product(name="b")
        uow.products.add(one)
        uow.products.add(two)
        uow.commit()
        fetch(alias, "DELETE FROM kernel_product WHERE name = 'b'")
        one.stock = two.stock = 1
        with pytest.raises(StaleEntity, match=f"{two.pk} of kernel.Product") as raised:
            uow.commit()
        assert raised.value.keys == ((two.pk,),)
        assert stock_of(fetch, alias) == {"a": 0}

    def test_of_a_key_is_refused(self, alias: str, uow: ShopUnitOfWork, fetch: Fetch) -> None:
        product = Product(name="a")
        uow.products.add(product)
        uow.commit()
        product.id += 1
        with pytest.raises(KeyChanged, match="A key is an identity"):
            uow.commit()
        assert fetch(alias, "SELECT COUNT(*) FROM kernel_product") == [(1,)]


class TestDelete:
    """What is removed."""

    def test_of_a_row_that_is_gone_names_it(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        one, two = Product(name="a"), Product(name="b")
        uow.products.add(one)
        uow.products.add(two)
        uow.commit()
        fetch(alias, "DELETE FROM kernel_product WHERE name = 'b'")
        uow.products.remove(one)
        uow.products.remove(two)
        with pytest.raises(StaleEntity) as raised:
            uow.commit()
        assert raised.value.keys == ((two.pk,),)
        assert set(stock_of(fetch, alias)) == {"a"}


class TestOrder:
    """Promise 11: parents before children, and deleted after them."""

    def test_follows_foreign_keys_whatever_the_order_of_registration(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        product, order = Product(name="a"), Order(customer="Ann")
        line = Line(order=order, product=product, qty=3)
        uow.lines.add(line)
        uow.orders.add(order)
        uow.products.add(product)
        uow.commit()
        assert fetch(alias, "SELECT product_id, qty FROM kernel_line") == [(product.pk, 3)]
        uow.products.remove(product)
        uow.orders.remove(order)
        uow.lines.remove(line)
        uow.commit()
        assert fetch(alias, "SELECT * FROM kernel_line") == []
        assert fetch(alias, "SELECT * FROM kernel_order") == []

    def test_lets_a_loaded_child_refer_to_a_new_parent(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        order = Order(customer="Ann")
        line = Line(order=order, qty=1)
        uow.orders.add(order)
        uow.lines.add(line)
        uow.commit()
        line.product = Product(name="new")
        uow.products.add(line.product)
        uow.commit()
        assert fetch(alias, "SELECT product_id FROM kernel_line") == [(line.product.pk,)]

    def test_moves_a_unique_value_from_a_part_to_another_aggregate(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        one, two = Basket("one", {"glue": 1}), Basket("two")
        uow.baskets.add(one)
        uow.baskets.add(two)
        uow.commit()
        two.items["glue"] = one.items.pop("glue")
        uow.commit()
        assert fetch(alias, "SELECT basket_id, qty FROM kernel_itemrow") == [(two.id, 1)]


class TestValues:
    """What is stored is what was there, whatever the type."""

    def test_of_uuid_json_and_auto_now_fields(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        order = Order(customer="Ann", tags=["a", {"b": None}])
        uow.orders.add(order)
        uow.commit()
        created = order.changed
        assert isinstance(order.id, uuid.UUID)
        assert isinstance(created, dt.datetime)
        order.tags.append("ä")
        uow.commit()
        again = Order.objects.using(alias).get(pk=order.id)
        assert again.tags == ["a", {"b": None}, "ä"]
        assert again.changed == order.changed > created

    def test_too_long_is_refused_by_postgresql_and_not_cut(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        uow.products.add(Product(name="x" * 21))
        if alias == databases.POSTGRESQL:
            with pytest.raises(DataError):
                uow.commit()
            assert stock_of(fetch, alias) == {}
        else:
            uow.commit()
            assert stock_of(fetch, alias) == {"x" * 21: 0}

    def test_taken_already_is_told_as_the_kernels_error_and_as_djangos(
        self, alias: str, uow: ShopUnitOfWork
    ) -> None:
        Product(name="a").save(using=alias)
        uow.products.add(Product(name="a"))
        with pytest.raises(UniqueViolation) as raised:
            uow.flush()
        assert isinstance(raised.value, IntegrityError)
