"""How numbers are written."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tests.functional.web.conftest import LOOKS, Site
from tests.support.html import text


@LOOKS
@pytest.mark.parametrize(
    ("page", "args", "query"),
    [
        ("overview", [], {}),
        ("batches", [], {}),
        ("batch", ["b1"], {}),
        ("change_quantity", ["b1"], {}),
        ("change_quantity", ["b1"], {"qty": "100000"}),
        ("change_eta", ["b1"], {}),
        ("lines", [], {}),
        ("order", ["o1"], {}),
        ("deallocate_line", ["o1", "LAMP"], {}),
        ("reallocate_line", ["o1", "LAMP"], {}),
        ("sku", ["LAMP"], {"qty": "100000"}),
        ("retry_backorders", [], {}),
    ],
)
def test_thousands_are_set_apart_on_every_page(
    site: Site, page: str, args: list[str], query: dict[str, str]
) -> None:
    site.add("b1", "LAMP", 300_000, date(2130, 1, 1))
    site.order(("o1", "LAMP", 150_000), ("o2", "LAMP", 140_000), ("o3", "LAMP", 200_000))

    shown = text(site.get(page, *args, **query))

    assert re.search(r"\d,000", shown)
    assert not re.search(r"\d{4,}(?!-\d\d-\d\d)", shown)
