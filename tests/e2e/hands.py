"""What people do at a page, and what they see of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from playwright.sync_api import FilePayload, Locator, Page, expect


def heading(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


def field(page: Page, label: str) -> Locator:
    return page.get_by_label(re.compile(f"^{label}:?$"))


def fill(page: Page, fields: Mapping[str, str]) -> None:
    """Type into fields, by their labels."""
    for label, typed in fields.items():
        field(page, label).fill(typed)


def follow(page: Page, link: str) -> None:
    page.get_by_role("main").get_by_role("link", name=link, exact=True).click()


def press(page: Page, button: str) -> None:
    page.get_by_role("main").get_by_role("button", name=button, exact=True).click()


def expect_messages(page: Page, *messages: str | re.Pattern[str]) -> None:
    """These stand at the top of the page, as soon as it is there."""
    expect(page.locator(".message")).to_have_text(messages)


def rows(page: Page, table: str) -> list[list[str]]:
    """What a table says, row by row: " ".join(cell.split()) of each cell."""
    page.wait_for_load_state()  # whatever reads many elements does not wait for the last one
    found = page.get_by_role("region", name=table, exact=True).locator("tbody tr")
    return [
        [" ".join(cell.split()) for cell in row.locator("th, td").all_inner_texts()]
        for row in found.all()
    ]


def send_file(page: Page, kind: str, filename: str, content: bytes) -> None:
    """Upload a file of "Batches" or "Orders"."""
    page.goto("/uploads/")
    file = FilePayload(name=filename, mimeType="text/csv", buffer=content)
    form = page.get_by_role("region", name=kind, exact=True)
    form.get_by_label("CSV file").set_input_files(file)
    press(page, f"Preview these {kind.lower()}")
