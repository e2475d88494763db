"""The page of a SKU."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from allocation import bootstrap
from tests.functional.web.conftest import LOOKS, Site, refuse
from tests.support.html import inputs, rows, text

JUNE, JULY = date(2130, 6, 1), date(2130, 7, 1)


@LOOKS
class TestSkuPage:
    @pytest.fixture
    def full_site(self, site: Site) -> Site:
        site.add("b1", "LAMP", 10, JULY)
        site.add("b2", "LAMP", 10)
        site.add("b3", "LAMP", 10, JUNE)
        site.add("b4", "LAMP", 10, JUNE)
        site.add("b5", "SOFA", 10)
        site.order(("o1", "LAMP", 7), ("o2", "LAMP", 11), ("o3", "LAMP", 4), ("o4", "SOFA", 11))
        return site

    def test_shows_its_batches_in_the_order_in_which_they_are_used(self, full_site: Site) -> None:
        page = full_site.get("sku", "LAMP")
        assert [row[0] for row in rows(page)[3:7]] == ["b2", "b3", "b4", "b1"]

    def test_shows_how_much_there_is_on_which_day(self, full_site: Site) -> None:
        page = full_site.get("sku", "LAMP")
        assert rows(page)[:3] == [
            ["in the warehouse", "1", "10", "7", "3"],
            ["2130-06-01", "2", "20", "4", "16"],
            ["2130-07-01", "1", "10", "0", "10"],
        ]
        assert "Units 40 Allocated 11 Free 29 Room for a line of up to 10 Backorders 1" in text(
            page
        )

    def test_draws_how_much_there_is_on_which_day(self, full_site: Site) -> None:
        [here, june, july] = full_site.get("sku", "LAMP").context["columns"]

        assert (here.day, here.month, here.total) == ("stock", "", "10")
        assert (june.day, june.month, june.total) == ("01", "Jun", "20")
        assert (july.day, july.month, july.total) == ("01", "Jul", "10")
        assert [float(part.height) for part in (june.allocated, june.free)] == [24, 96]
        assert [float(part.height) for part in (here.allocated, here.free)] == [42, 18]

    def test_shows_its_backorders_the_oldest_first(self, full_site: Site) -> None:
        full_site.order(("o0", "LAMP", 12))
        page = full_site.get("sku", "LAMP")
        assert [row[:2] for row in rows(page)[7:]] == [["o2", "11"], ["o0", "12"]]

    def test_is_there_for_what_is_only_waited_for(self, site: Site) -> None:
        site.order(("o1", "LAMP", 3))
        page = site.get("sku", "LAMP")
        assert "There is no batch of it yet." in text(page)
        assert [row[:2] for row in rows(page)] == [["o1", "3"]]

    def test_is_not_there_for_what_nobody_has_heard_of(self, full_site: Site) -> None:
        assert full_site.get("sku", "LAM").status_code == 404

    def test_turns_the_pages_of_its_batches_and_of_its_backorders_alone(self, site: Site) -> None:
        for n in range(60):
            site.add(f"b{n:02}", "LAMP", 1)
        site.order(*((f"o{n:02}", "LAMP", 2) for n in range(60)))
        first = site.get("sku", "LAMP", qty="1")

        second = site.client.get(f"/sku/LAMP/?{first.context['page'].next}")
        third = site.client.get(f"/sku/LAMP/?{second.context['waiting'].next}")

        assert [batch.reference for batch in third.context["page"]] == [
            f"b{n}" for n in range(50, 60)
        ]
        assert [line.orderid for line in third.context["waiting"]] == [
            f"o{n}" for n in range(50, 60)
        ]
        assert inputs(third)["qty"] == "1"


@LOOKS
class TestWhatIf:
    @pytest.fixture(autouse=True)
    def batches(self, site: Site) -> None:
        site.add("b1", "LAMP", 2)
        site.add("b2", "LAMP", 5, JUNE)

    @pytest.mark.parametrize(
        ("qty", "answer"),
        [
            ("1", "A line of 1 unit would go to batch b1 in the warehouse"),
            ("3", "A line of 3 units would go to batch b2 due 2130-06-01"),
            ("6", "A line of 6 units would have to wait as a backorder"),
        ],
    )
    def test_tells_where_an_order_would_go(self, site: Site, qty: str, answer: str) -> None:
        page = site.get("sku", "LAMP", qty=qty)

        assert answer in text(page)
        assert [row[3] for row in rows(page)] == ["0", "0", "0", "0"]

    @pytest.mark.parametrize("typed", ["", "0", "x", "2147483648", "<b>"])
    def test_says_what_is_wrong_with_a_quantity_and_keeps_it(self, site: Site, typed: str) -> None:
        page = site.get("sku", "LAMP", qty=typed)

        [error] = page.context["what_if"].errors["qty"]
        assert error in text(page)
        assert inputs(page)["qty"] == typed

    def test_asks_to_send_it_again_where_others_are_always_first(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bootstrap, "rehearse", refuse)

        page = site.get("sku", "LAMP", qty="5")

        assert "Others were changing the same just now. Please send it again." in text(page)
        assert inputs(page)["qty"] == "5"


class TestRehearsal:
    def test_stores_nothing(self, site: Site) -> None:
        site.add("b1", "LAMP", 2)
        before = site.stored()

        for qty in ("1", "3"):
            site.get("sku", "LAMP", qty=qty)

        assert site.stored() == before
        assert site.history() == []


@LOOKS
class TestColumns:
    """Of more days than fit, the first."""

    def test_are_those_of_the_first_days(self, site: Site) -> None:
        today = timezone.localdate()
        for day in range(20):
            site.add(f"b{day}", "LAMP", 1, today + timedelta(days=day))

        columns = site.get("sku", "LAMP").context["columns"]

        assert [column.arrival.eta for column in columns] == [
            today + timedelta(days=day) for day in range(len(columns))
        ]
        ends = [float(c.x.rstrip("%")) + float(c.width.rstrip("%")) for c in columns]
        assert ends == sorted(ends)
        assert ends[-1] < 100
