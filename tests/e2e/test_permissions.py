"""Who may only look, and who is not signed in."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import sign_in
from tests.e2e.hands import heading
from tests.e2e.looking import look
from tests.e2e.pages import STOCK
from tests.integration.shop import DatabaseShop
from tests.support.people import make_user
from tests.support.routes import path

NAMES = {"reference": "STOCK", "orderid": "o1", "sku": "LAMP", "pk": "17"}
URLS = [path(route, NAMES) for route in STOCK]
REFUSED = "You may not do this"


@pytest.fixture
def shop(shop: DatabaseShop) -> DatabaseShop:
    """With something of all there is to see and to change."""
    shop.add("STOCK", "LAMP", 5)
    shop.add("LATE", "LAMP", 1, date(2020, 1, 31))
    shop.order(("o1", "LAMP", 4), ("o2", "LAMP", 3), ("o3", "LAMP", 1))
    return shop


class TestViewer:
    def test_is_shown_nothing_that_changes_stock_or_leads_to_it(
        self, viewer_page: Page, shop: DatabaseShop
    ) -> None:
        shown, links = set[str](), set[str]()
        for url in URLS:
            response = viewer_page.goto(url)
            assert response is not None
            if response.status == 403:
                assert heading(viewer_page) == REFUSED
                continue
            assert response.status == 200
            shown.add(url)
            assert viewer_page.locator("main form[method=post]").count() == 0
            links.update(
                str(link.get_attribute("href")) for link in viewer_page.locator("main a").all()
            )
            look(viewer_page, f"viewer-{url.strip('/').replace('/', '-') or 'overview'}")

        assert {"/", "/batches/", "/batch/STOCK/", "/lines/", "/sku/LAMP/", "/order/o1/"} <= shown
        for link in links:
            assert viewer_page.request.get(link).status == 200, link

    def test_is_refused_what_changes_stock(self, viewer_page: Page, shop: DatabaseShop) -> None:
        before = shop.stored()
        viewer_page.goto("/batches/add/")
        look(viewer_page, "refused")
        token = viewer_page.locator("[name=csrfmiddlewaretoken]").input_value()
        for url in URLS:
            shown = viewer_page.request.get(url)
            sent = viewer_page.request.post(url, form={"csrfmiddlewaretoken": token})
            assert (shown.status, sent.status) in {(200, 405), (403, 403)}, url
            assert (REFUSED in sent.text()) == (sent.status == 403)

        assert shop.stored() == before


def test_who_is_not_signed_in_comes_to_every_page_by_signing_in(
    alias: str, anonymous_page: Page, shop: DatabaseShop
) -> None:
    clerk = make_user(alias, "clerk", "stock clerks")
    for url in URLS:
        anonymous_page.context.clear_cookies()
        anonymous_page.goto(url)
        assert heading(anonymous_page) == "Sign in"
        sign_in(anonymous_page, clerk)

        assert urlsplit(anonymous_page.url).path == url
