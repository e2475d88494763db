"""The admin in a browser, with its scripts, under the policy of the site."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from allocation.models import OrderLine
from tests.conftest import Fetch
from tests.e2e.conftest import OpenPage, signed_in
from tests.factories import BatchFactory, OrderLineFactory
from tests.support.people import make_user


@pytest.fixture
def staff_page(alias: str, open_page: OpenPage) -> Page:
    """The browser of a clerk who may use the admin."""
    clerk = make_user(alias, "clerk", "stock clerks")
    clerk.is_staff = True
    clerk.save(using=alias)
    return signed_in(open_page(), clerk)


def test_a_clerk_shrinks_a_batch_and_sees_first_who_loses_their_place(
    alias: str, staff_page: Page, fetch: Fetch
) -> None:
    BatchFactory(using=alias, reference="STOCK", allocated_quantity=2, lines_taken=2)
    for position, orderid in enumerate(["first", "second"], 1):
        OrderLineFactory(using=alias, orderid=orderid, batch_id="STOCK", position=position)

    staff_page.goto("/admin/")
    staff_page.locator("#content").get_by_role("link", name="Batches").click()
    staff_page.get_by_role("link", name="STOCK", exact=True).click()
    staff_page.get_by_role("link", name="Change quantity…").click()
    staff_page.get_by_label("Units").fill("1")
    staff_page.get_by_role("button", name="Show what would happen").click()
    expect(staff_page.get_by_role("row", name="second LAMP 1 waits as a backorder")).to_be_visible()
    expect(staff_page.get_by_text("first", exact=True)).to_have_count(0)
    staff_page.get_by_role("button", name="Change it to 1").click()

    expect(staff_page.get_by_text("Batch STOCK holds 1 now.")).to_be_visible()
    placed = fetch(alias, "SELECT orderid, batch_id FROM allocation_orderline ORDER BY orderid")
    assert placed == [("first", "STOCK"), ("second", None)]


def test_what_is_on_other_pages_of_a_list_can_be_selected_with_it(
    alias: str, staff_page: Page, tmp_path: Path
) -> None:
    OrderLine.objects.using(alias).bulk_create(
        OrderLine(orderid=f"o{n}", sku="LAMP", qty=1) for n in range(150)
    )

    staff_page.goto("/admin/allocation/orderline/")
    staff_page.get_by_role("checkbox", name="Select all objects on this page").check()
    staff_page.get_by_role("button", name="Select all 150 order lines").click()
    staff_page.get_by_label("Action:").select_option("Export the selected order lines as CSV")
    with staff_page.expect_download() as download:
        staff_page.locator("button[name=index]").click()  # "Go", or "Run"

    download.value.save_as(tmp_path / "lines.csv")
    with (tmp_path / "lines.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {line["orderid"] for line in csv.DictReader(file)} == {f"o{n}" for n in range(150)}
