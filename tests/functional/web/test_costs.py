"""How many queries a page sends: no more where there is much than where there is little."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from allocation import bootstrap
from allocation.domain.model import Batch, OrderLine
from allocation.service_layer import services
from tests.functional.web.conftest import LOOKS, Site

MOST = 25


def fill(site: Site, rows: int) -> None:
    """Of all that a page can show so many."""
    large = Batch("large", "LAMP", 100_000, None)
    ships = [Batch(f"ship-{n}", "LAMP", 1 + n % 7, date(2130, 1, 1)) for n in range(rows)]
    late = [Batch(f"late-{n}", "SOFA", 9, date(2000, 1, 1 + n % 20)) for n in range(rows)]
    lines = [OrderLine(f"order-{n}", "LAMP", 1) for n in range(rows)]
    lines += [OrderLine("order", f"sku-{n}", 1) for n in range(rows)]
    lines += [OrderLine(f"order-{n}", "SOFA", 8 if n < rows / 2 else 10) for n in range(rows)]
    for use_case in (
        partial(services.add_batches, [large, *ships, *late]),
        partial(services.allocate_lines, lines),
    ):
        bootstrap.run(use_case, site.alias, actor="ann")


@LOOKS
@pytest.mark.parametrize(
    ("page", "args", "query"),
    [
        ("overview", [], {}),
        ("batches", [], {}),
        ("batches", [], {"sort": "eta", "state": "low", "q": "l"}),
        ("batch", ["large"], {}),
        ("change_quantity", ["large"], {"qty": "1"}),
        ("lines", [], {}),
        ("lines", [], {"state": "backorders", "q": "o"}),
        ("order", ["order"], {}),
        ("sku", ["SOFA"], {"qty": "3"}),
        ("retry_backorders", [], {}),
        ("retry_sku", ["SOFA"], {}),
        ("history", [], {}),
        ("history", [], {"batch": "large"}),
    ],
)
def test_a_page_sends_as_many_queries_for_many_rows_as_for_few(
    site: Site, page: str, args: list[str], query: dict[str, str]
) -> None:
    sent = []
    for rows in (10, 200):
        fill(site, rows)
        with CaptureQueriesContext(connections[site.alias]) as captured:
            assert site.get(page, *args, **query).status_code == 200
        sent.append(len(captured))

    few, many = sent
    # Fewer, where a page is full before all the parts of a list were asked.
    assert many <= few < MOST
