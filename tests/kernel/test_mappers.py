"""Aggregates of plain objects, and mappers that do not keep their word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from allocation.uow import UNKNOWN, DuplicateKey, Row, Table, UnfaithfulMapper
from allocation.uow.django import DjangoMapper, DjangoRepository, DjangoUnitOfWork, ModelTable
from tests.conftest import Fetch
from tests.kernel.models import ItemRow
from tests.kernel.shop import BASKET, ITEM, Basket, BasketMapper, ShopUnitOfWork
from tests.kernel.test_contract import ThingUnitOfWork


class Shelf:
    """An aggregate whose parts have keys that are granted, and a mapper that forgets them."""

    def __init__(self, owner: str) -> None:
        self.id: int | None = None
        self.owner = owner


PARTS = ModelTable(ItemRow, parent="basket_id")


class ShelfMapper(DjangoMapper[Shelf]):
    entity_type = Shelf
    tables = (BASKET, PARTS)

    def rows(self, shelf: Shelf) -> Iterable[tuple[Table, Row]]:
        yield BASKET, (shelf.id, shelf.owner, 0)
        yield PARTS, (None, shelf.id, "glue", 1)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> Shelf:
        raise AssertionError("nothing is ever loaded")


class ShelfUnitOfWork(DjangoUnitOfWork):
    shelves = DjangoRepository(ShelfMapper())


def test_a_mapper_that_forgets_granted_keys_is_refused(alias: str, fetch: Fetch) -> None:
    with ShelfUnitOfWork(alias) as uow:
        uow.shelves.add(Shelf("Ann"))
        with pytest.raises(UnfaithfulMapper, match="does not take over the key"):
            uow.commit()
    assert fetch(alias, "SELECT * FROM kernel_basketrow") == []


class TwiceMapper(DjangoMapper[Basket]):
    """Says everything twice."""

    entity_type = Basket
    tables = (BASKET, ITEM)

    def rows(self, basket: Basket) -> Iterable[tuple[Table, Row]]:
        for _ in range(2):
            yield BASKET, (7, basket.owner, 0)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> Basket:
        raise AssertionError("nothing was ever stored")


class TwiceUnitOfWork(DjangoUnitOfWork):
    baskets = DjangoRepository(TwiceMapper())


def test_a_mapper_that_gives_a_row_twice_is_refused(alias: str) -> None:
    with TwiceUnitOfWork(alias) as uow:
        uow.baskets.add(Basket("Ann"))
        with pytest.raises(DuplicateKey, match="BasketRow"):
            uow.commit()
        uow.rollback()


class SharingMapper(BasketMapper):
    """Puts every basket's things into the first basket."""

    def rows(self, basket: Basket) -> Iterable[tuple[Table, Row]]:
        for table, row in super().rows(basket):
            yield table, row if table is BASKET else (1, *row[1:])


class SharingUnitOfWork(DjangoUnitOfWork):
    baskets = DjangoRepository(SharingMapper())


def test_two_entities_that_claim_the_same_row_are_refused(alias: str, fetch: Fetch) -> None:
    with SharingUnitOfWork(alias) as uow:
        uow.baskets.add(Basket("Ann", {"glue": 1}))
        uow.baskets.add(Basket("Bob", {"glue": 2}))
        with pytest.raises(DuplicateKey, match="glue"):
            uow.commit()
        uow.rollback()
    assert fetch(alias, "SELECT * FROM kernel_basketrow") == []


def test_an_entity_that_cannot_be_mapped_any_more_is_discarded_all_the_same(alias: str) -> None:
    with ShopUnitOfWork(alias) as uow:
        basket = Basket("Ann", {"glue": 1})
        uow.baskets.add(basket)
        uow.commit()
        basket.items = None  # type: ignore[assignment]  # broken on purpose
        uow.rollback()
        assert basket.items == {"glue": 1}


def test_of_no_table_it_is_known_that_all_rows_are_read_unless_a_mapper_says_so() -> None:
    assert ThingUnitOfWork.things.mapper.loaded_whole == frozenset()
    assert ShopUnitOfWork.baskets.mapper.loaded_whole == {ITEM}


class ShoutingMapper(BasketMapper):
    """Keeps an attribute in another form than the column of the same name."""

    def rows(self, basket: Basket) -> Iterable[tuple[Table, Row]]:
        for table, row in super().rows(basket):
            yield table, (row[0], row[1].upper(), *row[2:]) if table is BASKET else row


class ShoutingUnitOfWork(DjangoUnitOfWork):
    baskets = DjangoRepository(ShoutingMapper())


def test_of_a_stored_row_key_and_version_alone_are_taken_over(alias: str, fetch: Fetch) -> None:
    with ShoutingUnitOfWork(alias) as uow:
        basket = Basket("Ann")
        uow.baskets.add(basket)
        uow.commit()
        assert basket.owner == "Ann"
    assert fetch(alias, "SELECT id, owner FROM kernel_basketrow") == [(basket.id, "ANN")]


def test_what_is_shown_in_a_traceback_can_be_read() -> None:
    assert (repr(BASKET), repr(UNKNOWN)) == ("<Table kernel.BasketRow>", "UNKNOWN")


class ForgetfulMapper(BasketMapper):
    """Takes the first item for all of them."""

    def entity(self, rows: Any) -> Basket:
        basket = super().entity(rows)
        basket.items = dict(list(basket.items.items())[:1])
        return basket


class ForgetfulUnitOfWork(DjangoUnitOfWork):
    baskets = DjangoRepository(ForgetfulMapper())


def test_a_mapper_that_loses_a_row_is_noticed_before_the_row_is_deleted(
    alias: str, fetch: Fetch
) -> None:
    with ForgetfulUnitOfWork(alias) as uow:
        uow.baskets.add(Basket("Ann", {"glue": 1, "nails": 2}))
        uow.commit()
    with ForgetfulUnitOfWork(alias) as uow, pytest.raises(UnfaithfulMapper, match="is lost"):
        uow.baskets.list()
    assert fetch(alias, "SELECT COUNT(*) FROM kernel_itemrow") == [(2,)]


class Slotted:
    """An entity to which no weak reference can be made."""

    __slots__ = ("id", "owner", "version")

    def __init__(self, owner: str) -> None:
        self.id: int | None = None
        self.owner = owner
        self.version = 0


class SlottedMapper(DjangoMapper[Slotted]):
    entity_type = Slotted
    tables = (BASKET,)

    def rows(self, entity: Slotted) -> Iterable[tuple[Table, Row]]:
        yield BASKET, (entity.id, entity.owner, entity.version)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> Slotted:
        raise AssertionError("nothing is ever loaded")


class SlottedUnitOfWork(DjangoUnitOfWork):
    slotted = DjangoRepository(SlottedMapper())


def test_an_entity_may_have_slots(alias: str, fetch: Fetch) -> None:
    with SlottedUnitOfWork(alias) as uow:
        entity = Slotted("Ann")
        uow.slotted.add(entity)
        uow.commit()
        entity.owner = "Bob"
        uow.commit()
    assert fetch(alias, "SELECT owner FROM kernel_basketrow") == [("Bob",)]
