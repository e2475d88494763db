"""The site without a mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.hands import expect_messages, field
from tests.integration.shop import DatabaseShop

_VISIBLE = """element => {
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    return style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 2
        && box.top >= 0 && box.left >= 0
        && box.bottom <= innerHeight && box.right <= innerWidth;
}"""


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus, which can be seen all the way."""
    for _ in range(50):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.evaluate(_VISIBLE), focused.evaluate("element => element.outerHTML")
        if target.evaluate("element => element == document.activeElement"):
            return
    pytest.fail(f"Tab does not lead to {target}.")


def test_the_first_tab_skips_the_navigation(clerk_page: Page) -> None:
    clerk_page.goto("/nowhere")

    tab_to(clerk_page, clerk_page.get_by_role("link", name="Skip to the content"))
    clerk_page.keyboard.press("Enter")
    clerk_page.keyboard.press("Tab")

    expect(clerk_page.get_by_role("link", name="To the overview")).to_be_focused()


def test_a_line_is_allocated(clerk_page: Page, shop: DatabaseShop) -> None:
    shop.add("STOCK", "LAMP", 10)
    clerk_page.goto("/")
    tab_to(clerk_page, clerk_page.get_by_role("link", name="Allocate a line"))
    clerk_page.keyboard.press("Enter")
    expect(clerk_page.get_by_role("heading", level=1)).to_have_text("Allocate an order line")
    for label, typed in {"Order": "o1", "SKU": "LAMP", "Units": "11"}.items():
        tab_to(clerk_page, field(clerk_page, label))
        clerk_page.keyboard.type(typed)
    clerk_page.keyboard.press("Enter")
    expect(field(clerk_page, "Units")).to_have_accessible_description("Out of stock for sku LAMP")
    tab_to(clerk_page, field(clerk_page, "Units"))
    clerk_page.keyboard.press("ControlOrMeta+A")
    clerk_page.keyboard.type("3")
    tab_to(clerk_page, clerk_page.get_by_role("button", name="Allocate the line"))
    clerk_page.keyboard.press("Enter")

    expect_messages(clerk_page, "The line of order o1 for sku LAMP is on batch STOCK.")
    assert shop.stored().lines == {("o1", "LAMP"): (3, "STOCK")}
