"""A clerk at the order lines."""

from __future__ import annotations

import re
from datetime import date

from playwright.sync_api import Page, expect

from tests.e2e.hands import (
    expect_messages,
    field,
    fill,
    follow,
    heading,
    press,
    rows,
)
from tests.e2e.looking import look
from tests.integration.shop import DatabaseShop

JUNE = date(2130, 6, 1)

HISTORY = "SELECT actor, event, orderid FROM allocation_historyentry ORDER BY id"


def allocate(page: Page, order: str, sku: str, units: str) -> None:
    page.goto("/lines/allocate/")
    fill(page, {"Order": order, "SKU": sku, "Units": units})
    press(page, "Allocate the line")


class TestAllocating:
    def test_gives_the_line_to_a_batch(self, clerk_page: Page, shop: DatabaseShop) -> None:
        shop.add("STOCK", "LAMP", 10)
        clerk_page.goto("/")
        follow(clerk_page, "Allocate a line")
        fill(clerk_page, {"Order": "o1", "SKU": "LAMP", "Units": "3"})
        press(clerk_page, "Allocate the line")

        expect_messages(clerk_page, "The line of order o1 for sku LAMP is on batch STOCK.")
        assert heading(clerk_page) == "Order o1"
        look(clerk_page, "allocated")
        assert shop.stored().lines == {("o1", "LAMP"): (3, "STOCK")}

    def test_out_of_stock_is_an_answer_and_the_line_is_kept_if_asked_for(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.add("STOCK", "LAMP", 10)
        allocate(clerk_page, "o1", "LAMP", "11")

        expect(field(clerk_page, "Units")).to_have_accessible_description(
            "Out of stock for sku LAMP"
        )
        look(clerk_page, "out-of-stock")
        assert shop.stored().lines == {}

        clerk_page.get_by_label("Keep it as a backorder").check()
        press(clerk_page, "Allocate the line")

        expect_messages(
            clerk_page, "No batch has room: the line of order o1 for sku LAMP waits as a backorder."
        )
        look(clerk_page, "kept-as-backorder")
        assert shop.stored().lines == {("o1", "LAMP"): (11, None)}

    def test_an_unknown_sku_is_told_beside_the_field(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        allocate(clerk_page, "o1", "LAMB", "3")

        expect(field(clerk_page, "SKU")).to_have_accessible_description(
            "Invalid sku LAMB: there is no batch of it."
        )
        expect(field(clerk_page, "Order")).to_have_value("o1")
        look(clerk_page, "unknown-sku")
        assert shop.stored().lines == {}

    def test_sent_again_after_going_back_is_done_once(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.add("STOCK", "LAMP", 10)
        allocate(clerk_page, "o1", "LAMP", "3")
        expect(clerk_page).to_have_url(re.compile("/order/o1/$"))
        clerk_page.go_back()
        expect(field(clerk_page, "Order")).to_have_value("o1")
        press(clerk_page, "Allocate the line")

        expect(clerk_page).to_have_url(re.compile("/order/o1/$"))
        assert shop.stored().batches == {"STOCK": (10, 3)}
        assert shop.fetch(shop.alias, HISTORY) == [("clerk", "allocated", "o1")]


class TestLine:
    def test_moves_to_the_batch_that_it_would_get_today(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.add("SHIP", "LAMP", 10, JUNE)
        shop.order(("o1", "LAMP", 3))
        shop.add("STOCK", "LAMP", 10)
        clerk_page.goto("/lines/")
        press(clerk_page, "Reallocate o1, LAMP")

        expect_messages(clerk_page, "The line of order o1 for sku LAMP is on batch STOCK now.")
        assert heading(clerk_page) == "Order lines"
        assert shop.stored().lines == {("o1", "LAMP"): (3, "STOCK")}

    def test_is_freed_when_that_is_confirmed_and_allocated_again(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.add("STOCK", "LAMP", 10)
        shop.order(("o1", "LAMP", 3), ("o2", "LAMP", 2))
        clerk_page.goto("/lines/?q=o1")
        follow(clerk_page, "Deallocate o1, LAMP")
        look(clerk_page, "deallocate")
        press(clerk_page, "Deallocate the line")

        expect_messages(
            clerk_page,
            "The line of order o1 for sku LAMP is off batch STOCK and waits as a backorder.",
        )
        expect(field(clerk_page, "Order or SKU begins with")).to_have_value("o1")
        look(clerk_page, "deallocated")
        assert shop.stored().lines == {("o1", "LAMP"): (3, None), ("o2", "LAMP"): (2, "STOCK")}

        press(clerk_page, "Try again o1, LAMP")

        expect_messages(clerk_page, "The line of order o1 for sku LAMP is on batch STOCK now.")
        assert shop.stored().lines[("o1", "LAMP")] == (3, "STOCK")

    def test_that_somebody_else_has_freed_is_not_freed_again(
        self, clerk_page: Page, other_clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.add("STOCK", "LAMP", 10)
        shop.order(("o1", "LAMP", 3))
        for page in (clerk_page, other_clerk_page):
            page.goto("/order/o1/LAMP/deallocate/")
        press(clerk_page, "Deallocate the line")
        expect(clerk_page).to_have_url(re.compile("/order/o1/$"))
        press(other_clerk_page, "Deallocate the line")

        expect_messages(other_clerk_page, re.compile("not allocated"))
        look(other_clerk_page, "deallocated-already")


class TestBackorders:
    def test_are_tried_again_when_stock_has_come(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.order(("o1", "LAMP", 3), ("o2", "SOFA", 1), ("o3", "LAMP", 9))
        shop.add("STOCK", "LAMP", 10)
        clerk_page.goto("/")
        follow(clerk_page, "Backorders")
        assert heading(clerk_page) == "Backorders"
        follow(clerk_page, "Try all backorders again")
        look(clerk_page, "retry")
        press(clerk_page, "Try again")

        expect_messages(clerk_page, "Backorders tried again: 3. Allocated: 1. Still waiting: 2.")
        assert sorted(row[0] for row in rows(clerk_page, "Order lines")) == ["o2", "o3"]
        look(clerk_page, "retried")
        assert shop.stored().lines == {
            ("o1", "LAMP"): (3, "STOCK"),
            ("o2", "SOFA"): (1, None),
            ("o3", "LAMP"): (9, None),
        }

    def test_of_one_sku_are_tried_again_on_its_page(
        self, clerk_page: Page, shop: DatabaseShop
    ) -> None:
        shop.order(("o1", "LAMP", 3), ("o2", "SOFA", 1))
        shop.add("STOCK-LAMP", "LAMP", 10)
        shop.add("STOCK-SOFA", "SOFA", 10)
        clerk_page.goto("/sku/LAMP/")
        follow(clerk_page, "Try its backorders again")
        press(clerk_page, "Try again")

        expect_messages(clerk_page, "Backorders tried again: 1. Allocated: 1. Still waiting: 0.")
        assert shop.stored().lines == {("o1", "LAMP"): (3, "STOCK-LAMP"), ("o2", "SOFA"): (1, None)}


def test_an_order_of_so_many_units_can_be_tried_without_writing_anything(
    clerk_page: Page, shop: DatabaseShop
) -> None:
    shop.add("STOCK", "LAMP", 10)
    shop.add("SHIP", "LAMP", 100, JUNE)
    before = shop.stored()
    clerk_page.goto("/sku/LAMP/")
    for units, answer in [("9", "go to batch STOCK"), ("11", "go to batch SHIP"), ("101", "wait")]:
        fill(clerk_page, {"Units": units})
        press(clerk_page, "Show")
        expect(clerk_page.get_by_role("status")).to_contain_text(f"A line of {units} units")
        expect(clerk_page.get_by_role("status")).to_contain_text(answer)
    look(clerk_page, "what-if")

    assert shop.stored() == before
