"""Whatever goes wrong with an order: nothing of it is there, and the stock is what it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import IntegrityError, connections
from django.test.utils import CaptureQueriesContext

from allocation.uow import EntityNotFound
from tests.conftest import Fetch
from tests.examples.orders.models import InsufficientStock, Order, Product, User
from tests.examples.orders.services import Item, OrderRequest, process_order
from tests.examples.orders.unit_of_work import ShopUnitOfWork

NOBODY = NOTHING = 4711


@dataclass(frozen=True)
class Stored:
    """What everybody else sees of the shop."""

    stock: dict[str, int]
    totals: list[Decimal] = field(default_factory=list)
    lines: list[tuple[str, int, Decimal]] = field(default_factory=list)


UNTOUCHED = Stored({"chair": 10, "table": 2})


class Shop:
    """A shop with one user and two products."""

    def __init__(self, alias: str, fetch: Fetch) -> None:
        self.alias = alias
        self.fetch = fetch
        self.user = User.objects.using(alias).create(name="ann").pk
        products = Product.objects.using(alias)
        self.chair = products.create(name="chair", price="20.50", stock=10).pk
        self.table = products.create(name="table", price="199.99", stock=2).pk

    def order(self, *items: Item, user: int | None = None) -> Order:
        return process_order(OrderRequest(user or self.user, items), ShopUnitOfWork(self.alias))

    def stored(self) -> Stored:
        lines = self.fetch(
            self.alias,
            "SELECT name, quantity, line.price FROM orders_orderline line "
            "JOIN orders_product product ON product.id = product_id ORDER BY line.id",
        )
        return Stored(
            dict(self.fetch(self.alias, "SELECT name, stock FROM orders_product")),
            [money(total) for (total,) in self.fetch(self.alias, "SELECT total FROM orders_order")],
            [(name, quantity, money(price)) for name, quantity, price in lines],
        )


def money(amount: object) -> Decimal:
    """What a driver gave: SQLite's knows no decimals."""
    return Decimal(str(amount)).quantize(Decimal("0.01"))


@pytest.fixture
def shop(alias: str, fetch: Fetch) -> Shop:
    return Shop(alias, fetch)


class TestSuccess:
    def test_takes_from_the_stock_and_stores_the_order_at_the_price_of_the_products(
        self, shop: Shop
    ) -> None:
        shop.order(Item(shop.table, 1), Item(shop.chair, 4))

        assert shop.stored() == Stored(
            stock={"chair": 6, "table": 1},
            totals=[Decimal("281.99")],
            lines=[("table", 1, Decimal("199.99")), ("chair", 4, Decimal("20.50"))],
        )

    def test_adds_up_several_lines_of_one_product(self, shop: Shop) -> None:
        shop.order(Item(shop.chair, 4), Item(shop.chair, 6))

        assert shop.stored() == Stored(
            stock={"chair": 0, "table": 2},
            totals=[Decimal("205.00")],
            lines=[("chair", 4, Decimal("20.50")), ("chair", 6, Decimal("20.50"))],
        )

    def test_gives_back_an_order_that_asks_the_database_for_nothing(self, shop: Shop) -> None:
        order = shop.order(Item(shop.chair, 1))

        with CaptureQueriesContext(connections[shop.alias]) as queries:
            assert (order.user.name, order.total) == ("ann", Decimal("20.50"))
            assert order.pk is not None
        assert len(queries) == 0


class TestFailure:
    def test_of_an_unknown_user(self, shop: Shop) -> None:
        with pytest.raises(EntityNotFound, match="no User with the key 4711"):
            shop.order(Item(shop.chair, 1), user=NOBODY)
        assert shop.stored() == UNTOUCHED

    def test_of_an_unknown_product(self, shop: Shop) -> None:
        with pytest.raises(EntityNotFound, match="no Product with the key 4711"):
            shop.order(Item(shop.chair, 1), Item(NOTHING, 1))
        assert shop.stored() == UNTOUCHED

    def test_of_insufficient_stock_after_another_item_was_taken(self, shop: Shop) -> None:
        with pytest.raises(InsufficientStock, match="3 of table are wanted, 2 are left"):
            shop.order(Item(shop.chair, 1), Item(shop.table, 3))
        assert shop.stored() == UNTOUCHED

    def test_of_lines_that_fit_one_by_one_and_not_together(self, shop: Shop) -> None:
        with pytest.raises(InsufficientStock) as raised:
            shop.order(Item(shop.chair, 6), Item(shop.chair, 5))
        assert (raised.value.stock, raised.value.wanted) == (4, 5)
        assert shop.stored() == UNTOUCHED

    def test_of_a_rule_that_the_code_forgot(self, shop: Shop) -> None:
        """What must never be false stands in the database as well."""
        with pytest.raises(IntegrityError), ShopUnitOfWork(shop.alias) as uow:
            uow.products.get(shop.chair).stock = -1
            uow.commit()
        assert shop.stored() == UNTOUCHED


@pytest.mark.parametrize("quantity", [0, -1])
def test_nobody_can_even_ask_for_less_than_one(quantity: int) -> None:
    with pytest.raises(ValueError, match="Nobody can order"):
        Item(1, quantity)


@pytest.mark.parametrize("lines", [1, 1000])
def test_an_order_costs_five_statements_however_many_lines_it_has(shop: Shop, lines: int) -> None:
    products = Product.objects.using(shop.alias).bulk_create(
        Product(name=f"product {n}", price=1, stock=1) for n in range(lines)
    )

    with CaptureQueriesContext(connections[shop.alias]) as queries:
        order = shop.order(*(Item(product.pk, 1) for product in products))

    assert order.total == lines
    sent = [query["sql"].split()[0] for query in queries]
    assert [kind for kind in sent if kind in {"SELECT", "INSERT", "UPDATE"}] == [
        *("SELECT", "SELECT"),  # the user, the products
        *("INSERT", "INSERT", "UPDATE"),  # the order, its lines, the products
    ]


def test_two_clients_at_once_never_get_the_same_chair(shop: Shop) -> None:
    start = Barrier(4)

    def order_six(_client: int) -> str:
        connections[shop.alias].ensure_connection()
        start.wait()
        try:
            shop.order(Item(shop.chair, 6))
        except InsufficientStock:
            return "refused"
        finally:
            connections.close_all()
        return "served"

    with ThreadPoolExecutor(4) as clients:
        outcomes = sorted(clients.map(order_six, range(4)))
    assert outcomes == ["refused", "refused", "refused", "served"]
    assert shop.stored().stock["chair"] == 4
