"""The site in a browser that runs no scripts."""

from __future__ import annotations

from datetime import date

from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage, sign_in
from tests.e2e.hands import expect_messages, fill, follow, press, rows
from tests.integration.shop import DatabaseShop
from tests.support.people import make_user


def test_stock_comes_in_is_allocated_and_shrinks(
    alias: str, open_page: OpenPage, shop: DatabaseShop
) -> None:
    shop.add("SHIP", "LAMP", 10, date(2130, 6, 1))
    page = open_page(java_script_enabled=False)
    page.goto("/")
    sign_in(page, make_user(alias, "clerk", "stock clerks"))
    follow(page, "Add a batch")
    fill(page, {"Reference": "STOCK", "SKU": "LAMP", "Units": "12"})
    press(page, "Add the batch")
    expect_messages(page, "Batch STOCK is in stock now.")
    page.goto("/sku/LAMP/")
    follow(page, "Allocate a line")
    fill(page, {"Order": "o1", "Units": "7"})
    press(page, "Allocate the line")
    expect_messages(page, "The line of order o1 for sku LAMP is on batch STOCK.")
    page.goto("/batch/STOCK/")
    follow(page, "Change the quantity")
    fill(page, {"Units": "5"})
    press(page, "Show what would happen")
    expect(page.get_by_role("heading", name="With 5 units")).to_be_visible()
    assert rows(page, "Lines") == [["o1", "7", "SHIP"]]
    press(page, "Change it to 5 units")

    expect_messages(
        page, "Batch STOCK holds 5 units now. Lines that went elsewhere: 1; that wait now: 0."
    )
    assert shop.stored().lines == {("o1", "LAMP"): (7, "SHIP")}
