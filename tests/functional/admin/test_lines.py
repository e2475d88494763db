"""What clerks do to order lines in the admin, and how a line leads elsewhere."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from allocation import bootstrap
from allocation.admin import lines
from allocation.models import OrderLine
from allocation.uow import ConflictError
from tests.conftest import Fetch
from tests.functional.admin.conftest import SignIn
from tests.functional.admin.pages import act, errors, told, url
from tests.integration.shop import DatabaseShop


@pytest.fixture
def waiting(shop: DatabaseShop) -> None:
    """Backorders for lamps, the oldest first, and then a batch of lamps that came too late."""
    shop.add("STOCK", "LAMP", 1)
    shop.order(("o1", "LAMP", 1), ("o2", "LAMP", 4), ("o3", "LAMP", 4), ("o4", "SOFA", 1))
    shop.add("SHIP", "LAMP", 4)


def pk(alias: str, orderid: str) -> int:
    return OrderLine.objects.using(alias).get(orderid=orderid).pk


@pytest.mark.usefixtures("waiting")
class TestALine:
    def test_leads_to_its_order_its_batch_its_sku_and_its_history(
        self, alias: str, viewer: Client
    ) -> None:
        response = viewer.get(url("orderline_change", pk(alias, "o1")))

        for page in (
            url("orderline_changelist", order="o1"),
            url("batch_change", "STOCK"),
            url("batch_changelist", sku="LAMP"),
        ):
            assertContains(response, f'<div class="readonly"><a href="{page}">')
        history = url("historyentry_changelist", order="o1")
        assertRedirects(viewer.get(url("orderline_history", pk(alias, "o1"))), history)

    def test_cannot_be_edited_added_or_deleted_by_hand(
        self, alias: str, sign_in: SignIn, shop: DatabaseShop
    ) -> None:
        root, before = sign_in("root"), shop.stored()
        line = pk(alias, "o1")
        for page in (
            url("orderline_change", line),
            url("orderline_delete", line),
            url("orderline_add"),
        ):
            form = {"orderid": "x", "sku": "LAMP", "qty": 1, "post": "yes"}
            assert root.post(page, form).status_code == 403
        assertNotContains(root.get(url("orderline_changelist")), "delete_selected")
        assert shop.stored() == before


@pytest.mark.usefixtures("waiting")
class TestRetryingBackorders:
    def test_that_are_selected_takes_the_oldest_first(
        self, alias: str, clerk: Client, shop: DatabaseShop, fetch: Fetch
    ) -> None:
        keys = [pk(alias, orderid) for orderid in ("o3", "o2", "o1")]
        response = act(clerk, "orderline", "retry_backorders", *keys)

        assert told(response) == ["success: Backorders tried: 2. Allocated: 1. Still waiting: 1."]
        stored = shop.stored()
        stored.require_sound()
        assert stored.lines["o2", "LAMP"] == (4, "SHIP")
        assert stored.lines["o3", "LAMP"] == (4, None)
        history = "SELECT actor, service, event, orderid FROM allocation_historyentry"
        assert fetch(alias, history) == [("ann", "reallocate_backorders", "allocated", "o2")]

    def test_in_all_asks_first_and_takes_the_oldest_first(
        self, clerk: Client, shop: DatabaseShop
    ) -> None:
        before = shop.stored()
        assertContains(clerk.get(url("orderline_changelist")), url("orderline_retry"))
        assertContains(clerk.get(url("orderline_retry")), "Backorders: 3.")
        assert shop.stored() == before
        response = clerk.post(url("orderline_retry"), follow=True)

        assertRedirects(response, url("orderline_changelist", state="backorder"))
        assert told(response) == ["success: Backorders tried: 3. Allocated: 1. Still waiting: 2."]
        assert shop.stored().lines["o2", "LAMP"] == (4, "SHIP")

    def test_tells_when_others_are_always_faster(
        self, clerk: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise ConflictError

        monkeypatch.setattr(bootstrap, "run", refuse)
        response = act(clerk, "orderline", "retry_backorders", "1")

        [message] = told(response)
        assert message.startswith("error: Others were changing the same just now.")

    def test_is_refused_where_there_are_more_than_a_browser_waits_for(
        self, clerk: Client, shop: DatabaseShop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lines, "_AT_ONCE", 2)
        before = shop.stored()

        [error] = errors(clerk.post(url("orderline_retry")))["__all__"]
        assert "reallocate --backorders" in error
        response = act(clerk, "orderline", "retry_backorders", "1", select_across="1")
        assert told(response) == ["error: Select at most 2 backorders at a time."]
        assert shop.stored() == before
