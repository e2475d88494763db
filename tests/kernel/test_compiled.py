"""Queries of a repository give what plain querysets give, and are compiled once a shape.

See Note [Recording querysets] and Note [Compiled statements].
"""

from __future__ import annotations

import copy
import datetime as dt
import pickle
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from operator import methodcaller
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.db import DatabaseError, connections, transaction
from django.db.models import (
    BooleanField,
    Count,
    Exists,
    F,
    IntegerField,
    Model,
    OuterRef,
    Q,
    QuerySet,
)
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, IsNull
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext, register_lookup
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.uow.django import compiled, kept, objects
from allocation.uow.django.recording import RecordingQuerySet
from tests.kernel.models import Discontinued, HeavyParcel, Parcel, Product

Ask = Callable[[QuerySet[Any]], QuerySet[Any]]
"""Asks a question of all parcels."""

UTC = dt.UTC
CODE = uuid.UUID(int=7)
NOON = dt.datetime(2011, 1, 1, 12, tzinfo=UTC)

# For each column: two values, and the lookups to try them with.
ORDERED = ["exact", "gt", "gte", "lt", "lte", "in", "range"]
TEXT = [
    *["exact", "iexact", "contains", "icontains", "startswith", "istartswith"],
    *["endswith", "iendswith", "regex", "iregex", "in", "gt"],
]
COLUMNS: dict[str, tuple[Any, Any, list[str]]] = {
    "id": (1, 2, ORDERED),
    "name": ("box", "50%_+", TEXT),
    "note": ("", "a'b", TEXT),
    "pieces": (1, -5, ORDERED),
    "number": (2**40, 0, ORDERED),
    "weight": (1.5, 3, ORDERED),
    "price": (Decimal("1.50"), Decimal(3), ORDERED),
    "fragile": (True, False, ["exact", "in"]),
    "day": (dt.date(2011, 1, 1), dt.date(2012, 2, 29), ORDERED),
    "day__year": (2011, 2012, ORDERED[:5]),
    "day__week_day": (7, 1, ["exact", "in"]),
    "sent": (NOON, NOON + dt.timedelta(days=400), ORDERED),
    "sent__date": (NOON.date(), dt.date(2000, 1, 1), ["exact", "gt"]),
    "sent__hour": (12, 3, ["exact", "lt"]),
    "hour": (dt.time(12), dt.time(3, 4, 5), ORDERED),
    "took": (dt.timedelta(seconds=1), dt.timedelta(days=3), ORDERED),
    "code": (CODE, uuid.UUID(int=8), ["exact", "in"]),
    "data": ("x", 5, ["exact"]),
    "data__a": (1, "x", ["exact", "gt"]),
    "data__has_key": ("a", "b", ["exact"]),
    "seal": (b"x", b"\x00", ["exact"]),
    "address": ("10.0.0.1", "::1", ["exact", "startswith"]),
    "product": (1, 2, ["exact", "in"]),
    "product__name": ("chair", "table", ["exact", "contains", "in"]),
    "product__isnull": (True, False, ["exact"]),
    "pieces__isnull": (True, False, ["exact"]),
    "parts__pieces": (1, 2, ["exact", "gt"]),
    "inside__product__stock": (1, 2, ["exact"]),
}
CASES = [(name, lookup) for name, (_, _, lookups) in COLUMNS.items() for lookup in lookups]


@pytest.fixture
def parcels(alias: str) -> Iterator[None]:
    """Some parcels, in a transaction that is open."""
    with transaction.atomic(alias):
        chair = Product.objects.using(alias).create(pk=1, name="chair", stock=1)
        box = Parcel.objects.using(alias).create(
            name="box", note="", pieces=1, number=2**40, weight=1.5, price="1.50", fragile=True,
            day=NOON.date(), sent=NOON, hour=dt.time(12), took=dt.timedelta(seconds=1), code=CODE,
            data={"a": 1}, seal=b"x", address="10.0.0.1", product=chair,
        )  # fmt: skip
        Parcel.objects.using(alias).create(name="50%_+", note="a'b", data="x", inside=box)
        Parcel.objects.using(alias).create(pieces=2, data=5, inside=box)
        yield
        transaction.set_rollback(True, alias)


def sent(alias: str, queryset: QuerySet[Any]) -> tuple[Any, list[Any]]:
    """What it gives or raises, and the statements with their parameters."""
    statements: list[Any] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "SAVEPOINT" not in sql:
            shown = [bytes(p) if isinstance(p, memoryview) else repr(p) for p in params or ()]
            statements.append((sql, shown))
        return execute(sql, params, many, context)

    try:
        with connections[alias].execute_wrapper(note), transaction.atomic(alias):
            return sorted(map(repr, queryset)), statements
    except (DatabaseError, OverflowError) as error:
        return repr(error), statements


def check(alias: str, ask: Ask, model: type[Model] = Parcel) -> None:
    """Asked of a repository's objects, it is what it is of the manager's."""
    asked = sent(alias, ask(objects(model, alias)))
    assert asked == sent(alias, ask(model._default_manager.using(alias)))


def asking(method: str, **condition: Any) -> Ask:
    def ask(all_: QuerySet[Any]) -> QuerySet[Any]:
        asked: QuerySet[Any] = getattr(all_, method)(**condition)
        return asked

    return ask


def compiles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes the statements that are compiled from now on."""
    noted: list[str] = []
    original = SQLCompiler.pre_sql_setup

    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        noted.append(str(self.query.model))
        return original(self, *args, **kwargs)

    monkeypatch.setattr(SQLCompiler, "pre_sql_setup", noting)
    return noted


@pytest.fixture
def questions(alias: str, monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    """What is kept on the connection: nothing yet, whatever ran before."""
    empty: dict[Any, Any] = {}
    monkeypatch.setitem(vars(connections[alias]), "_uow_kept", empty)
    return empty


class Marked(Model):  # noqa: DJ008  # it needs no name for people
    """The parcels, with a column whose field takes an empty text for NULL."""

    fragile = BooleanField(null=True)

    class Meta:
        app_label = "kernel"
        db_table = "kernel_parcel"
        managed = False


class Turned(Exact):
    """Has the value first where its column is a plain one of Django's."""

    lookup_name = "turned"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        lhs, _ = self.process_lhs(compiler, connection)
        return (f"%s = {lhs}" if type(self.lhs) is Col else f"{lhs} = %s"), (self.rhs,)


class TestALookup:
    @pytest.mark.parametrize("method", ["filter", "exclude"])
    @pytest.mark.parametrize(("name", "lookup"), CASES)
    def test_sends_what_a_plain_queryset_sends(
        self, alias: str, parcels: None, name: str, lookup: str, method: str
    ) -> None:
        one, other, _ = COLUMNS[name]
        values: list[Any] = [one, other, one]
        if lookup == "in":
            values = [[one], [other], [one, other], (other, one), {one}, [], [one, one]]
        elif lookup == "range":
            values = [(one, other), (other, one)]
        key = name if name.endswith(("isnull", "has_key")) else f"{name}__{lookup}"
        for value in values:
            check(alias, asking(method, **{key: value}))

    # Django deprecates None for JSON's null, and refuses it for the others left out.
    @pytest.mark.parametrize(
        "name", [n for n in COLUMNS if not n.startswith("data") and not n.endswith("isnull")]
    )
    def test_takes_none_as_plain_querysets_do(self, alias: str, parcels: None, name: str) -> None:
        one, _, _ = COLUMNS[name]
        for value in (None, one, None):
            check(alias, asking("filter", **{name: value}))
            check(alias, asking("exclude", **{name: value}))

    @pytest.mark.parametrize(
        "value", [2**31, -(2**40), 2**63, "7", 1.0, True, Decimal(1), F("number"), 2**70]
    )
    def test_converts_as_plain_querysets_do(self, alias: str, parcels: None, value: Any) -> None:
        for lookup in ("exact", "gt", "lt", "in"):
            for number in (1, value):
                of_it = [number] if lookup == "in" else number
                check(alias, asking("filter", **{f"pieces__{lookup}": of_it}))

    @pytest.mark.parametrize("values", [(True, "", True), ("", "True", ""), ("1", "", "0")])
    def test_takes_for_null_what_its_field_does(
        self, alias: str, parcels: None, questions: object, values: tuple[Any, ...]
    ) -> None:
        for value in values:
            check(alias, asking("filter", fragile=value), Marked)
            check(alias, asking("exclude", fragile=value), Marked)

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
    def test_follows_the_time_zone_of_the_moment(
        self, alias: str, parcels: None, zone: str
    ) -> None:
        for current in ("UTC", zone, "UTC"):
            with timezone.override(current):
                check(alias, lambda all_: all_.filter(sent__date=NOON.date(), sent__hour=12))
                check(alias, lambda all_: all_.order_by("sent__date", "pk"))


QUESTIONS: dict[str, Ask] = {
    "and": lambda a: a.filter(pieces=1, name="box").filter(number__gte=1),
    "or": lambda a: a.filter(Q(pieces=1) | Q(name="box") | ~Q(fragile=True, number=0)),
    "xor": lambda a: a.filter(Q(pieces=1) ^ Q(name="box")),
    "twice": lambda a: a.filter(pieces=1).filter(pieces=1),
    "excluded part": lambda a: a.exclude(parts__pieces=1, name="x"),
    "parts in turn": lambda a: a.filter(parts__pieces=1).filter(parts__name="box"),
    "expression": lambda a: a.filter(pieces=F("number")),
    "expressions": lambda a: a.filter(pieces__in=[1, F("number")]),
    "what became another meanwhile": lambda a: a.order_by(a.annotate(n=F("pk")) and "name"),
    "condition of an expression": lambda a: a.filter(Exists(a.filter(pieces=OuterRef("number")))),
    "subquery": lambda a: a.filter(inside__in=a.filter(pieces=1)),
    "instance": lambda a: a.filter(product=Product(pk=1)),
    "annotated": lambda a: a.annotate(n=Count("parts")).filter(n__gte=1),
    "aliased": lambda a: a.alias(n=F("number") + 1).filter(n=1),
    "order": lambda a: a.filter(pieces=1).order_by("-name", "product__name"),
    "reversed": lambda a: a.order_by("pk").reverse(),
    "distinct": lambda a: a.filter(parts__pieces__gt=0).distinct(),
    "sliced": lambda a: a.filter(number__gte=0).order_by("pk")[1:2],
    "values": lambda a: a.filter(pieces=1).values("name", "product__name"),
    "values_list": lambda a: a.filter(pieces=1).values_list("sent", "data", "took", "code"),
    "flat": lambda a: a.filter(pieces__gt=0).values_list("name", flat=True),
    "named": lambda a: a.filter(pieces=1).values_list("name", "pk", named=True),
    "values of an expression": lambda a: a.filter(pieces=1).values_list(F("number") + 1),
    "only": lambda a: a.filter(pieces=1).only("name"),
    "deferred": lambda a: a.filter(pieces=1).defer("name", "data"),
    "related": lambda a: a.filter(product__name="chair").select_related("product"),
    "prefetched": lambda a: a.filter(pieces__gte=1).prefetch_related("parts"),
    "locked": lambda a: a.filter(pieces=1).order_by("pk").select_for_update(),
    "locked in part": lambda a: a.filter(pieces=1).select_for_update(of=("self",), no_key=True),
    "union": lambda a: a.filter(pieces=1).union(a.filter(pieces=2)),
    "combined": lambda a: a.filter(pieces=1) | a.filter(pieces=2),
    "none": lambda a: a.filter(pieces=1).none(),
    "all": lambda a: a.all(),
    "extra": lambda a: a.extra(where=["pieces = %s"], params=[1]),
}


class TestAQuestion:
    @pytest.mark.parametrize("ask", QUESTIONS.values(), ids=list(QUESTIONS))
    def test_sends_what_a_plain_queryset_sends(self, alias: str, parcels: None, ask: Ask) -> None:
        check(alias, ask)
        check(alias, ask)

    def test_may_be_made_up_of_anything(self, alias: str, parcels: None) -> None:
        conditions = st.sampled_from(CASES).flatmap(_conditions)
        calls = st.lists(st.tuples(st.sampled_from(["filter", "exclude"]), conditions), max_size=4)

        @settings(max_examples=150)
        @given(calls)
        def sends_what_a_plain_queryset_sends(calls: list[tuple[str, Q]]) -> None:
            def ask(all_: QuerySet[Any]) -> QuerySet[Any]:
                for method, q in calls:
                    all_ = getattr(all_, method)(copy.deepcopy(q))
                return all_

            check(alias, ask)

        sends_what_a_plain_queryset_sends()

    def test_is_compiled_once(
        self, alias: str, parcels: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def ask(number: int) -> list[Any]:
            asked = objects(Parcel, alias).filter(number__gte=number, name__in=["box", "b"])
            return list(asked.order_by("pk").values_list("pk", "name", "day"))

        first = ask(1)
        noted = compiles(monkeypatch)
        assert ask(1) == first
        assert ask(2**41) == []
        assert noted == []

    def test_is_compiled_again_where_there_were_too_many_others(
        self,
        alias: str,
        parcels: None,
        questions: dict[Any, Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(kept, "_MOST", 2)
        counts = []
        for column in ("pieces", "number", "weight") * 2:
            check(alias, asking("filter", **{f"{column}__gte": 1}))
            counts.append(len(questions))
        assert counts == [1, 2, 1, 2, 1, 2]

    def test_is_compiled_again_where_there_were_too_many_lengths(
        self,
        alias: str,
        parcels: None,
        questions: dict[Any, Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(compiled, "_MOST_STATEMENTS", 2)
        counts = []
        for length in (1, 2, 3) * 2:
            check(alias, asking("filter", pieces__in=[*range(length)]))
            [question] = questions.values()
            counts.append(len(question._statements))
        assert counts == [1, 2, 1, 2, 1, 2]

    def test_is_not_kept_where_a_condition_stands_otherwise_in_it(
        self, alias: str, parcels: None, questions: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with register_lookup(IntegerField, Turned):
            ask = asking("filter", pieces__turned=1)
            check(alias, ask)
            noted = compiles(monkeypatch)
            assert len(ask(objects(Parcel, alias))) == 1
            assert noted != []

    def test_is_not_taken_for_another_whose_expression_differs(
        self, alias: str, parcels: None, questions: object
    ) -> None:
        for column in ("day", "inside"):
            missing = IsNull(F(column), True)
            check(alias, methodcaller("filter", Q(pieces=2) | Q(missing)))

    def test_is_seen_by_instruments(self, alias: str, parcels: None) -> None:
        for _ in range(2):
            with CaptureQueriesContext(connections[alias]) as captured:
                list(objects(Parcel, alias).filter(name="o'box"))
            assert "o''box" in captured[0]["sql"]


def _conditions(case: tuple[str, str]) -> st.SearchStrategy[Q]:
    """Conditions on that column and maybe others, with either of its values."""
    name, lookup = case
    value: st.SearchStrategy[Any] = st.sampled_from(COLUMNS[name][:2])
    if lookup == "in":
        value = st.lists(value, max_size=3)
    elif lookup == "range":
        value = st.tuples(value, value)
    key = name if name.endswith(("isnull", "has_key")) else f"{name}__{lookup}"
    leaf = value.map(lambda given: Q(**{key: given}))
    return st.one_of(leaf, leaf.map(lambda q: ~q), st.tuples(leaf, leaf).map(lambda p: p[0] | p[1]))


class TestARecordingQueryset:
    def test_is_one_of_the_managers_own(self, alias: str, parcels: None) -> None:
        assert isinstance(objects(Parcel, alias), QuerySet)

    def test_asks_the_manager_each_time(self, alias: str, parcels: None) -> None:
        Discontinued._base_manager.using(alias).create(name="a", hidden=True)
        shown = Discontinued._base_manager.using(alias).create(name="b")
        for _ in range(2):
            assert list(objects(Discontinued, alias).order_by("name")) == [shown]

    def test_made_of_a_query_is_the_plain_one_that_asks_it(self, alias: str, parcels: None) -> None:
        known = Parcel._default_manager.filter(name="box").query
        made = type(objects(Parcel, alias))(Parcel, known, alias)
        assert type(made) is QuerySet
        assert [parcel.name for parcel in made] == ["box"]

    def test_stays_one_where_somebody_looks_for_a_protocol(self, alias: str, parcels: None) -> None:
        asked = objects(Parcel, alias).filter(name="box")
        assert not hasattr(asked, "__html__")  # as templates do
        assert type(asked) is RecordingQuerySet

    def test_keeps_the_list_that_it_was_given(self, alias: str, parcels: None) -> None:
        names = ["box"]
        asked = objects(Parcel, alias).filter(name__in=names)
        names.append("50%_+")
        assert [parcel.name for parcel in asked] == ["box"]

    def test_is_left_as_it_is_by_what_follows(self, alias: str, parcels: None) -> None:
        asked = objects(Parcel, alias).filter(pieces__gte=1)
        assert asked.filter(name="box").count() == 1
        assert len(asked.exclude(name="box")) == 1
        assert len(asked) == 2
        assert len(asked) == asked.count() == 2

    def test_can_do_what_any_queryset_can(self, alias: str, parcels: None) -> None:
        def asked() -> QuerySet[Any]:
            return objects(Parcel, alias).filter(name="box")

        assert asked().get().pieces == 1
        assert asked().exists()
        assert asked().first() == asked().last() == asked()[0]
        assert asked().aggregate(n=Count("pk")) == {"n": 1}
        assert [parcel.pk for parcel in asked().iterator()] == [asked().get().pk]
        assert asked().in_bulk() == {asked().get().pk: asked().get()}
        assert asked().update(pieces=7) == 1
        assert pickle.loads(pickle.dumps(asked()))[0].pieces == 7  # noqa: S301  # our own
        assert copy.deepcopy(asked())[0].pieces == 7
        assert repr(asked()) == f"<QuerySet [<Parcel: {asked().get()}>]>"
        assert asked().values_list("pieces", flat=True).get() == 7

    def test_refuses_what_any_queryset_refuses(self, alias: str, parcels: None) -> None:
        with pytest.raises(FieldError, match="weigth"):
            list(objects(Parcel, alias).filter(weigth=1))
        with pytest.raises(ValueError, match="pieces"):
            list(objects(Parcel, alias).filter(pieces="many"))
        with pytest.raises(AttributeError):
            getattr(objects(Parcel, alias), "nonsense")  # noqa: B009  # mypy knows that already

    def test_can_be_a_custom_one(self, alias: str, parcels: None) -> None:
        for than, found in ((1, 1), (2, 0), (1, 1)):
            heavy: Any = objects(HeavyParcel, alias)
            with CaptureQueriesContext(connections[alias]) as captured:
                assert len(heavy.heavy(than)) == found
            assert '"number" >= ' in captured[0]["sql"]


@pytest.mark.django_db(transaction=True, databases=["postgresql"])
def test_a_lock_outside_a_transaction_is_refused_in_djangos_words() -> None:
    for _ in range(2):
        with transaction.atomic("postgresql"):
            list(objects(Parcel, "postgresql").select_for_update())
        with pytest.raises(TransactionManagementError):
            list(objects(Parcel, "postgresql").select_for_update())


@pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])
def test_each_database_has_statements_of_its_own() -> None:
    for alias in ("default", "postgresql", "default", "postgresql"):
        with transaction.atomic(alias):
            check(alias, lambda all_: all_.filter(sent__date=NOON.date(), name__contains="o"))
