"""The pages of order lines, and of an order."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from allocation.models import OrderLine
from tests.functional.web.conftest import LOOKS, Site, errors
from tests.support.html import inputs, rows, text

JUNE = date(2030, 6, 1)


@LOOKS
class TestLineList:
    @pytest.fixture
    def full_site(self, site: Site) -> Site:
        site.add("b1", "LAMP", 10)
        site.order(("o1", "LAMP", 3), ("o1", "SOFA", 1), ("o2", "LAMP", 9), ("p1", "LAMP", 2))
        return site

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, [("p1", "LAMP"), ("o2", "LAMP"), ("o1", "SOFA"), ("o1", "LAMP")]),
            ({"sort": "id"}, [("o1", "LAMP"), ("o1", "SOFA"), ("o2", "LAMP"), ("p1", "LAMP")]),
            ({"sort": "qty"}, [("p1", "LAMP"), ("o2", "LAMP"), ("o1", "SOFA"), ("o1", "LAMP")]),
            ({"state": "backorders"}, [("o2", "LAMP"), ("o1", "SOFA")]),
            ({"q": "o1"}, [("o1", "SOFA"), ("o1", "LAMP")]),
            ({"q": "SO"}, [("o1", "SOFA")]),
            ({"q": "1"}, []),
            ({"q": "_"}, []),
            ({"q": "LAMP", "state": "backorders", "sort": "id"}, [("o2", "LAMP")]),
        ],
    )
    def test_shows_those_that_were_asked_for(
        self, full_site: Site, query: dict[str, str], found: list[tuple[str, str]]
    ) -> None:
        page = full_site.get("lines", **query)
        assert [tuple(row[:2]) for row in rows(page)] == found

    def test_shows_on_which_batch_each_line_is(self, full_site: Site) -> None:
        page = full_site.get("lines", q="o1")
        assert [row[2:4] for row in rows(page)] == [
            ["1", "waits as a backorder"],
            ["3", "b1 in the warehouse"],
        ]

    def test_is_called_by_what_it_shows(self, full_site: Site) -> None:
        assert text(full_site.get("lines")).startswith("Order lines")
        assert text(full_site.get("lines", state="backorders")).startswith("Backorders")

    def test_says_so_when_there_is_none(self, site: Site) -> None:
        assert "There is no order line yet." in text(site.get("lines"))
        assert "No order line is like that." in text(site.get("lines", q="x"))
        assert "No line waits for stock." in text(site.get("lines", state="backorders"))


class TestAllocateLine:
    def test_gives_the_line_to_the_first_batch_with_room(self, site: Site) -> None:
        site.add("b1", "LAMP", 10)

        page = site.post("allocate_line", orderid=" o1 ", sku="LAMP", qty="3")

        assert page.redirect_chain == [("/order/o1/", 302)]
        assert "The line of order o1 for sku LAMP is on batch b1." in text(page)
        assert site.stored().lines == {("o1", "LAMP"): (3, "b1")}
        assert site.history() == [("ann", "allocate", "allocated", "b1", None, "o1", "LAMP")]

    @pytest.mark.parametrize("backorder", [{}, {"backorder": "on"}])
    def test_sent_twice_is_done_once(self, site: Site, backorder: dict[str, str]) -> None:
        site.add("b1", "LAMP", 10)
        form = {"orderid": "o1", "sku": "LAMP", "qty": "3"} | backorder
        first = site.post("allocate_line", **form)
        once = site.stored(), site.history()

        second = site.post("allocate_line", **form)

        assert first.redirect_chain == second.redirect_chain
        assert "The line of order o1 for sku LAMP is on batch b1." in text(second)
        assert (site.stored(), site.history()) == once

    @pytest.mark.parametrize(
        ("sku", "why"),
        [("LAMP", "No batch has room"), ("SOFA", "There is no batch of this SKU")],
    )
    def test_keeps_it_as_a_backorder_where_that_is_asked_for(
        self, site: Site, sku: str, why: str
    ) -> None:
        site.add("b1", "LAMP", 2)
        form = {"orderid": "o1", "sku": sku, "qty": "3", "backorder": "on"}
        for _ in range(2):
            page = site.post("allocate_line", **form)

            assert f"{why}: the line of order o1 for sku {sku} waits as a backorder." in text(page)
            assert site.stored().lines == {("o1", sku): (3, None)}
            assert site.history() == [
                ("ann", "allocate_lines", "backordered", None, None, "o1", sku)
            ]

    def test_leads_back_to_where_the_person_was(self, site: Site) -> None:
        site.add("b1", "LAMP", 10)
        opened = site.get("allocate_line", sku="LAMP", next="/sku/LAMP/")

        page = site.post("allocate_line", **inputs(opened) | {"orderid": "o1", "qty": "1"})

        assert page.redirect_chain == [("/sku/LAMP/", 302)]


@LOOKS
class TestAllocateForm:
    @pytest.fixture(autouse=True)
    def batches(self, site: Site) -> None:
        site.add("b1", "LAMP", 5)
        site.order(("known", "LAMP", 2))

    @pytest.mark.parametrize("backorder", [{}, {"backorder": "on"}])
    @pytest.mark.parametrize(
        ("changed", "field", "error"),
        [
            ({"orderid": ""}, "orderid", "This field is required."),
            ({"orderid": "a\nb"}, "orderid", "The order id must not contain control characters"),
            ({"sku": " "}, "sku", "The sku must not be empty"),
            ({"qty": "0"}, "qty", "The quantity must be a whole number of at least 1, not 0."),
            ({"qty": "many"}, "qty", "The quantity must be a whole number of at least 1"),
            (
                {"orderid": "known"},
                "qty",
                "Order known already has a line for sku LAMP with quantity 2, not 1.",
            ),
        ],
    )
    def test_says_beside_the_field_what_is_wrong_and_keeps_all(
        self,
        site: Site,
        changed: dict[str, str],
        field: str,
        error: str,
        backorder: dict[str, str],
    ) -> None:
        form = {"orderid": "new", "sku": "LAMP", "qty": "1", "next": ""} | backorder | changed

        page = site.post("allocate_line", **form)

        [(wrong, [message])] = errors(page).items()
        assert wrong == field
        assert message.startswith(error)
        assert inputs(page) == form
        assert list(OrderLine.objects.values_list("orderid")) == [("known",)]

    @pytest.mark.parametrize(
        ("changed", "field", "error"),
        [
            ({"sku": "SOFA"}, "sku", "Invalid sku SOFA: there is no batch of it."),
            ({"qty": "4"}, "qty", "Out of stock for sku LAMP"),
        ],
    )
    def test_answers_that_there_is_none(
        self, site: Site, changed: dict[str, str], field: str, error: str
    ) -> None:
        form = {"orderid": "new", "sku": "LAMP", "qty": "1", "next": ""} | changed

        page = site.post("allocate_line", **form)

        assert page.status_code == 200
        assert errors(page) == {field: [error]}
        assert inputs(page) == form

    def test_can_be_opened_filled_in(self, site: Site) -> None:
        form = {"orderid": "o1", "sku": "LAMP", "qty": "7", "backorder": "on", "next": ""}
        assert inputs(site.get("allocate_line", **form)) == form

    @pytest.mark.parametrize(
        "url", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", "\\\\x"]
    )
    def test_leads_to_no_other_site(self, site: Site, url: str) -> None:
        assert inputs(site.get("allocate_line", next=url))["next"] == ""
        page = site.post("allocate_line", orderid="o1", sku="LAMP", qty="1", next=url)
        assert page.redirect_chain == [("/order/o1/", 302)]


class TestDeallocateLine:
    @pytest.fixture(autouse=True)
    def batches(self, site: Site) -> None:
        site.add("b1", "LAMP", 5)
        site.order(("o1", "LAMP", 2))

    def test_frees_the_line_and_keeps_it_as_a_backorder(self, site: Site) -> None:
        asked = site.get("deallocate_line", "o1", "LAMP", next="/lines/?sort=id")
        assert "It will wait as a backorder" in text(asked)

        page = site.post("deallocate_line", "o1", "LAMP", **inputs(asked))

        assert page.redirect_chain == [("/lines/?sort=id", 302)]
        assert (
            "The line of order o1 for sku LAMP is off batch b1 and waits as a backorder."
            in text(page)
        )
        assert site.stored().lines == {("o1", "LAMP"): (2, None)}
        assert site.stored().batches == {"b1": (5, 0)}

    def test_sent_twice_is_done_once(self, site: Site) -> None:
        site.post("deallocate_line", "o1", "LAMP")
        page = site.post("deallocate_line", "o1", "LAMP")

        assert page.redirect_chain == [("/order/o1/", 302)]
        assert "The line of order o1 for sku LAMP is not allocated: it is a backorder." in text(
            page
        )
        assert site.history() == [("ann", "deallocate", "backordered", None, "b1", "o1", "LAMP")]


class TestReallocateLine:
    @pytest.fixture(autouse=True)
    def batches(self, site: Site) -> None:
        site.add("ship", "LAMP", 5, JUNE)
        site.order(("o1", "LAMP", 2), ("o2", "LAMP", 4))

    def test_moves_the_line_to_the_batch_it_would_get_today(self, site: Site) -> None:
        site.add("stock", "LAMP", 5)

        page = site.post("reallocate_line", "o1", "LAMP", next="/batch/ship/")

        assert page.redirect_chain == [("/batch/ship/", 302)]
        assert "The line of order o1 for sku LAMP is on batch stock now." in text(page)
        assert site.stored().lines[("o1", "LAMP")] == (2, "stock")

    def test_gives_a_backorder_its_batch(self, site: Site) -> None:
        site.add("more", "LAMP", 5, JUNE)

        page = site.post("reallocate_line", "o2", "LAMP")

        assert page.redirect_chain == [("/order/o2/", 302)]
        assert site.stored().lines[("o2", "LAMP")] == (4, "more")

    def test_sent_twice_is_done_once(self, site: Site) -> None:
        site.add("stock", "LAMP", 5)
        site.post("reallocate_line", "o1", "LAMP")

        page = site.post("reallocate_line", "o1", "LAMP")

        assert "stays on batch stock: none comes before it." in text(page)
        assert site.history() == [("ann", "reallocate", "moved", "stock", "ship", "o1", "LAMP")]

    def test_of_a_backorder_without_room_tells_so_where_the_person_was(self, site: Site) -> None:
        page = site.post("reallocate_line", "o2", "LAMP", next="/lines/")

        assert page.redirect_chain == [("/lines/", 302)]
        assert "Out of stock for sku LAMP" in text(page)
        assert site.history() == []


class TestRetryBackorders:
    @pytest.fixture(autouse=True)
    def backorders(self, site: Site) -> None:
        site.order(("o1", "LAMP", 9), ("o2", "LAMP", 2), ("o3", "SOFA", 1), ("o4", "LAMP", 2))
        site.add("b1", "LAMP", 3)
        site.add("b2", "SOFA", 3)

    def test_tells_what_waits_the_oldest_first(self, site: Site) -> None:
        page = site.get("retry_backorders")

        assert "4 lines with 14 units in all wait." in text(page)
        assert [row[0] for row in rows(page)] == ["o1", "o2", "o3", "o4"]

    def test_tries_all_of_them(self, site: Site) -> None:
        page = site.post("retry_backorders")

        assert page.redirect_chain == [("/lines/?state=backorders", 302)]
        assert "Backorders tried again: 4. Allocated: 2. Still waiting: 2." in text(page)
        assert site.stored().lines == {
            ("o1", "LAMP"): (9, None),
            ("o2", "LAMP"): (2, "b1"),
            ("o3", "SOFA"): (1, "b2"),
            ("o4", "LAMP"): (2, None),
        }
        assert {entry[:3] for entry in site.history()} == {
            ("ann", "reallocate_backorders", "allocated")
        }

    def test_sent_twice_is_done_once(self, site: Site) -> None:
        site.post("retry_backorders")
        once = site.stored(), site.history()

        page = site.post("retry_backorders")

        assert "Backorders tried again: 2. Allocated: 0. Still waiting: 2." in text(page)
        assert (site.stored(), site.history()) == once

    def test_of_a_sku_leaves_the_others_waiting(self, site: Site) -> None:
        asked = site.get("retry_sku", "LAMP")
        assert [row[0] for row in rows(asked)] == ["o1", "o2", "o4"]

        page = site.post("retry_sku", "LAMP")

        assert page.redirect_chain == [("/sku/LAMP/", 302)]
        assert site.stored().lines[("o2", "LAMP")] == (2, "b1")
        assert site.stored().lines[("o3", "SOFA")] == (1, None)


@LOOKS
class TestOrderPage:
    def test_shows_its_lines_and_where_they_are(self, site: Site) -> None:
        site.add("b1", "LAMP", 3, date(2000, 1, 2))
        site.order(("o1", "SOFA", 4), ("o1", "LAMP", 3), ("o2", "LAMP", 1))

        page = site.get("order", "o1")

        assert [row[:3] for row in rows(page)] == [
            ["LAMP", "3", "b1 late, was due 2000-01-02 full"],
            ["SOFA", "4", "waits as a backorder"],
        ]
        assert "2 lines, 7 units: 1 line, 4 units waiting" in text(page)

    def test_shows_what_happened_to_it(self, site: Site) -> None:
        site.add("b1", "LAMP", 3)
        site.post("allocate_line", orderid="o1", sku="LAMP", qty="1")
        site.post("allocate_line", orderid="o2", sku="LAMP", qty="1")
        site.post("deallocate_line", "o1", "LAMP")

        page = site.get("order", "o1")

        assert [row[2:4] for row in rows(page)[1:]] == [
            ["backordered", "o1"],
            ["allocated", "o1"],
        ]

    def test_leads_to_another_line_of_it(self, site: Site) -> None:
        site.order(("a&b=c", "LAMP", 1))
        page = site.get("order", "a&b=c")
        link = f"{reverse('allocation:allocate_line')}?orderid=a%26b%3Dc"
        assert f'href="{link}"' in page.content.decode()

    @pytest.mark.parametrize(
        ("page", "args"),
        [
            ("order", ["o2"]),
            ("deallocate_line", ["o2", "LAMP"]),
            ("reallocate_line", ["o1", "SOFA"]),
        ],
    )
    def test_is_not_there_for_what_nobody_has_heard_of(
        self, site: Site, page: str, args: list[str]
    ) -> None:
        site.order(("o1", "LAMP", 1))
        assert site.get(page, *args).status_code == 404
