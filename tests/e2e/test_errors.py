"""What goes wrong has a page of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from playwright.sync_api import Page, Route

from tests.e2e.conftest import signed_in
from tests.e2e.hands import fill, heading, press
from tests.e2e.looking import look
from tests.integration.shop import DatabaseShop
from tests.support.people import make_user


def test_what_is_not_there(clerk_page: Page, anonymous_page: Page) -> None:
    for page, who in [(clerk_page, "clerk"), (anonymous_page, "anonymous")]:
        page.goto("/nowhere")

        assert heading(page) == "There is no such page"
        look(page, f"not-found-{who}")


def test_a_form_of_an_earlier_session(alias: str, clerk_page: Page, shop: DatabaseShop) -> None:
    clerk_page.goto("/batches/add/")
    fill(clerk_page, {"Reference": "STOCK", "SKU": "LAMP", "Units": "12"})
    clerk_page.context.clear_cookies()
    signed_in(clerk_page.context.new_page(), make_user(alias, "clara", "stock clerks"))
    press(clerk_page, "Add the batch")

    assert heading(clerk_page) == "This form was refused, and nothing was changed"
    look(clerk_page, "csrf")
    assert shop.stored().batches == {}


def test_a_file_that_is_too_large(clerk_page: Page, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_bytes(bytes(settings.BODY_MAX_SIZE + 1))
    clerk_page.goto("/uploads/")
    region = clerk_page.get_by_role("region", name="Orders", exact=True)
    region.get_by_label("CSV file").set_input_files(file)
    press(clerk_page, "Preview these orders")

    assert heading(clerk_page) == "This upload is too large"
    look(clerk_page, "too-large")


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, "This request cannot be understood"), (500, "Something went wrong on our side")],
)
def test_what_never_happens(anonymous_page: Page, status: int, expected: str) -> None:
    """Nothing we know of leads to these pages: they are put in the place of another."""

    def answer(route: Route) -> None:
        route.fulfill(
            status=status, content_type="text/html", body=render_to_string(f"{status}.html")
        )

    anonymous_page.route("**/broken", answer)
    anonymous_page.goto("/broken")

    assert heading(anonymous_page) == expected
    look(anonymous_page, str(status))
