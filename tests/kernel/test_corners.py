"""What rarely happens, and must not go wrong then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import OperationalError, connections, models
from django.test.utils import CaptureQueriesContext

from allocation.uow import (
    UNKNOWN,
    AlreadyLeft,
    ConflictingRepositories,
    DuplicateKey,
    EntityNotFound,
    Row,
    StaleEntity,
    Table,
    TransactionFailed,
    UndoFailed,
    UnfaithfulMapper,
    UnitOfWork,
)
from allocation.uow.django import (
    DjangoMapper,
    DjangoRepository,
    DjangoUnitOfWork,
    ModelTable,
    UnsupportedModel,
)
from allocation.uow.django.mapping import ModelMapper
from allocation.uow.testing import InMemoryRepository, InMemoryUnitOfWork
from tests.conftest import Fetch
from tests.kernel.models import Category, Country, ItemRow, Order, Product
from tests.kernel.shop import BASKET, ITEM, Basket, BasketMapper, ShopUnitOfWork
from tests.kernel.test_contract import InMemory, Thing, ThingUnitOfWork


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
    with connections["postgresql"].schema_editor() as editor:
        editor.create_model(Tagged)
    try:
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
    finally:
        with connections["postgresql"].schema_editor() as editor:
            editor.delete_model(Tagged)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_cannot_be_reached_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection = connections["default"]
    connection.close()
    uow = ShopUnitOfWork()
    with monkeypatch.context() as broken:
        broken.setitem(connection.settings_dict, "NAME", str(tmp_path / "no folder" / "x"))
        with pytest.raises(OperationalError):
            uow.__enter__()
    assert connection.execute_wrappers == []
    with uow:  # it was not entered, so it can be now
        assert uow.products.list() == []


def test_a_block_that_is_dropped_inside_a_savepoint_is_undone(alias: str, fetch: Fetch) -> None:
    uow = ShopUnitOfWork(alias)
    uow.__enter__()
    uow.products.add(Product(name="a"))
    savepoint = uow.savepoint()
    savepoint.__enter__()
    with pytest.warns(UserWarning, match="without commit"):
        uow.__exit__(None, None, None)
    assert not connections[alias].in_atomic_block
    assert fetch(alias, "SELECT * FROM kernel_product") == []
    with pytest.raises(AlreadyLeft):
        savepoint.__exit__(None, None, None)


class UnreachableUnitOfWork(ThingUnitOfWork):
    """Its store has a bad day."""

    def fail(self, *names: str) -> None:
        def failing() -> None:
            raise OSError("unreachable")

        for name in names:
            setattr(self.store, name, failing)


def test_a_commit_is_one_even_when_no_transaction_can_follow() -> None:
    with UnreachableUnitOfWork() as uow:
        uow.things.add(Thing("a"))
        uow.fail("begin")
        uow.commit()
        assert uow.has_committed
        with pytest.raises(TransactionFailed) as raised:
            uow.things.list()
    assert isinstance(raised.value.__cause__, OSError)
    assert len(uow.database.tables["Thing"]) == 1


@pytest.mark.parametrize("moment", ["_require_outermost", "_write", "_begin_again"])
def test_an_interrupt_at_any_moment_of_a_commit_goes_on(moment: str, alias: str) -> None:
    class Interrupted(ShopUnitOfWork):
        """Is interrupted in one of the steps of its commit."""

    def interrupt(_: UnitOfWork) -> None:
        raise KeyboardInterrupt

    setattr(Interrupted, moment, interrupt)
    uow = Interrupted(alias)
    with pytest.raises(KeyboardInterrupt), uow:
        uow.products.add(Product(name="a"))
        uow.commit()
    assert not connections[alias].in_atomic_block
    assert uow.has_committed is (moment == "_begin_again")
    with uow:  # it can be entered again
        pass


def test_a_rollback_that_fails_does_not_hide_the_first_error() -> None:
    with (
        pytest.raises(LookupError, match="the first error") as raised,
        UnreachableUnitOfWork() as uow,
    ):
        uow.fail("rollback")
        raise LookupError("the first error")
    assert "unreachable" in raised.value.__notes__[0]


def test_a_rollback_that_fails_alone_is_told() -> None:
    with pytest.raises(OSError, match="unreachable"), UnreachableUnitOfWork() as uow:
        uow.fail("rollback")


def test_a_savepoint_that_cannot_be_undone_fails_the_whole() -> None:
    uow = UnreachableUnitOfWork()
    with uow:

        def failing(*, rollback: bool) -> None:
            raise OSError("unreachable")

        with pytest.raises(LookupError, match="the first error") as raised, uow.savepoint():
            uow.store.end_savepoint = failing  # type: ignore[method-assign]  # a bad day
            raise LookupError("the first error")
        assert "unreachable" in raised.value.__notes__[0]
        with pytest.raises(TransactionFailed) as failed:
            uow.commit()
    assert isinstance(failed.value.__cause__, OSError)


@pytest.mark.parametrize(("stale", "told"), [(5, "4 of t"), (6, "4 and 1 more of t")])
def test_of_many_stale_entities_the_first_are_named(stale: int, told: str) -> None:
    error = StaleEntity(Table("t", ["id"], ["id"]), [(number,) for number in range(stale)])
    assert f"0, 1, 2, 3, {told}" in str(error)
    assert len(error.keys) == stale


def test_a_rollback_and_an_undo_step_that_fail_are_told_together() -> None:
    with pytest.raises(UndoFailed) as raised, UnreachableUnitOfWork() as uow:
        uow.on_rollback(lambda: 1 / 0)
        uow.fail("rollback")
    assert [type(error) for error in raised.value.exceptions] == [OSError, ZeroDivisionError]


def test_undo_steps_that_fail_in_a_rollback_are_told_together() -> None:
    with UnreachableUnitOfWork() as uow:
        uow.on_rollback(lambda: 1 / 0)
        with pytest.raises(UndoFailed) as raised:
            uow.rollback()
        uow.things.add(Thing("a"))
        uow.commit()
    assert [type(error) for error in raised.value.exceptions] == [ZeroDivisionError]


class Token(models.Model):  # noqa: DJ008  # it needs no name for people
    """Has nothing but its key."""

    value = models.CharField(max_length=20, primary_key=True)

    class Meta:
        app_label = "kernel"
        managed = False  # made where it is needed


class TokenUnitOfWork(DjangoUnitOfWork):
    tokens = DjangoRepository(Token)


def test_a_model_may_have_a_single_column(alias: str, fetch: Fetch) -> None:
    with connections[alias].schema_editor() as editor:
        editor.create_model(Token)
    try:
        with TokenUnitOfWork(alias) as uow:
            uow.tokens.add(Token(value="a"))
            uow.tokens.add(Token(value="b"))
            uow.commit()
            uow.tokens.remove(uow.tokens.get("a"))
            uow.commit()
        assert fetch(alias, "SELECT value FROM kernel_token") == [("b",)]
    finally:
        with connections[alias].schema_editor() as editor:
            editor.delete_model(Token)


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
    with connections[alias].schema_editor() as editor:
        editor.create_model(Labelled)
    try:
        with LabelledUnitOfWork(alias) as uow:
            entity = Labelled(labels=["a"])
            uow.labelled.add(entity)
            uow.commit()
            entity.labels.append("b")
            uow.commit()
        assert fetch(alias, "SELECT labels FROM kernel_labelled") == [("a,b",)]
    finally:
        with connections[alias].schema_editor() as editor:
            editor.delete_model(Labelled)


def test_two_ways_to_keep_one_table_are_refused() -> None:
    with pytest.raises(ConflictingRepositories, match=r"keep kernel\.Product"):

        class Conflicting(DjangoUnitOfWork):
            products = DjangoRepository(Product, version="version")
            unversioned = DjangoRepository(Product)


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


def test_a_part_that_others_deleted_is_gone_when_it_is_read_again(alias: str, fetch: Fetch) -> None:
    with ShopUnitOfWork(alias) as uow:
        basket = Basket("Ann", {"glue": 1, "nails": 2})
        uow.baskets.add(basket)
        uow.commit()
        fetch(alias, "DELETE FROM kernel_itemrow WHERE name = 'glue'")
        assert uow.baskets.list() == [basket]
        assert basket.items == {"nails": 2}
        assert list(uow.dirty) == []


def test_a_part_that_moved_to_another_aggregate_is_in_one_place(alias: str, fetch: Fetch) -> None:
    class Moving(BasketMapper):
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
        baskets = DjangoRepository(Moving())

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


def test_what_is_set_on_every_write_stays_deferred(alias: str) -> None:
    Order(customer="Ann").save(using=alias)
    with ShopUnitOfWork(alias) as uow:
        [order] = uow.orders.find(uow.orders.objects.only("customer"))
        order.customer = "Bob"
        uow.commit()
        assert order.get_deferred_fields() == {"changed", "tags"}


def test_a_unique_group_counts_where_a_table_has_all_of_its_columns() -> None:
    row = (1, "glue", 2)
    whole = ModelTable(ItemRow, "basket_id", "name", "qty", key=("basket_id", "name"))
    assert list(whole.unique_values(row)) == [("basket_id", "name", 1, "glue")]
    assert list(ModelTable(ItemRow, "name", "qty", key=["name"]).unique_values(row[1:])) == []


def test_a_version_is_an_integer() -> None:
    with pytest.raises(UnsupportedModel, match="version of Product, name, is no integer"):
        DjangoRepository(Product, version="name")


def test_a_model_of_nothing_but_a_granted_key_is_refused() -> None:
    class Nothing(models.Model):  # noqa: DJ008  # it needs no name for people
        class Meta:
            app_label = "kernel"
            managed = False

    with pytest.raises(UnsupportedModel, match="nothing but a key"):
        DjangoRepository(Nothing)


def test_rows_on_which_the_database_acts_are_deleted_last(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BASKET, "delete_last", True)
    with ShopUnitOfWork(alias) as uow:
        old = Basket("old")
        uow.baskets.add(old)
        uow.commit()
        uow.baskets.remove(old)
        uow.baskets.add(Basket("new"))
        with CaptureQueriesContext(connections[alias]) as queries:
            uow.commit()
    sent = [query["sql"].split()[0] for query in queries]
    assert [word for word in sent if word in ("INSERT", "DELETE")] == ["INSERT", "DELETE"]


def test_a_table_needs_its_key() -> None:
    with pytest.raises(UnsupportedModel, match="must be among the columns name, qty: id is not"):
        ModelTable(ItemRow, "name", "qty")


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


class CodesUnitOfWork(InMemoryUnitOfWork):
    things = InMemoryRepository(Thing, key="name", unique=[["number"]])


def test_in_memory_keys_and_unique_values_are_enforced_between_units_of_work() -> None:
    first = CodesUnitOfWork()
    with first:
        first.things.add(Thing("a", 1))
        first.commit()
    for twin in (Thing("a", 2), Thing("b", 1)):
        second = CodesUnitOfWork(first.database)
        with pytest.raises(Exception, match="already"), second:
            second.things.add(twin)
            second.commit()


def test_in_memory_several_may_have_no_value() -> None:
    with CodesUnitOfWork() as uow:
        for name in "ab":
            thing = Thing(name)
            thing.number = None  # type: ignore[assignment]  # as NULL in a database
            uow.things.add(thing)
        uow.commit()
        assert len(uow.things.list()) == 2


def test_what_is_shown_in_a_traceback_can_be_read() -> None:
    assert (repr(BASKET), repr(UNKNOWN)) == ("<Table kernel.BasketRow>", "UNKNOWN")


def test_an_error_elsewhere_is_raised_here() -> None:
    def fail(uow: UnitOfWork) -> None:
        raise LookupError("elsewhere")

    with pytest.raises(LookupError, match="elsewhere"):
        InMemory().elsewhere(fail)


def test_a_base_repository_is_reached_through_an_instance_alone() -> None:
    assert ThingUnitOfWork.things is ThingUnitOfWork.things
    assert isinstance(ThingUnitOfWork(), UnitOfWork)
