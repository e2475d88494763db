"""What becomes of the entities that are registered."""

from __future__ import annotations

import pytest

from allocation.uow import EntityNotFound, StaleEntity, Table
from tests.conftest import Fetch
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork


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


def test_what_is_tracked_can_be_registered_deleted(alias: str, fetch: Fetch) -> None:
    with ShopUnitOfWork(alias) as uow:
        product = Product(name="a")
        uow.products.add(product)
        uow.commit()
        uow.register_deleted(product)
        uow.commit()
    assert fetch(alias, "SELECT * FROM kernel_product") == []
