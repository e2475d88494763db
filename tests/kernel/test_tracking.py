"""What becomes of the entities that are registered."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass, field

import pytest

from allocation.uow import EntityNotFound, StaleEntity, Table
from allocation.uow.testing import InMemoryRepository, InMemoryUnitOfWork
from tests.conftest import Fetch
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork
from tests.kernel.test_contract import Thing, ThingUnitOfWork


@pytest.mark.parametrize(
    ("stale", "told"), [(5, "4 of t"), (6, "4 and 1 more of t"), (12, "4 and 7 more of t")]
)
def test_of_many_stale_entities_the_first_are_named(stale: int, told: str) -> None:
    error = StaleEntity(Table("t", ["id"], ["id"]), [(number,) for number in range(stale)])
    assert f"0, 1, 2, 3, {told}" in str(error)
    assert len(error.keys) == stale


def test_what_was_removed_after_a_commit_is_not_found(alias: str) -> None:
    with ShopUnitOfWork(alias) as uow:
        product = Product(name="a")
        uow.products.add(product)
        uow.commit()
        uow.products.remove(product)
        with pytest.raises(EntityNotFound):
            uow.products.get(product.pk)
        uow.rollback()


def test_registering_dirty_what_is_tracked_changes_nothing(alias: str) -> None:
    with ShopUnitOfWork(alias) as uow:
        product = Product(name="a")
        uow.products.add(product)
        uow.commit()
        uow.register_dirty(product)
        assert list(uow.dirty) == []


def test_registered_dirty_and_committed_it_is_taken_back_like_any_other(alias: str) -> None:
    product = Product(name="a", stock=1)
    product.save(using=alias)
    with ShopUnitOfWork(alias) as uow:
        uow.register_dirty(product)
        uow.commit()
        product.stock = 5
        uow.rollback()
        assert product.stock == 1
        assert uow.products.list() == [product]


def test_what_was_read_in_part_is_taken_back_like_any_other(alias: str) -> None:
    Product(name="a").save(using=alias)
    with ShopUnitOfWork(alias) as uow:
        [product] = uow.products.names_only()
        product.name = "b"
        uow.rollback()
        assert product.name == "a"


def test_what_is_tracked_can_be_registered_deleted(alias: str, fetch: Fetch) -> None:
    with ShopUnitOfWork(alias) as uow:
        product = Product(name="a")
        uow.products.add(product)
        uow.commit()
        uow.register_deleted(product)
        uow.commit()
    assert fetch(alias, "SELECT * FROM kernel_product") == []


@dataclass
class Note:
    """Equal to another one with the same text, and without a hash."""

    text: str
    id: int | None = field(default=None, compare=False)


class NoteUnitOfWork(InMemoryUnitOfWork):
    notes = InMemoryRepository(Note)


def test_entities_that_are_equal_are_not_the_same() -> None:
    first, second = Note("a"), Note("a")
    for note in (first, second):
        with NoteUnitOfWork() as uow:
            uow.notes.add(note)
            uow.commit()
    assert (first.id, second.id) == (1, 1)


def test_an_entity_lives_no_longer_than_its_unit_of_work() -> None:
    uow, thing = ThingUnitOfWork(), Thing("a")
    with uow:
        uow.things.add(thing)
        uow.commit()
    gone = weakref.ref(thing)
    del thing, uow
    gc.collect()
    assert gone() is None


def test_a_version_is_taken_back_where_the_key_was_given(alias: str, fetch: Fetch) -> None:
    with ShopUnitOfWork(alias) as uow:
        product = Product(id=7, name="a")
        uow.products.add(product)
        uow.flush()
        product.stock = 2
        uow.flush()
        assert product.version == 1
        uow.rollback()
        assert (product.pk, product.version) == (7, 0)
        uow.products.add(product)
        uow.commit()
    assert fetch(alias, "SELECT id, stock, version FROM kernel_product") == [(7, 2, 0)]
