"""A clerk who uploads a wholesaler's batches and orders."""

from __future__ import annotations

import csv
import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.hands import expect_messages, field, follow, press, rows, send_file
from tests.e2e.looking import look
from tests.functional.oracle import Allocations, expected_allocations
from tests.integration.shop import DatabaseShop
from tests.support.order_stream import Stream, order_stream


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    return order_stream(tmp_path_factory.mktemp("stream"))


@pytest.fixture(scope="module")
def expected(stream: Stream) -> Allocations:
    """What the oracle says of it."""
    return expected_allocations(stream.batches, stream.orders)


def send_orders(page: Page, content: bytes) -> None:
    send_file(page, "Orders", "orders.csv", content)
    expect_messages(page, "orders.csv is uploaded. Nothing is stored before you apply it.")


def counts(page: Page) -> dict[str, str]:
    """The numbers that the page shows of an upload, apart from zeros."""
    page.wait_for_load_state()
    rows = page.locator(".counts tr")
    labels, numbers = rows.locator("th").all_inner_texts(), rows.locator("td").all_inner_texts()
    return {label: n for label, n in zip(labels, numbers, strict=True) if n != "0"}


def expected_counts(stream: Stream, expected: Allocations) -> dict[str, str]:
    waiting = sum(not reference for _, reference in expected.values())
    numbers = {
        "Rows read": stream.row_count,
        "Merged with an earlier row": stream.row_count - stream.line_count - stream.reject_count,
        "Rejected": stream.reject_count,
        "Lines": stream.line_count,
        "Allocated": stream.line_count - waiting,
        "Backordered": waiting,
    }
    return {label: f"{number:,}" for label, number in numbers.items()}


def test_a_month_of_orders_is_previewed_and_allocated_as_the_rules_say(
    clerk_page: Page, shop: DatabaseShop, stream: Stream, expected: Allocations
) -> None:
    send_file(clerk_page, "Batches", "batches.csv", stream.batches.read_bytes())
    expect_messages(clerk_page, "batches.csv is uploaded. Nothing is stored before you apply it.")
    assert counts(clerk_page)["Added"] == f"{stream.batch_count:,}"
    look(clerk_page, "upload-batches-preview")
    assert shop.stored().batches == {}
    press(clerk_page, "Apply it")
    expect_messages(clerk_page, "batches.csv is applied.")
    assert len(shop.stored().batches) == stream.batch_count

    send_orders(clerk_page, stream.orders.read_bytes())
    assert counts(clerk_page) == expected_counts(stream, expected)
    look(clerk_page, "upload-orders-preview")
    assert shop.stored().lines == {}
    press(clerk_page, "Apply it")
    expect_messages(clerk_page, "orders.csv is applied.")
    assert counts(clerk_page) == expected_counts(stream, expected)
    look(clerk_page, "upload-orders-applied")
    assert shop.stored().lines == {
        key: (quantity, reference or None) for key, (quantity, reference) in expected.items()
    }

    with clerk_page.expect_download() as download:
        follow(clerk_page, f"Download all {stream.reject_count:,} as CSV")
    with download.value.path().open(encoding="utf-8-sig", newline="") as rejects:
        assert len(list(csv.DictReader(rejects))) == stream.reject_count
    assert download.value.suggested_filename == "orders-rejects.csv"

    for page in ("", "batches/", "lines/", "lines/retry/", "history/"):
        clerk_page.goto(f"/{page}")
        look(clerk_page, f"month-{page.replace('/', '-') or 'overview'}")


def test_a_file_is_applied_once(
    clerk_page: Page, other_clerk_page: Page, shop: DatabaseShop
) -> None:
    shop.add("STOCK", "LAMP", 10)
    send_orders(clerk_page, b"orderid,sku,qty\no1,LAMP,3\no2,LAMP,8\n")
    other_clerk_page.goto(clerk_page.url)
    press(clerk_page, "Apply it")
    expect_messages(clerk_page, "orders.csv is applied.")
    press(other_clerk_page, "Apply it")

    expect_messages(other_clerk_page, "orders.csv was taken up already: nothing was done twice.")
    assert shop.stored().lines == {("o1", "LAMP"): (3, "STOCK"), ("o2", "LAMP"): (8, None)}
    clerk_page.goto("/history/")
    assert [row[1:3] for row in rows(clerk_page, "History")] == [
        ["clerk", "backordered"],
        ["clerk", "allocated"],
    ]


def test_columns_are_chosen_where_their_names_do_not_tell(
    clerk_page: Page, shop: DatabaseShop
) -> None:
    send_orders(clerk_page, b"number,article,pieces\no1,LAMP,3\n")
    for column, name in {"Order": "number", "SKU": "article", "Units": "pieces"}.items():
        field(clerk_page, column).select_option(name)
    press(clerk_page, "Preview it")
    expect(clerk_page.get_by_role("heading", name="What would happen")).to_be_visible()
    press(clerk_page, "Apply it")

    expect_messages(clerk_page, "orders.csv is applied.")
    assert shop.stored().lines == {("o1", "LAMP"): (3, None)}


def test_a_file_that_is_of_no_use_is_refused_beside_its_field(clerk_page: Page) -> None:
    send_file(clerk_page, "Batches", "batches.csv", b"reference,sku\nSTOCK,LAMP\n")

    batches = clerk_page.get_by_role("region", name="Batches")
    expect(batches.get_by_label("CSV file")).to_have_accessible_description(
        re.compile("^batches.csv: .*qty")
    )
    look(clerk_page, "upload-refused")
