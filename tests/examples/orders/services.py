"""The use case. It knows no request, no query, and no transaction but the unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.examples.orders.models import Order, OrderLine
from tests.examples.orders.unit_of_work import ShopUnitOfWork


@dataclass(frozen=True)
class Item:
    """So many of one product. Raises ValueError for fewer than one."""

    product_id: int
    quantity: int

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError(f"Nobody can order {self.quantity} of a product.")


@dataclass(frozen=True)
class OrderRequest:
    """What a user wants to have."""

    user_id: int
    items: Sequence[Item]


def process_order(request: OrderRequest, uow: ShopUnitOfWork) -> Order:
    """Take the items out of the stock, and place an order for them at today's prices.

    Raises EntityNotFound for an unknown user or product, and InsufficientStock.
    """
    with uow:
        user = uow.users.get(request.user_id)
        products = uow.products.reserved({item.product_id for item in request.items})
        order = Order(user=user)
        uow.orders.add(order)
        for item in request.items:
            product = products[item.product_id]
            product.take(item.quantity)
            order.total += item.quantity * product.price
            uow.lines.add(
                OrderLine(order=order, product=product, quantity=item.quantity, price=product.price)
            )
        uow.commit()
    return order
