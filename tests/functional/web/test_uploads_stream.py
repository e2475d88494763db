"""A wholesaler's order stream, uploaded as a person would."""

from __future__ import annotations

import csv
import io

import pytest

from tests.functional.conftest import Allocations, Command
from tests.functional.oracle import expected_allocations
from tests.functional.web.uploads import Clerk, counts
from tests.support.databases import SQLITE
from tests.support.order_stream import Stream


@pytest.mark.parametrize("alias", [SQLITE])  # in a browser it goes to PostgreSQL: see tests/e2e
def test_is_previewed_and_allocated_as_the_rules_say(
    ann: Clerk, command: Command, stream: Stream, allocations: Allocations
) -> None:
    ann.apply(ann.sent("batches", stream.batches.read_bytes()))
    upload = ann.sent("orders", stream.orders.read_bytes())
    preview = counts(ann.look(upload))
    assert allocations() == {}
    result = counts(ann.apply(upload))
    expected = expected_allocations(stream.batches, stream.orders)
    waiting = sum(not reference for _, reference in expected.values())
    merged = stream.row_count - stream.line_count - stream.reject_count
    rejects = io.StringIO(ann.rejects(upload).decode("utf-8-sig"), newline="")

    assert allocations() == expected
    assert preview == result
    assert result == {
        "Rows read": f"{stream.row_count:,}",
        "Merged with an earlier row": f"{merged:,}",
        "Rejected": f"{stream.reject_count:,}",
        "Lines": f"{stream.line_count:,}",
        "Allocated": f"{stream.line_count - waiting:,}",
        "Backordered": f"{waiting:,}",
    }
    assert len(list(csv.DictReader(rejects))) == stream.reject_count
    assert command("audit_stock", format="json").stdout == "[]\n"
