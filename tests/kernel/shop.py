"""The repositories and units of work of an imaginary adopter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from allocation.uow import Row, Table
from allocation.uow.django import DjangoMapper, DjangoRepository, DjangoUnitOfWork, ModelTable
from tests.kernel.models import (
    BasketRow,
    Category,
    Country,
    Coupon,
    Defaults,
    Discontinued,
    ItemRow,
    Line,
    Membership,
    Number,
    Order,
    Product,
    Redemption,
    Ticket,
    Turnstile,
)


@dataclass(eq=False)
class Basket:
    """An aggregate of plain objects: it knows nothing of tables."""

    owner: str
    items: dict[str, int] = field(default_factory=dict)
    id: int | None = None
    version: int = 0


BASKET = ModelTable(BasketRow, version="version")
ITEM = ModelTable(
    ItemRow, "basket_id", "name", "qty", key=("basket_id", "name"), parent="basket_id"
)


class BasketMapper(DjangoMapper[Basket]):
    """A basket is one row, and one for each item."""

    entity_type = Basket
    tables = (BASKET, ITEM)

    def rows(self, basket: Basket) -> Iterable[tuple[Table, Row]]:
        yield BASKET, (basket.id, basket.owner, basket.version)
        for name, qty in basket.items.items():
            yield ITEM, (basket.id, name, qty)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> Basket:
        [(key, owner, version)] = rows[BASKET]
        return Basket(owner, {name: qty for _, name, qty in rows[ITEM]}, key, version)


class Products(DjangoRepository[Product]):
    """A repository with finders named after the business."""

    def sold_out(self) -> Sequence[Product]:
        return self.find(self.objects.filter(stock=0).order_by("name"))

    def locked(self, *names: str) -> Sequence[Product]:
        found = self.objects.filter(name__in=names).order_by("pk").select_for_update(of=("self",))
        return self.find(found)

    def names_only(self) -> Sequence[Product]:
        return self.find(self.objects.only("name", "version").order_by("name"))


class ShopUnitOfWork(DjangoUnitOfWork):
    """What an adopter declares."""

    products = Products(Product, version="version")
    orders = DjangoRepository(Order)
    lines = DjangoRepository(Line)
    baskets = DjangoRepository(BasketMapper())
    discontinued = DjangoRepository(Discontinued)
    categories = DjangoRepository(Category)
    defaults = DjangoRepository(Defaults)
    countries = DjangoRepository(Country)
    memberships = DjangoRepository(Membership)
    tickets = DjangoRepository(Ticket)
    coupons = DjangoRepository(Coupon)
    redemptions = DjangoRepository(Redemption)
    numbers = DjangoRepository(Number)
    turnstiles = DjangoRepository(Turnstile)
