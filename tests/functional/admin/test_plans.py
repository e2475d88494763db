"""How PostgreSQL finds what the lists show, where there is much of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.functional.admin.pages import url
from tests.support.databases import POSTGRESQL

BATCHES, LINES, HISTORY = "batch_changelist", "orderline_changelist", "historyentry_changelist"

# 20,000 batches of 2,000 SKUs, in an order of their own; a third is in the warehouse, a
# tenth full. Ten lines on each of the first 10,000, and 10,000 backorders.
FILL = """
INSERT INTO allocation_batch
    (reference, sku, purchased_quantity, allocated_quantity, lines_taken, eta)
SELECT
    CASE WHEN n % 3 = 0 THEN 'STOCK-' ELSE 'SHIP-' END || lpad((n * 7919 % 20011)::text, 5, '0'),
    'SKU-' || lpad((n % 2000)::text, 4, '0'), 100,
    CASE WHEN n % 10 = 0 THEN 100 WHEN n <= 10000 THEN 10 ELSE 0 END, 10,
    CASE WHEN n % 3 > 0 THEN current_date + (n * 131 % 400 - 60) END
FROM generate_series(1, 20000) AS numbers (n);

INSERT INTO allocation_orderline (orderid, sku, qty, batch_id, position)
SELECT 'order-' || reference || n, sku, 1, reference, n
FROM allocation_batch, generate_series(1, 10) AS numbers (n) WHERE allocated_quantity > 0;

INSERT INTO allocation_orderline (orderid, sku, qty)
SELECT 'late-' || n, 'SKU-' || lpad((n % 2500)::text, 4, '0'), 200
FROM generate_series(1, 10000) AS numbers (n);

INSERT INTO allocation_historyentry (actor, service, event, batch, orderid, sku, detail)
SELECT 'ann', 'allocate', 'allocated', batch_id, orderid, sku, '1 unit' FROM allocation_orderline;

ANALYZE allocation_batch, allocation_orderline, allocation_historyentry
"""

pytestmark = pytest.mark.django_db(databases=[POSTGRESQL])


@pytest.fixture
def alias() -> str:
    return POSTGRESQL


class TestPlans:
    def test_of_all_lists_use_indexes(self, alias: str, clerk: Client) -> None:
        """In one test, as it takes longer to fill the tables than to read them."""
        with connections[alias].cursor() as cursor:
            cursor.execute(FILL)
            for name, query in LISTS:
                with CaptureQueriesContext(connections[alias]) as captured:
                    response = clerk.get(url(name, **query))
                assert response.status_code == 200, query
                assert len(captured) < 15
                ours = [sent["sql"] for sent in captured if "allocation_" in sent["sql"]]
                assert len(ours) >= 2
                for sql in ours:
                    cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
                    plan = json.dumps(cursor.fetchone())
                    assert '"Seq Scan"' not in plan, f"{name} {query}: {sql} {plan}"


LISTS: Sequence[tuple[str, Mapping[str, object]]] = [
    *((BATCHES, {"o": order}) for order in (1, -1, 2, -2, 5, -5, 6, -6, "6.2")),
    *((BATCHES, {"state": state}) for state in ("", "warehouse", "way", "late", "low", "full")),
    *((BATCHES, {"state": state, "o": 2}) for state in ("warehouse", "late", "full")),
    *((BATCHES, {"q": q}) for q in ("SHIP-", "SHIP-000", "SKU-", "SKU-00", "STOCK SKU-1", "none")),
    (BATCHES, {"sku": "SKU-0001"}),
    (BATCHES, {"eta__year": 2027}),
    (BATCHES, {"eta__year": 2027, "eta__month": 1}),
    (BATCHES, {"eta__year": 2027, "eta__month": 1, "eta__day": 1}),
    (BATCHES, {"eta__year": 2027, "state": "full"}),
    (BATCHES, {"p": 10}),
    *((LINES, {"state": state}) for state in ("", "allocated", "backorder")),
    *((LINES, {"q": q}) for q in ("order-", "order-SHIP-0001", "late-", "SKU-0", "SKU-0017", "no")),
    *((LINES, {"q": q, "state": "backorder"}) for q in ("late-5", "order-", "SKU-01")),
    (LINES, {"batch": "SHIP-07919"}),
    (LINES, {"order": "late-17"}),
    (LINES, {"sku": "SKU-0001"}),
    (LINES, {"sku": "SKU-0001", "state": "backorder"}),
    (LINES, {"p": 10}),
    (HISTORY, {}),
    (HISTORY, {"batch": "SHIP-07919"}),
    (HISTORY, {"order": "late-17"}),
    (HISTORY, {"q": "late-17"}),
    (HISTORY, {"p": 10}),
]
