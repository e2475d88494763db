"""What cannot be kept whole is refused when it is declared."""

from __future__ import annotations

import pytest

from allocation.uow import UNKNOWN, AbstractUnitOfWork, ConflictingRepositories, Mapper, Table
from allocation.uow.django import DjangoRepository, DjangoUnitOfWork, ModelTable, UnsupportedModel
from tests.kernel.models import BasketRow, ItemRow, Premium, Product, Squared
from tests.kernel.shop import BasketMapper


def test_two_ways_to_keep_one_table_are_refused() -> None:
    with pytest.raises(ConflictingRepositories, match=r"keep kernel\.Product"):

        class Conflicting(DjangoUnitOfWork):
            products = DjangoRepository(Product, version="version")
            unversioned = DjangoRepository(Product)


class OtherMapper(BasketMapper):
    """Keeps the same root, in a table of its own making, and other parts."""

    tables = (ModelTable(BasketRow), ModelTable(Product))


def test_two_ways_to_keep_one_root_are_refused_whatever_their_parts() -> None:
    with pytest.raises(ConflictingRepositories, match=r"keep kernel\.BasketRow"):

        class Conflicting(DjangoUnitOfWork):
            baskets = DjangoRepository(BasketMapper())
            others = DjangoRepository(OtherMapper())


def test_a_unique_group_counts_where_a_table_has_all_of_its_columns() -> None:
    row = (1, "glue", 2)
    whole = ModelTable(ItemRow, "basket_id", "name", "qty", key=("basket_id", "name"))
    assert list(whole.unique_values(row)) == [("basket_id", "name", 1, "glue")]
    assert list(ModelTable(ItemRow, "name", "qty", key=["name"]).unique_values(row[1:])) == []


def test_a_value_that_is_missing_or_was_not_read_is_not_unique() -> None:
    table = Table("t", ["id", "code"], ["id"], unique=[["code"]])
    assert [*table.unique_values((1, None)), *table.unique_values((1, UNKNOWN))] == []


def test_a_version_is_an_integer() -> None:
    with pytest.raises(UnsupportedModel, match="version of Product, name, is no integer"):
        DjangoRepository(Product, version="name")


def test_a_table_needs_its_key() -> None:
    with pytest.raises(UnsupportedModel, match="must be among the columns name, qty: id is not"):
        ModelTable(ItemRow, "name", "qty")


def test_a_model_over_two_tables_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="inherits id from another table"):
        DjangoRepository(Premium)


def test_one_of_those_tables_alone_is_accepted() -> None:
    assert ModelTable(Premium, "product_ptr_id", "discount").key == ("product_ptr_id",)


def test_a_generated_column_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="area is generated"):
        DjangoRepository(Squared)


def test_for_a_column_that_is_not_there_those_that_are_are_named() -> None:
    with pytest.raises(UnsupportedModel, match=r"no column basket\. It has id, basket_id"):
        ModelTable(ItemRow, "basket")


def test_a_fake_unit_of_work_must_say_how_it_commits_and_rolls_back() -> None:
    with pytest.raises(TypeError, match=r"abstract.*commit.*rollback"):
        AbstractUnitOfWork()  # type: ignore[abstract]  # what is tested


def test_a_mapper_must_say_how_it_maps_both_ways() -> None:
    with pytest.raises(TypeError, match=r"abstract.*entity.*rows"):
        Mapper()  # type: ignore[abstract]  # what is tested
