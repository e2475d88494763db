"""Columns of unusual models: values of somebody else's fields, and columns that were not read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connections, models
from django.test.utils import CaptureQueriesContext

from allocation.uow.django import DjangoRepository, DjangoUnitOfWork, split
from allocation.uow.django.mapping import ModelMapper
from tests.conftest import Fetch
from tests.kernel.models import Category, Country, Defaults, Order, Product
from tests.kernel.shop import ShopUnitOfWork


@contextmanager
def table_of(model: type[models.Model], alias: str) -> Iterator[None]:
    """The table of an unmanaged model, for as long as the block lasts."""
    with connections[alias].schema_editor() as editor:
        editor.create_model(model)
    try:
        yield
    finally:
        with connections[alias].schema_editor() as editor:
            editor.delete_model(model)


class Tagged(models.Model):  # noqa: DJ008  # it needs no name for people
    """Has a column whose value is an array: only PostgreSQL has those."""

    name = models.CharField(max_length=20)
    tags = ArrayField(models.CharField(max_length=20))

    class Meta:
        app_label = "kernel"
        managed = False  # made where it is needed, and not on SQLite


class TaggedUnitOfWork(DjangoUnitOfWork):
    tagged = DjangoRepository(Tagged)


@pytest.mark.django_db(transaction=True, databases=["postgresql"])
def test_arrays_are_stored_as_they_are(fetch: Fetch) -> None:
    with table_of(Tagged, "postgresql"):
        with TaggedUnitOfWork("postgresql") as uow:
            one, two = Tagged(name="a", tags=["x", "y"]), Tagged(name="b", tags=[])
            uow.tagged.add(one)
            uow.tagged.add(two)
            uow.commit()
            one.tags.append("z")
            two.name = "c"
            uow.commit()
        rows = fetch("postgresql", 'SELECT name, tags FROM "kernel_tagged" ORDER BY id')
        assert rows == [("a", ["x", "y", "z"]), ("c", [])]


class Token(models.Model):  # noqa: DJ008  # it needs no name for people
    """Has nothing but its key."""

    value = models.CharField(max_length=20, primary_key=True)

    class Meta:
        app_label = "kernel"
        managed = False  # made where it is needed


class TokenUnitOfWork(DjangoUnitOfWork):
    tokens = DjangoRepository(Token)


def test_a_model_may_have_a_single_column(alias: str, fetch: Fetch) -> None:
    with table_of(Token, alias):
        with TokenUnitOfWork(alias) as uow:
            uow.tokens.add(Token(value="a"))
            uow.tokens.add(Token(value="b"))
            uow.commit()
            uow.tokens.remove(uow.tokens.get("a"))
            uow.commit()
        assert fetch(alias, "SELECT value FROM kernel_token") == [("b",)]


class Labels(models.CharField):  # type: ignore[type-arg]  # not generic when Django runs
    """A field of somebody else's: a list, stored as a text."""

    def from_db_value(self, value: str, *_: object) -> list[str]:
        return value.split(",")

    def get_prep_value(self, value: list[str]) -> str:
        return ",".join(value)


class Labelled(models.Model):  # noqa: DJ008  # it needs no name for people
    labels = Labels(max_length=50)

    class Meta:
        app_label = "kernel"
        managed = False  # made where it is needed


class LabelledUnitOfWork(DjangoUnitOfWork):
    labelled = DjangoRepository(Labelled)


def test_a_value_of_any_field_may_be_changed_in_place(alias: str, fetch: Fetch) -> None:
    with table_of(Labelled, alias):
        with LabelledUnitOfWork(alias) as uow:
            entity = Labelled(labels=["a"])
            uow.labelled.add(entity)
            uow.commit()
            entity.labels.append("b")
            uow.commit()
        assert fetch(alias, "SELECT labels FROM kernel_labelled") == [("a,b",)]


class Dated(models.Model):  # noqa: DJ008  # it needs no name for people
    name = models.CharField(max_length=20)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "kernel"
        managed = False  # made where it is needed


class DatedUnitOfWork(DjangoUnitOfWork):
    dated = DjangoRepository(Dated)


def test_what_is_set_when_it_is_added_is_set_then_alone(alias: str) -> None:
    with table_of(Dated, alias):
        with DatedUnitOfWork(alias) as uow:
            entity = Dated(name="a")
            uow.dated.add(entity)
            uow.commit()
            since = entity.since
            assert since is not None
            entity.name = "b"
            uow.commit()
        assert entity.since == since


class Versioned(models.Model):  # noqa: DJ008  # it needs no name for people
    name = models.CharField(max_length=20)
    version = models.IntegerField(default=0)
    note = models.CharField(max_length=20)

    class Meta:
        app_label = "kernel"
        managed = False  # made where it is needed


class VersionedUnitOfWork(DjangoUnitOfWork):
    versioned = DjangoRepository(Versioned, version="version")


def test_a_version_may_stand_between_other_columns(alias: str, fetch: Fetch) -> None:
    with table_of(Versioned, alias):
        with VersionedUnitOfWork(alias) as uow:
            entity = Versioned(name="a", note="b")
            uow.versioned.add(entity)
            uow.commit()
            entity.note = "c"
            uow.commit()
        assert fetch(alias, "SELECT name, version, note FROM kernel_versioned") == [("a", 1, "c")]


def test_what_is_set_on_every_write_stays_deferred(alias: str) -> None:
    Order(customer="Ann").save(using=alias)
    with ShopUnitOfWork(alias) as uow:
        [order] = uow.orders.find(uow.orders.objects.only("customer"))
        order.customer = "Bob"
        uow.commit()
        assert order.get_deferred_fields() == {"changed", "tags"}


def test_what_is_set_on_every_write_is_set_once_in_a_flush(alias: str) -> None:
    with ShopUnitOfWork(alias) as uow:
        uow.orders.add(Order(customer="Ann"))
        uow.products.add(Product(name="a"))  # its key is granted
        with CaptureQueriesContext(connections[alias]) as queries:
            uow.flush()
        uow.rollback()
    sent = [query["sql"].split()[0] for query in queries if "kernel" in query["sql"]]
    assert sent == ["INSERT", "INSERT"]


def test_where_nothing_but_a_deferred_column_differs_nothing_is_written(alias: str) -> None:
    with ShopUnitOfWork(alias) as uow:
        country = Country(code="fr", name="France")
        uow.countries.add(country)
        uow.commit()
        del country.name
        with CaptureQueriesContext(connections[alias]) as queries:
            uow.commit()
    assert not any("kernel_country" in query["sql"] for query in queries)


def test_a_column_that_is_deferred_again_is_not_written(alias: str, fetch: Fetch) -> None:
    with ShopUnitOfWork(alias) as uow:
        product = Product(name="a", note="kept")
        uow.products.add(product)
        uow.commit()
        del product.note
        uow.commit()
    assert fetch(alias, "SELECT note FROM kernel_product") == [("kept",)]


def test_what_the_database_made_of_a_value_is_no_change_by_others(alias: str) -> None:
    with ShopUnitOfWork(alias) as uow:
        entity = Defaults(name="a")
        uow.defaults.add(entity)
        uow.commit()
        entity.price = Decimal("1.001")  # stored with two places
        uow.flush()
        entity.name = "b"
        assert uow.defaults.get(entity.pk) is entity
        assert entity.name == "b"
        uow.rollback()


def test_a_parent_whose_key_was_not_read_takes_nothing_from_its_children() -> None:
    parent = Category(id=5)
    child = Category(id=6, parent=parent)
    del vars(parent)["id"]  # as for a column that is referred to, and deferred
    [(_, row)] = ModelMapper(Category).rows(child)
    assert row == (6, "", 5)


def test_an_instance_can_be_built_from_its_row() -> None:
    mapper = ModelMapper(Product)
    [(table, row)] = mapper.rows(Product(id=3, name="a"))
    built = mapper.entity({table: [row]})
    assert (built.pk, built.name, built._state.adding) == (3, "a", False)


@pytest.mark.django_db(transaction=True, databases=["postgresql"])
def test_more_values_than_postgresql_takes_are_split() -> None:
    parts = split(range(70_000), "postgresql")
    assert [len(part) for part in parts] == [65_535, 4_465]
