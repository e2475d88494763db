"""The lists: what they show, how they are narrowed down, and what they refuse."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from allocation.admin import lists
from allocation.models import Batch, HistoryEntry, OrderLine
from tests.factories import BatchFactory, OrderLineFactory
from tests.functional.admin.conftest import SignIn
from tests.functional.admin.pages import rows, url
from tests.support.databases import POSTGRESQL, SQLITE

TODAY = timezone.localdate()
MODELS = ["batch", "orderline", "historyentry"]

# They read: there is nothing to commit.
pytestmark = pytest.mark.django_db(databases=[SQLITE, POSTGRESQL])


@pytest.fixture
def stock(alias: str) -> None:
    """A batch in every state."""
    for reference, sku, allocated, eta in [
        ("STOCK-1", "LAMP", 0, None),
        ("STOCK-2", "SOFA", 100, None),
        ("LATE-1", "LAMP", 95, TODAY - timedelta(days=1)),
        ("SHIP-1", "lamp", 1, TODAY),
    ]:
        BatchFactory(
            using=alias, reference=reference, sku=sku, allocated_quantity=allocated, eta=eta
        )


@pytest.fixture
def orders(alias: str) -> None:
    BatchFactory(using=alias, reference="STOCK", allocated_quantity=3)
    for position, orderid in enumerate(["order-1", "order-2", "other"], 1):
        OrderLineFactory(using=alias, orderid=orderid, batch_id="STOCK", position=position)
    OrderLineFactory(using=alias, orderid="order-1", sku="SOFA")


@pytest.mark.usefixtures("stock")
class TestBatches:
    def test_show_what_they_hold(self, viewer: Client) -> None:
        response = viewer.get(url("batch_changelist", q="LATE"))

        for column, shown in [("purchased", "100"), ("free", "5"), ("state", "late")]:
            assertContains(response, f'<td class="field-{column}">{shown}</td>', html=True)
        lines = url("orderline_changelist", batch="LATE-1")
        assertContains(response, f'<td class="field-allocated"><a href="{lines}">95</a></td>')

    @pytest.mark.parametrize(
        ("state", "found"),
        [
            ("warehouse", ["STOCK-1", "STOCK-2"]),
            ("way", ["LATE-1", "SHIP-1"]),
            ("late", ["LATE-1"]),
            ("low", ["LATE-1"]),
            ("full", ["STOCK-2"]),
            ("nonsense", ["LATE-1", "SHIP-1", "STOCK-1", "STOCK-2"]),
        ],
    )
    def test_are_filtered_by_state(self, viewer: Client, state: str, found: list[str]) -> None:
        assert rows(viewer, "batch", state=state) == found

    @pytest.mark.parametrize(
        ("q", "found"),
        [
            ("STOCK", ["STOCK-1", "STOCK-2"]),
            ("LAMP", ["LATE-1", "STOCK-1"]),
            ("STOCK LAMP", ["STOCK-1"]),
            ("TOCK", []),
            ("%", []),
        ],
    )
    def test_are_searched_by_how_reference_and_sku_begin(
        self, alias: str, viewer: Client, q: str, found: list[str]
    ) -> None:
        if alias == SQLITE:  # SQLite compares without heed to case
            found = {"LAMP": ["LATE-1", "SHIP-1", "STOCK-1"]}.get(q, found)
        assert rows(viewer, "batch", q=q) == found

    def test_are_narrowed_down_to_a_sku(self, viewer: Client) -> None:
        assert rows(viewer, "batch", sku="LAMP") == ["LATE-1", "STOCK-1"]

    @pytest.mark.parametrize(
        ("order", "found"),
        [
            ("1", ["LATE-1", "SHIP-1", "STOCK-1", "STOCK-2"]),
            ("-1", ["STOCK-2", "STOCK-1", "SHIP-1", "LATE-1"]),
            ("5", ["STOCK-2", "LATE-1", "SHIP-1", "STOCK-1"]),
            ("-5.1", ["STOCK-1", "SHIP-1", "LATE-1", "STOCK-2"]),
            ("3", ["LATE-1", "SHIP-1", "STOCK-1", "STOCK-2"]),
            ("x.99", ["LATE-1", "SHIP-1", "STOCK-1", "STOCK-2"]),
        ],
    )
    def test_are_sorted_by_one_column_that_has_an_index(
        self, viewer: Client, order: str, found: list[str]
    ) -> None:
        assert rows(viewer, "batch", o=order) == found
        assertContains(viewer.get(url("batch_changelist", o="5.1")), " sorted ", 1)

    @pytest.mark.parametrize(
        ("state", "found"), [("way", ["B", "C", "A"]), ("low", ["C", "A", "B"])]
    )
    def test_are_sorted_by_what_they_are_filtered_by(
        self, alias: str, viewer: Client, state: str, found: list[str]
    ) -> None:
        for reference, days, free in [("A", 9, 2), ("B", 7, 3), ("C", 8, 1)]:
            eta = TODAY + timedelta(days=days)
            BatchFactory(
                using=alias, reference=reference, sku="X", allocated_quantity=100 - free, eta=eta
            )
        assert rows(viewer, "batch", state=state, sku="X") == found

    def test_are_offered_by_the_years_months_and_days_of_their_eta(
        self, alias: str, viewer: Client
    ) -> None:
        for reference, eta in [("A", date(2011, 2, 3)), ("B", date(2011, 4, 5))]:
            BatchFactory(using=alias, reference=reference, eta=eta)
        BatchFactory(using=alias, reference="NEVER", eta=date.max)

        assertContains(viewer.get(url("batch_changelist")), "?eta__year=2011")
        assertContains(viewer.get(url("batch_changelist")), "?eta__year=9999")
        assertNotContains(viewer.get(url("batch_changelist")), "?eta__year=2012")
        year = viewer.get(url("batch_changelist", eta__year=2011))
        months = ["February 2011", "March 2011", "April 2011"]
        assert [month in year.content.decode() for month in months] == [True] * 3
        assertNotContains(year, "May 2011")
        month = viewer.get(url("batch_changelist", eta__year=2011, eta__month=2))
        assertContains(month, "February 3")
        assert rows(viewer, "batch", eta__year=2011) == ["A", "B"]
        assert rows(viewer, "batch", eta__year=2011, eta__month=4) == ["B"]
        assert rows(viewer, "batch", eta__year=2011, eta__month=4, eta__day=4) == []


@pytest.mark.usefixtures("orders")
class TestLines:
    def test_are_shown_the_newest_first(self, viewer: Client) -> None:
        assert rows(viewer, "orderline") == ["order-1", "other", "order-2", "order-1"]

    def test_show_their_batch_or_that_they_wait(self, viewer: Client) -> None:
        response = viewer.get(url("orderline_changelist", order="order-1"))

        assertContains(response, f'<a href="{url("batch_change", "STOCK")}">STOCK</a>', html=True)
        assertContains(response, "waits as a backorder")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"state": "backorder"}, ["order-1"]),
            ({"state": "allocated"}, ["other", "order-2", "order-1"]),
            ({"batch": "STOCK"}, ["other", "order-2", "order-1"]),
            ({"order": "order-1"}, ["order-1", "order-1"]),
            ({"sku": "SOFA"}, ["order-1"]),
            ({"q": "order"}, ["order-1", "order-2", "order-1"]),
            ({"q": "SOFA"}, ["order-1"]),
            ({"q": "rder"}, []),
            ({"batch": ""}, ["order-1", "other", "order-2", "order-1"]),
            ({"o": "1"}, ["order-1", "other", "order-2", "order-1"]),  # which has no index
        ],
    )
    def test_are_narrowed_down(
        self, viewer: Client, query: dict[str, str], found: list[str]
    ) -> None:
        assert rows(viewer, "orderline", **query) == found

    def test_show_what_they_are_narrowed_down_to(self, viewer: Client) -> None:
        response = viewer.get(url("orderline_changelist", batch="<b>STOCK</b>"))

        assertContains(response, "By batch")
        assertContains(response, "&lt;b&gt;STOCK&lt;/b&gt;</a>")
        assertNotContains(viewer.get(url("orderline_changelist")), "By batch")

    def test_of_a_batch_are_shown_the_last_allocated_first(
        self, alias: str, viewer: Client
    ) -> None:
        """Which is another order than that of the rows."""
        BatchFactory(using=alias, reference="B", allocated_quantity=2)
        OrderLineFactory(using=alias, orderid="second", batch_id="B", position=2)
        OrderLineFactory(using=alias, orderid="first", batch_id="B", position=1)

        assert rows(viewer, "orderline", batch="B") == ["second", "first"]


class TestEveryList:
    @pytest.mark.parametrize("model", MODELS)
    def test_stops_counting_and_says_so(
        self, alias: str, viewer: Client, model: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lists, "COUNTED", 150)
        fill(alias, 150)
        response: Any = viewer.get(url(f"{model}_changelist"))
        assertContains(response, "150 ")
        assertNotContains(response, "150+")

        fill(alias, 1, first=151)
        response = viewer.get(url(f"{model}_changelist"))

        plural = response.context["cl"].opts.verbose_name_plural
        assertContains(response, f"150+ {plural}")
        assertContains(response, "150+ results")
        assertContains(response, f"Select all 150+ {plural}")
        assertContains(response, "All 150+ selected")
        assertContains(response, "?p=2")
        assertNotContains(response, "?p=3")

    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize("name", ["ann", "vera", "root"])
    def test_sends_as_many_queries_for_many_rows_as_for_few(
        self, alias: str, sign_in: SignIn, model: str, name: str
    ) -> None:
        client = sign_in(name)
        fill(alias, 10)
        with CaptureQueriesContext(connections[alias]) as for_10:
            assert len(rows(client, model)) == 10
        fill(alias, 190, first=11)
        with CaptureQueriesContext(connections[alias]) as for_200:
            assert len(rows(client, model)) == 100

        assert len(for_10) == len(for_200) < 15

    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize(
        "query",
        [
            {"p": "99999999999999999999"},
            {"p": "-1"},
            {"q": "\0"},
            {"q": "'\"\\%_" * 50},
            {"o": "1.-2.99999999999999999999"},
            {"all": ""},
            {"_facets": "True"},
        ],
    )
    def test_bears_nonsense_in_its_url(
        self, alias: str, viewer: Client, model: str, query: dict[str, str]
    ) -> None:
        fill(alias, 1)
        response = viewer.get(url(f"{model}_changelist", **query), follow=True)

        assert response.status_code == 200

    @pytest.mark.parametrize(
        ("model", "query"),
        [
            ("batch", {"eta__year": "9999"}),
            ("batch", {"eta__year": "9999", "eta__month": "12"}),
            ("batch", {"eta__year": "x"}),
            ("batch", {"eta__year": "1999"}),
            ("batch", {"sku": ""}),
            ("batch", {"eta__year": "2011", "eta__month": "13"}),
            ("batch", {"sku": "\0"}),
            ("orderline", {"batch": "\0"}),
            ("orderline", {"order": "\0"}),
            ("historyentry", {"batch": "\0"}),
        ],
    )
    def test_bears_nonsense_in_its_filters(
        self, alias: str, viewer: Client, model: str, query: dict[str, str]
    ) -> None:
        fill(alias, 1)
        response = viewer.get(url(f"{model}_changelist", **query), follow=True)

        assert response.status_code == 200

    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize("key", ["", "\0", "a\0", "9" * 30, "x" * 300])
    def test_refuses_keys_that_it_cannot_have_sent(
        self, viewer: Client, model: str, key: str
    ) -> None:
        form = {"action": "export_csv", ACTION_CHECKBOX_NAME: [key]}
        response = viewer.post(url(f"{model}_changelist"), form)

        if (model, key) == ("batch", "9" * 30):  # which is the reference of none
            assert response.getvalue().count(b"\n") == 1
        else:
            assert response.status_code == 400

    @pytest.mark.parametrize(
        ("model", "lookup"),
        [
            ("batch", "sku__contains"),
            ("batch", "purchased_quantity"),
            ("batch", "eta__month"),
            ("batch", "lines__qty"),
            ("orderline", "qty__gt"),
            ("orderline", "batch__sku"),
            ("historyentry", "actor"),
            ("historyentry", "at__year"),
        ],
    )
    def test_refuses_lookups_that_would_read_all_rows(
        self, viewer: Client, model: str, lookup: str
    ) -> None:
        response = viewer.get(url(f"{model}_changelist", **{lookup: "1"}))

        assert response.status_code == 400


def fill(alias: str, count: int, first: int = 1) -> None:
    """As many batches, each with a line, and entries of the history."""
    numbers = range(first, first + count)
    Batch.objects.using(alias).bulk_create(
        [
            Batch(
                reference=f"b{n:03}",
                sku="LAMP",
                purchased_quantity=9,
                allocated_quantity=1,
                eta=TODAY,
            )
            for n in numbers
        ]
    )
    OrderLine.objects.using(alias).bulk_create(
        [
            OrderLine(orderid=f"o{n:03}", sku="LAMP", qty=1, batch_id=f"b{n:03}", position=1)
            for n in numbers
        ]
    )
    HistoryEntry.objects.using(alias).bulk_create(
        [
            HistoryEntry(
                actor="ann", service="allocate", event="allocated", batch=f"b{n:03}", sku="LAMP"
            )
            for n in numbers
        ]
    )
