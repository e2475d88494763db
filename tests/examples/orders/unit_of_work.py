"""The unit of work of the shop, and the repositories that belong to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from allocation.uow import EntityNotFound
from allocation.uow.django import DjangoRepository, DjangoUnitOfWork
from tests.examples.orders.models import Order, OrderLine, Product, User


class Products(DjangoRepository[Product]):
    """The products, which two clients may want at once."""

    def reserved(self, keys: Collection[int]) -> Mapping[int, Product]:
        """These products by key; until the commit nobody else can change them.

        One query, which locks them in the order of their keys, so that two
        clients wait for each other and never deadlock. Raises EntityNotFound.
        """
        wanted = self.objects.filter(pk__in=keys).order_by("pk")
        found = {
            product.pk: product for product in self.find(wanted.select_for_update(of=("self",)))
        }
        for key in keys:
            if key not in found:
                raise EntityNotFound(Product, key)
        return found


class ShopUnitOfWork(DjangoUnitOfWork):
    """All of an order, or nothing of it."""

    users = DjangoRepository(User)
    products = Products(Product)
    orders = DjangoRepository(Order)
    lines = DjangoRepository(OrderLine)
