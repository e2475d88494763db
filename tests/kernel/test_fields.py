"""What models are made of: keys, references, defaults, and values of many types."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from allocation.uow import (
    Bypassed,
    DuplicateKey,
    EntityNotFound,
    ExchangedValues,
    ForeignEntity,
    NotTracked,
    StaleEntity,
    UniqueViolation,
    VersionNotLoaded,
    WrongEntityType,
)
from allocation.uow.django import (
    DjangoRepository,
    DjangoUnitOfWork,
    UnsavedParent,
    UnsupportedValue,
)
from tests.conftest import Fetch
from tests.kernel.models import (
    Category,
    Country,
    Coupon,
    Defaults,
    Line,
    Membership,
    Number,
    Order,
    Parcel,
    Premium,
    Product,
    Redemption,
    Ticket,
    Turnstile,
)
from tests.kernel.shop import ShopUnitOfWork


class Key(enum.Enum):
    """Equal to its value, where that is a text."""

    ORDER = str(uuid.UUID(int=7))
    FRANCE = "fr"


class ParcelUnitOfWork(DjangoUnitOfWork):
    parcels = DjangoRepository(Parcel)


@pytest.fixture
def uow(alias: str) -> Iterator[ShopUnitOfWork]:
    with ShopUnitOfWork(alias) as uow:
        yield uow
        uow.rollback()


class TestKeys:
    def test_may_be_given_after_the_entity_was_added(self, uow: ShopUnitOfWork) -> None:
        country = Country(code="de")
        uow.countries.add(country)
        country.code = "fr"
        uow.flush()
        assert uow.countries.get("fr") is country
        with pytest.raises(EntityNotFound):
            uow.countries.get("de")

    def test_taken_over_from_a_removed_entity_go_on_counting_its_versions(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        old = Product(name="a")
        uow.products.add(old)
        uow.flush()
        old.stock = 1
        uow.flush()
        uow.products.remove(old)
        new = Product(id=old.pk, name="a", stock=5)
        uow.products.add(new)
        uow.commit()
        rows = fetch(alias, "SELECT stock, version FROM kernel_product")
        assert rows == [(5, 2)]
        assert (new.version, new._state.adding) == (2, False)

    def test_may_be_natural(self, alias: str, uow: ShopUnitOfWork, fetch: Fetch) -> None:
        country = Country(code="fr", name="France")
        uow.countries.add(country)
        uow.commit()
        country.name = "République"
        uow.commit()
        assert fetch(alias, "SELECT code, name FROM kernel_country") == [("fr", "République")]
        uow.countries.remove(uow.countries.get("fr"))
        uow.commit()
        assert fetch(alias, "SELECT code FROM kernel_country") == []

    def test_may_not_be_used_twice(self, uow: ShopUnitOfWork) -> None:
        uow.countries.add(Country(code="fr"))
        with pytest.raises(DuplicateKey, match="'fr'"):
            uow.countries.add(Country(code="fr"))

    def test_that_are_taken_are_refused_by_the_database(
        self, alias: str, uow: ShopUnitOfWork
    ) -> None:
        Country(code="fr").save(using=alias)
        uow.countries.add(Country(code="fr"))
        with pytest.raises(UniqueViolation):
            uow.commit()

    def test_may_move_from_a_removed_entity_to_a_new_one(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        uow.countries.add(Country(code="fr", name="old"))
        uow.commit()
        uow.countries.remove(uow.countries.get("fr"))
        uow.countries.add(Country(code="fr", name="new"))
        uow.commit()
        assert fetch(alias, "SELECT code, name FROM kernel_country") == [("fr", "new")]

    def test_may_be_made_up_by_the_database(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        coupons = [Coupon(), Coupon(), Coupon(percent=20)]
        uses = [Redemption(coupon=coupon) for coupon in coupons]
        for use, coupon in zip(uses, coupons, strict=True):
            uow.redemptions.add(use)
            uow.coupons.add(coupon)
        uow.flush()
        uow.rollback()
        for use, coupon in zip(uses, coupons, strict=True):
            uow.redemptions.add(use)
            uow.coupons.add(coupon)
        uow.commit()
        assert [coupon.percent for coupon in coupons] == [10, 10, 20]
        assert all(uow.coupons.get(coupon.code) is coupon for coupon in coupons)
        rows = fetch(alias, "SELECT id, coupon_id FROM kernel_redemption")
        assert dict(rows) == {use.pk: use.coupon.pk for use in uses}

    @pytest.mark.parametrize("given", [str, Key], ids=["text", "enum"])
    def test_given_in_another_type_are_the_same(
        self, alias: str, uow: ShopUnitOfWork, given: Callable[[str], Any]
    ) -> None:
        key = uuid.UUID(int=7)
        order = Order(id=given(str(key)), customer="x")
        uow.orders.add(order)
        country = Country(code=given("fr"))
        uow.countries.add(country)
        with pytest.raises(DuplicateKey):
            uow.orders.add(Order(id=key))
        uow.commit()
        assert [order.pk, country.pk] == [key, "fr"]
        assert uow.orders.get(key) is order
        assert [*uow.orders.list(), *uow.countries.list()] == [order, country]
        order.customer = "y"
        uow.commit()
        assert Order.objects.using(alias).get().customer == "y"

    def test_that_its_field_does_not_know_are_told_of_by_the_field(
        self, uow: ShopUnitOfWork
    ) -> None:
        uow.products.add(Product(id="seven", name="a"))
        with pytest.raises(ValueError, match="expected a number but got 'seven'"):
            uow.flush()

    def test_may_have_two_columns(self, alias: str, uow: ShopUnitOfWork, fetch: Fetch) -> None:
        for person in range(3):
            uow.memberships.add(Membership(club=1, person=person))
        uow.commit()
        uow.memberships.get((1, 1)).rank = 5
        uow.memberships.remove(uow.memberships.get((1, 2)))
        uow.commit()
        rows = fetch(alias, "SELECT club, person, rank FROM kernel_membership ORDER BY person")
        assert rows == [(1, 0, 0), (1, 1, 5)]

    def test_of_an_entity_may_be_reused_after_it_was_deleted(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        country = Country(code="fr")
        for _ in range(2):
            uow.countries.add(country)
            uow.commit()
            uow.countries.remove(country)
            uow.commit()
        uow.countries.add(country)
        uow.commit()
        assert fetch(alias, "SELECT code FROM kernel_country") == [("fr",)]


class TestReferences:
    def test_to_the_same_table_are_followed(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        root = Category(name="root")
        child = Category(name="child", parent=root)
        leaf = Category(name="leaf", parent=child)
        for category in (leaf, root, child):
            uow.categories.add(category)
        uow.commit()
        rows = fetch(
            alias,
            "SELECT c.name, p.name FROM kernel_category c "
            "LEFT JOIN kernel_category p ON p.id = c.parent_id ORDER BY c.name",
        )
        assert rows == [("child", "root"), ("leaf", "child"), ("root", None)]

    def test_may_be_taken_away(self, alias: str, uow: ShopUnitOfWork, fetch: Fetch) -> None:
        root = Category(name="root")
        child = Category(name="child", parent=root)
        uow.categories.add(root)
        uow.categories.add(child)
        uow.commit()
        child.parent = None
        uow.categories.remove(root)
        uow.commit()
        assert fetch(alias, "SELECT name, parent_id FROM kernel_category") == [("child", None)]

    def test_to_new_parents_are_not_forgotten(self, alias: str) -> None:
        with ShopUnitOfWork(alias) as uow:
            root = Category(name="root")
            child = Category(name="child", parent=root)
            uow.categories.add(root)
            uow.categories.add(child)
            uow.commit()
        with CaptureQueriesContext(connections[alias]) as queries:
            assert child.parent is root
        assert len(queries) == 0

    def test_to_new_parents_follow_them_when_a_key_is_taken_back(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        root = Category(name="root")
        child = Category(name="child", parent=root)
        uow.categories.add(root)
        uow.categories.add(child)
        uow.flush()
        uow.rollback()
        assert child.parent_id is None
        assert child.parent is root
        for name in ("another", "and another"):  # who may get the keys that were taken back
            uow.categories.add(Category(name=name))
        uow.categories.add(root)
        uow.categories.add(child)
        uow.commit()
        rows = fetch(alias, "SELECT parent_id FROM kernel_category WHERE name = 'child'")
        assert rows == [(root.pk,)]


class TestValues:
    def test_that_the_database_makes_up_are_taken_over(
        self, alias: str, uow: ShopUnitOfWork
    ) -> None:
        plain, own = Defaults(name="plain"), Defaults(name="own", level=9)
        uow.defaults.add(plain)
        uow.defaults.add(own)
        uow.flush()
        assert (plain.level, own.level) == (7, 9)
        assert isinstance(plain.created, dt.datetime)
        assert list(uow.dirty) == []
        uow.commit()
        assert Defaults.objects.using(alias).get(name="plain").created == plain.created

    def test_may_all_be_left_to_the_database(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        tickets = [Ticket(), Ticket(level=2), Ticket()]
        for ticket in tickets:
            uow.tickets.add(ticket)
        uow.commit()
        assert [ticket.level for ticket in tickets] == [1, 2, 1]
        assert all(isinstance(ticket.issued, dt.datetime) for ticket in tickets)
        assert all(uow.tickets.get(ticket.pk) is ticket for ticket in tickets)
        rows = fetch(alias, "SELECT id, level FROM kernel_ticket")
        assert sorted(rows) == sorted((ticket.pk, ticket.level) for ticket in tickets)

    def test_may_be_nothing_but_a_key_that_is_granted(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        numbers = [Number(), Number(id=70), Number()]
        for number in numbers:
            uow.numbers.add(number)
        uow.commit()
        uow.numbers.remove(numbers[0])
        uow.commit()
        rows = fetch(alias, "SELECT id FROM kernel_number")
        assert sorted(rows) == sorted((number.pk,) for number in numbers[1:])
        assert (70,) in rows

    def test_may_be_nothing_but_a_key_with_a_default(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        turnstile = Turnstile()
        uow.turnstiles.add(turnstile)
        uow.commit()
        assert uow.turnstiles.get("entrance") is turnstile
        assert fetch(alias, "SELECT place FROM kernel_turnstile") == [("entrance",)]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("price", Decimal("12.50")),
            ("price", None),
            ("secret", bytes(range(256))),
            ("took", dt.timedelta(days=3, microseconds=7)),
            ("created", dt.datetime(2030, 1, 31, 12, 30, 15, 123456, tzinfo=dt.UTC)),
            ("name", "quote ' \" % %s {} \\ ü 🪑"),
        ],
    )
    def test_come_back_as_they_were(
        self, alias: str, uow: ShopUnitOfWork, name: str, value: Any
    ) -> None:
        entity = Defaults(name="x")
        uow.defaults.add(entity)
        uow.commit()
        setattr(entity, name, value)
        uow.commit()
        stored = getattr(Defaults.objects.using(alias).get(), name)
        assert (bytes(stored) if name == "secret" else stored) == value

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("price", "1.50"),
            ("price", Decimal("1.234")),
            ("pieces", "5"),
            ("name", 5),
            ("weight", "1.5"),
            ("fragile", 1),
            ("day", dt.datetime(2030, 1, 31, 12, tzinfo=dt.UTC)),
            ("day", "2030-01-31"),
            ("sent", "2030-01-31T12:30:15Z"),
            ("code", str(uuid.UUID(int=7))),
            ("data", {1: (2, 3)}),
            ("address", "2001:0db8::0001"),
        ],
    )
    def test_that_the_database_takes_for_others_are_nobodys_change(
        self, alias: str, name: str, value: Any
    ) -> None:
        with ParcelUnitOfWork(alias) as uow:
            parcel = Parcel(**{name: value})
            uow.parcels.add(parcel)
            uow.commit()
            parcel.number = 9
            assert uow.parcels.get(parcel.pk) is parcel
            uow.commit()
            stored = getattr(Parcel.objects.using(alias).get(number=9), name)
            assert uow.parcels.get(parcel.pk) is parcel
            assert getattr(parcel, name) == stored

    @pytest.mark.parametrize(("name", "theirs"), [("price", "1.51"), ("note", "theirs")])
    def test_that_somebody_else_has_changed_are_not_taken_for_ours(
        self, alias: str, name: str, theirs: str, fetch: Fetch
    ) -> None:
        with ParcelUnitOfWork(alias) as uow:
            parcel = Parcel(price="1.50", note="ours")
            uow.parcels.add(parcel)
            uow.commit()
            fetch(alias, f"UPDATE kernel_parcel SET {name} = %s", (theirs,))
            parcel.number = 9
            with pytest.raises(StaleEntity):
                uow.parcels.get(parcel.pk)
            uow.rollback()

    @pytest.mark.parametrize(("old", "new"), [({"a": 1}, {"a": True}), ([0], [False]), (1, 1.0)])
    def test_in_json_differ_where_their_texts_do(self, alias: str, old: Any, new: Any) -> None:
        with ParcelUnitOfWork(alias) as uow:
            parcel, other = Parcel(data=old), Parcel(data=old, name="other")
            uow.parcels.add(parcel)
            uow.parcels.add(other)
            uow.commit()
            assert list(uow.dirty) == []
            parcel.data = new
            assert list(uow.dirty) == [parcel]
            other.name = "changed"
            uow.commit()
        stored = [Parcel.objects.using(alias).get(pk=each.pk).data for each in (parcel, other)]
        assert repr(stored) == repr([new, old])

    def test_that_only_the_database_knows_are_refused(self, uow: ShopUnitOfWork) -> None:
        product = Product(name="a")
        uow.products.add(product)
        uow.commit()
        product.stock = F("stock") + 1
        with pytest.raises(UnsupportedValue, match=r"Product\.stock was given an expression"):
            uow.commit()

    def test_left_to_the_database_are_refused_where_a_removed_row_is_taken_over(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        old = Ticket(level=5)
        uow.tickets.add(old)
        uow.commit()
        key = old.pk
        uow.tickets.remove(old)
        uow.tickets.add(Ticket(id=key))
        with pytest.raises(UnsupportedValue, match=r"Ticket\.level .* takes over .* flush\(\)"):
            uow.commit()
        uow.rollback()
        uow.tickets.remove(uow.tickets.get(key))
        uow.flush()
        uow.tickets.add(Ticket(id=key))
        uow.commit()
        assert fetch(alias, "SELECT id, level FROM kernel_ticket") == [(key, 1)]

    def test_that_two_exchange_are_refused_before_anything_is_written(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        one, two = Product(name="a"), Product(name="b")
        uow.products.add(one)
        uow.products.add(two)
        uow.commit()
        one.name, two.name = two.name, one.name
        with pytest.raises(ExchangedValues, match="third value in between"):
            uow.flush()
        one.name, two.name = "in between", "b"
        uow.flush()
        two.name = "a"
        uow.flush()
        one.name = "b"
        uow.commit()
        one.name = "c"
        uow.products.add(Product(name="b"))
        with pytest.raises(ExchangedValues):
            uow.flush()
        uow.rollback()
        rows = fetch(alias, "SELECT id, name FROM kernel_product ORDER BY id")
        assert rows == [(one.pk, "b"), (two.pk, "a")]


class TestStrangers:
    def test_behind_a_foreign_key_must_be_added_too(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        uow.categories.add(Category(name="child", parent=Category(name="forgotten")))
        with pytest.raises(UnsavedParent, match=r"\(parent\), which is not stored"):
            uow.commit()
        assert fetch(alias, "SELECT * FROM kernel_category") == []

    def test_behind_a_foreign_key_that_is_required_must_be_added_too(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        uow.lines.add(Line(order=Order(id=None), qty=1))
        with pytest.raises(UnsavedParent, match=r"\(order\), which is not stored"):
            uow.commit()
        uow.rollback()
        uow.redemptions.add(Redemption(coupon=Coupon()))
        with pytest.raises(UnsavedParent):
            uow.commit()
        assert fetch(alias, "SELECT * FROM kernel_redemption") == []

    def test_of_a_model_that_inherits_are_not_stored_by_half(self, uow: ShopUnitOfWork) -> None:
        with pytest.raises(WrongEntityType):
            uow.products.add(Premium(name="x", discount=5))

    def test_without_a_key_cannot_be_registered_as_stored(self, uow: ShopUnitOfWork) -> None:
        for register in (uow.register_dirty, uow.register_deleted):
            with pytest.raises(NotTracked, match="has no key"):
                register(Product(name="a"))

    def test_that_are_stored_already_are_not_added(self, alias: str, uow: ShopUnitOfWork) -> None:
        product = Product(name="a")
        product.save(using=alias)
        with pytest.raises(ForeignEntity, match="loaded elsewhere"):
            uow.products.add(product)

    def test_saved_by_themselves_are_told_of(self, alias: str, uow: ShopUnitOfWork) -> None:
        product = Product(name="a")
        uow.products.add(product)
        product.save(using=alias)
        with pytest.raises(Bypassed, match="leave save"):
            uow.commit()

    def test_deleted_by_themselves_are_told_of(self, uow: ShopUnitOfWork) -> None:
        product = Product(name="a")
        uow.products.add(product)
        uow.commit()
        product.delete()
        with pytest.raises(Bypassed, match="instead of delete"):
            uow.commit()

    def test_registered_dirty_and_rolled_back_stay_as_they_are(
        self, alias: str, uow: ShopUnitOfWork
    ) -> None:
        product = Product(name="a", stock=1)
        product.save(using=alias)
        product.stock = 5
        uow.register_dirty(product)
        uow.rollback()
        assert product.stock == 5


def test_an_entity_without_its_version_is_not_written(alias: str) -> None:
    Product(name="a").save(using=alias)
    with ShopUnitOfWork(alias) as uow:
        [product] = uow.products.find(uow.products.objects.defer("version"))
        product.stock = 1
        with pytest.raises(VersionNotLoaded, match="do not defer"):
            uow.commit()
        uow.rollback()


def test_the_version_is_checked_in_the_statement_that_writes(alias: str, fetch: Fetch) -> None:
    with ShopUnitOfWork(alias) as uow:
        product = Product(name="a")
        uow.products.add(product)
        uow.commit()
        fetch(alias, "UPDATE kernel_product SET version = version + 1")
        product.stock = 1
        with connections[alias].execute_wrapper(no_reads), pytest.raises(StaleEntity):
            uow.flush()
        uow.rollback()


def no_reads(execute: Any, sql: str, *args: Any) -> Any:
    assert not sql.startswith("SELECT")
    return execute(sql, *args)


@pytest.mark.django_db(transaction=True, databases=["postgresql"])
class TestManyValuesAtOnce:
    """On PostgreSQL a column of many rows is sent as one array."""

    @pytest.mark.parametrize("alias", ["postgresql"])
    @given(
        texts=st.lists(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
            | st.sampled_from(["NULL", "null", "", " ", '"', "\\", '\\"', "{}", ",", '","', "'"]),
            min_size=2,
            max_size=6,
        )
    )
    def test_texts_are_stored_as_they_are(self, alias: str, texts: list[str]) -> None:
        with ShopUnitOfWork(alias) as uow:
            products = [Product(name=str(n), note=text) for n, text in enumerate(texts)]
            for product in products:
                uow.products.add(product)
            uow.flush()
            stored = Product.objects.using(alias).order_by("pk").values_list("note", flat=True)
            assert list(stored) == texts
            uow.rollback()


def test_many_rows_come_back_with_all_kinds_of_values(alias: str) -> None:
    given: list[dict[str, Any]] = [
        {},
        {"weight": 1e-300, "fragile": True, "day": dt.date(1, 1, 1), "number": -(2**63)},
        {"weight": -1.5e300, "day": dt.date(9999, 12, 31), "number": 2**63 - 1},
        {"weight": float("inf"), "code": uuid.UUID(int=7), "price": Decimal("-0.01")},
        {"sent": dt.datetime(2030, 1, 31, 12, tzinfo=dt.UTC), "took": dt.timedelta(days=-1)},
        {"note": "NULL", "data": {"a": [1, None, "ü"]}, "seal": b"\0\xff"},
        {"note": 'a "quote", a \\', "name": "{1,2}", "hour": dt.time(23, 59, 59)},
    ]
    names = {name for values in given for name in values}
    with ParcelUnitOfWork(alias) as uow:
        parcels = [Parcel(**values) for values in given]
        for parcel in parcels:
            uow.parcels.add(parcel)
        uow.commit()
    stored = Parcel.objects.using(alias).order_by("pk")
    for parcel, found in zip(parcels, stored, strict=True):
        for name in names - {"seal"}:
            assert getattr(found, name) == getattr(parcel, name), name
        assert bytes(found.seal) == parcel.seal
