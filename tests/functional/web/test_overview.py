"""The overview, and the history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.functional.web.conftest import LOOKS, Site
from tests.support.html import rows, text

TODAY = timezone.localdate()


@LOOKS
class TestOverview:
    @pytest.fixture
    def full_site(self, site: Site) -> Site:
        site.add("here", "LAMP", 1000)
        site.add("late", "SOFA", 100, TODAY - timedelta(days=1))
        site.add("today", "SOFA", 20, TODAY)
        site.add("soon", "SOFA", 30, TODAY + timedelta(days=9))
        site.add("as soon", "BED", 40, TODAY + timedelta(days=9))
        site.order(("o1", "LAMP", 900), ("o2", "SOFA", 99), ("o3", "SOFA", 200), ("o4", "PEN", 5))
        return site

    def test_adds_up_what_there_is(self, full_site: Site) -> None:
        shown = text(full_site.get("overview"))

        assert "In the warehouse 1,000 units 100 free" in shown
        assert "On ships 190 units 91 free" in shown
        assert "Allocated 999 units of 1,190 Free 191 units of 1,190" in shown
        assert "Backorders 2 lines 205 units" in shown

    def test_calls_out_what_is_late(self, full_site: Site) -> None:
        assert "1 batch is late: 100 units, of which 99 are promised to orders." in text(
            full_site.get("overview")
        )

    def test_shows_what_arrives_next(self, full_site: Site) -> None:
        page = full_site.get("overview")
        assert rows(page)[:2] == [
            [TODAY.isoformat(), "1", "20", "0", "20"],
            [(TODAY + timedelta(days=9)).isoformat(), "2", "70", "0", "70"],
        ]
        assert [column.total for column in page.context["columns"]] == ["20", "70"]

    def test_shows_the_batches_that_run_out_the_fewest_units_first(self, full_site: Site) -> None:
        """One with a fifth left or less, but not a full one."""
        for reference, taken in (("more", 79), ("fifth", 80), ("few", 98), ("full", 100)):
            full_site.add(reference, reference, 100)
            full_site.order((f"o-{reference}", reference, taken))

        page = full_site.get("overview")

        assert [batch.reference for batch in page.context["running_out"]] == [
            "late",
            "few",
            "fifth",
            "here",
        ]

    def test_shows_the_newest_allocations(self, full_site: Site) -> None:
        for orderid in ("o8", "o9"):
            full_site.post("allocate_line", orderid=orderid, sku="LAMP", qty="1")
        full_site.post("deallocate_line", "o9", "LAMP")

        newest = [row for row in rows(full_site.get("overview")) if row[1] == "ann"]

        assert [row[2:6] for row in newest] == [
            ["allocated", "o9", "LAMP", "here"],
            ["allocated", "o8", "LAMP", "here"],
        ]

    def test_of_nothing_says_so(self, site: Site) -> None:
        shown = text(site.get("overview"))
        assert "In the warehouse 0 units 0 free" in shown
        assert "Nothing is on its way." in shown
        assert "late" not in shown

    def test_adds_up_as_many_units_as_columns_can_hold(self, site: Site) -> None:
        """Five times what is free, or the sum of two, would be too much for a column."""
        for reference in ("b1", "b2"):
            site.add(reference, "LAMP", 2**31 - 1)
        assert "In the warehouse 4,294,967,294 units" in text(site.get("overview"))


@LOOKS
class TestHistoryList:
    @pytest.fixture
    def full_site(self, site: Site) -> Site:
        site.post("add_batch", reference="b1", sku="LAMP", qty="5")
        site.post("allocate_line", orderid="o1", sku="LAMP", qty="2")
        site.post("add_batch", reference="b2", sku="LAMP", qty="5")
        site.post("reallocate_batch", "b1")
        return site

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["moved", "batch added", "allocated", "batch added"]),
            ({"batch": "b1"}, ["moved", "allocated", "batch added"]),
            ({"batch": "b2"}, ["moved", "batch added"]),
            ({"order": "o1"}, ["moved", "allocated"]),
            ({"order": "o1", "batch": "b2"}, ["moved"]),
            ({"order": "o"}, []),
        ],
    )
    def test_shows_what_was_asked_for_the_newest_first(
        self, full_site: Site, query: dict[str, str], found: list[str]
    ) -> None:
        assert [row[2] for row in rows(full_site.get("history", **query))] == found
