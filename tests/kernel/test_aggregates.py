"""Aggregates over several tables, and what others do to their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from allocation.uow import EntityNotFound, Row, StaleEntity, Table
from allocation.uow.django import DjangoMapper, DjangoRepository, DjangoUnitOfWork, ModelTable
from tests.conftest import Fetch
from tests.kernel.models import ItemRow
from tests.kernel.shop import BASKET, ITEM, Basket, BasketMapper, ShopUnitOfWork


def test_one_is_read_once_by_its_key(alias: str) -> None:
    with ShopUnitOfWork(alias) as uow:
        basket = Basket("Ann", {"glue": 1})
        uow.baskets.add(basket)
        uow.commit()
        uow.baskets.get(basket.id)
        with CaptureQueriesContext(connections[alias]) as queries:
            assert uow.baskets.get(basket.id) is basket
    assert len(queries) == 0


def test_ones_key_may_be_given_after_it_was_added(alias: str) -> None:
    with ShopUnitOfWork(alias) as uow:
        basket = Basket("Ann", {"glue": 1}, id=7)
        uow.baskets.add(basket)
        basket.id = 8
        uow.commit()
        assert uow.baskets.get(8) is basket
        with pytest.raises(EntityNotFound):
            uow.baskets.get(7)


def test_a_new_one_that_was_removed_gives_its_key_up(alias: str, fetch: Fetch) -> None:
    with ShopUnitOfWork(alias) as uow:
        forgotten = Basket("Ann", id=7)
        uow.baskets.add(forgotten)
        uow.baskets.remove(forgotten)
        uow.baskets.add(Basket("Bob", id=7))
        uow.commit()
    assert fetch(alias, "SELECT id, owner FROM kernel_basketrow") == [(7, "Bob")]


def test_one_that_is_read_again_as_it_is_keeps_its_parts(alias: str) -> None:
    with ShopUnitOfWork(alias) as uow:
        basket = Basket("Ann", {"glue": 1})
        uow.baskets.add(basket)
        uow.commit()
        items = basket.items
        assert uow.baskets.list() == [basket]
        assert basket.items is items


def test_a_part_that_others_deleted_is_gone_when_it_is_read_again(alias: str, fetch: Fetch) -> None:
    with ShopUnitOfWork(alias) as uow:
        basket = Basket("Ann", {"glue": 1, "nails": 2})
        uow.baskets.add(basket)
        uow.commit()
        fetch(alias, "DELETE FROM kernel_itemrow WHERE name = 'glue'")
        assert uow.baskets.list() == [basket]
        assert basket.items == {"nails": 2}
        assert list(uow.dirty) == []


def test_a_part_that_was_removed_here_and_changed_by_others_is_stale(
    alias: str, fetch: Fetch
) -> None:
    with ShopUnitOfWork(alias) as uow:
        basket = Basket("Ann", {"glue": 1})
        uow.baskets.add(basket)
        uow.commit()
        del basket.items["glue"]
        fetch(alias, "UPDATE kernel_itemrow SET qty = 5")
        with pytest.raises(StaleEntity, match="glue"):
            uow.baskets.get(basket.id)
        uow.rollback()


def test_a_part_that_was_added_here_stays_when_others_added_it_too(
    alias: str, fetch: Fetch
) -> None:
    with ShopUnitOfWork(alias) as uow:
        basket = Basket("Ann")
        uow.baskets.add(basket)
        uow.commit()
        basket.items["glue"] = 2
        insert = "INSERT INTO kernel_itemrow (basket_id, name, qty) VALUES (%s, 'glue', 5)"
        fetch(alias, insert, (basket.id,))
        uow.baskets.get(basket.id)
        uow.commit()
    assert fetch(alias, "SELECT name, qty FROM kernel_itemrow") == [("glue", 2)]


def test_of_one_that_is_stale_the_rows_of_one_table_are_named(alias: str, fetch: Fetch) -> None:
    with ShopUnitOfWork(alias) as uow:
        basket = Basket("Ann", {"glue": 1})
        uow.baskets.add(basket)
        uow.commit()
        basket.owner, basket.items["glue"] = "Bob", 2
        fetch(alias, "UPDATE kernel_basketrow SET owner = 'Eve'")
        fetch(alias, "UPDATE kernel_itemrow SET qty = 5")
        with pytest.raises(StaleEntity) as raised:
            uow.baskets.get(basket.id)
        assert (raised.value.table, raised.value.keys) == ("kernel.BasketRow", ((basket.id,),))
        uow.rollback()


class MovingMapper(BasketMapper):
    """Knows its items by name alone."""

    tables = (
        BASKET,
        ModelTable(ItemRow, "basket_id", "name", "qty", key=("name",), parent="basket_id"),
    )

    def rows(self, basket: Basket) -> Iterable[tuple[Table, Row]]:
        for table, row in super().rows(basket):
            yield self.tables[0 if table is BASKET else 1], row

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> Basket:
        return super().entity({BASKET: rows[BASKET], ITEM: rows[self.tables[1]]})


class MovingUnitOfWork(DjangoUnitOfWork):
    baskets = DjangoRepository(MovingMapper())


def test_a_part_that_moved_to_another_aggregate_is_in_one_place(alias: str, fetch: Fetch) -> None:
    with MovingUnitOfWork(alias) as uow:
        one, two = Basket("one", {"glue": 1}), Basket("two")
        uow.baskets.add(one)
        uow.baskets.add(two)
        uow.commit()
        fetch(alias, "UPDATE kernel_itemrow SET basket_id = %s", (two.id,))
        assert uow.baskets.get(two.id) is two
        assert (one.items, two.items) == ({}, {"glue": 1})
        uow.commit()
        fetch(alias, "UPDATE kernel_itemrow SET basket_id = %s", (one.id,))
        two.items["glue"] = 9
        with pytest.raises(StaleEntity, match="glue of kernel") as raised:
            uow.baskets.get(one.id)
        assert raised.value.keys == (("glue",),)
        uow.rollback()
        fetch(alias, "UPDATE kernel_itemrow SET basket_id = %s", (one.id,))
        assert uow.baskets.get(one.id).items == {"glue": 1}
        uow.commit()
        fetch(alias, "UPDATE kernel_itemrow SET basket_id = %s", (two.id,))
        uow.baskets.remove(one)
        assert uow.baskets.get(two.id).items == {"glue": 1}
        uow.commit()
    assert fetch(alias, "SELECT basket_id, qty FROM kernel_itemrow") == [(two.id, 1)]


def test_a_part_that_was_removed_may_come_back_in_another_aggregate(
    alias: str, fetch: Fetch
) -> None:
    with MovingUnitOfWork(alias) as uow:
        one, two = Basket("one", {"glue": 1}), Basket("two")
        uow.baskets.add(one)
        uow.baskets.add(two)
        uow.commit()
        del one.items["glue"]
        uow.commit()
        insert = "INSERT INTO kernel_itemrow (basket_id, name, qty) VALUES (%s, 'glue', 2)"
        fetch(alias, insert, (two.id,))
        assert uow.baskets.get(two.id).items == {"glue": 2}
        assert one.items == {}


def test_a_part_that_moved_here_and_then_elsewhere_is_in_one_place(
    alias: str, fetch: Fetch
) -> None:
    with MovingUnitOfWork(alias) as uow:
        one, two = Basket("one"), Basket("two", {"glue": 1})
        uow.baskets.add(one)
        uow.baskets.add(two)
        uow.commit()
        one.items["glue"] = two.items.pop("glue")
        uow.commit()
        fetch(alias, "UPDATE kernel_itemrow SET basket_id = %s", (two.id,))
        assert uow.baskets.get(two.id).items == {"glue": 1}
        assert one.items == {}


class Note:
    """A part with a key of its own, which the database grants."""

    def __init__(self, name: str, key: int | None = None) -> None:
        self.name = name
        self.key = key


class Pad:
    def __init__(self, key: int, notes: Iterable[Note] = (), version: int = 0) -> None:
        self.key = key
        self.notes = list(notes)
        self.version = version


NOTE = ModelTable(ItemRow, parent="basket_id")


class PadMapper(DjangoMapper[Pad]):
    entity_type = Pad
    tables = (BASKET, NOTE)

    def rows(self, pad: Pad) -> Iterable[tuple[Table, Row]]:
        yield BASKET, (pad.key, "Ann", pad.version)
        for note in pad.notes:
            yield NOTE, (note.key, pad.key, note.name, 1)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> Pad:
        [(key, _, version)] = rows[BASKET]
        return Pad(key, [Note(name, own) for own, _, name, _ in rows[NOTE]], version)

    def stored(self, pad: Pad, table: Table, row: Row) -> None:
        if table is NOTE:
            self._note(pad, row).key = row[0]
        else:
            pad.version = row[2]

    def discarded(self, pad: Pad, table: Table, row: Row) -> None:
        self.stored(pad, table, row)

    def _note(self, pad: Pad, row: Row) -> Note:
        return next(note for note in pad.notes if note.name == row[2])


class PadUnitOfWork(DjangoUnitOfWork):
    pads = DjangoRepository(PadMapper())


class TestAPartWhoseKeyIsGranted:
    @pytest.fixture
    def pad(self, alias: str) -> Pad:
        pad = Pad(1)
        with PadUnitOfWork(alias) as uow:
            uow.pads.add(pad)
            uow.commit()
        return pad

    def test_counts_as_a_change_of_its_root(self, alias: str, pad: Pad, fetch: Fetch) -> None:
        with PadUnitOfWork(alias) as uow:
            pad = uow.pads.get(1)
            pad.notes.append(Note("a"))
            uow.commit()
            assert (pad.version, pad.notes[0].key is None) == (1, False)
            assert list(uow.dirty) == []
        assert fetch(alias, "SELECT version FROM kernel_basketrow") == [(1,)]
        assert fetch(alias, "SELECT name FROM kernel_itemrow") == [("a",)]

    def test_is_not_added_by_two_at_once(self, alias: str, pad: Pad, fetch: Fetch) -> None:
        with PadUnitOfWork(alias) as uow:
            pad = uow.pads.get(1)
            uow.rollback()  # others may write
            fetch(alias, "UPDATE kernel_basketrow SET version = 1")
            pad.notes.append(Note("a"))
            with pytest.raises(StaleEntity):
                uow.commit()
            uow.rollback()
            assert pad.notes == []
        assert fetch(alias, "SELECT name FROM kernel_itemrow") == []
