"""The history is whole: it alone says where every line is."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocation import bootstrap
from allocation.adapters.history import Author
from allocation.domain.model import LineKey
from allocation.service_layer.unit_of_work import AbstractUnitOfWork
from tests.conftest import Fetch
from tests.integration.history.conftest import Entry, History
from tests.integration.shop import DatabaseShop
from tests.unit import operations


class TellingShop(DatabaseShop):
    def uow(self) -> AbstractUnitOfWork:
        return bootstrap.unit_of_work(self.alias, author=Author("ann", "anything"))


def replayed(entries: list[Entry]) -> dict[LineKey, tuple[int, str | None]]:
    """Where the entries say that lines are. Each takes a line from where the last one left it."""
    lines: dict[LineKey, tuple[int, str | None]] = {}
    for event, batch, from_batch, orderid, sku, detail in entries:
        if orderid is None:
            continue
        qty = int(detail.split()[0])
        was = lines.get((orderid, sku))
        assert was == (qty, from_batch) or (was is None and from_batch is None)
        assert was != (qty, batch), "it is there already"
        assert event == ("backordered" if batch is None else "moved" if from_batch else "allocated")
        lines[orderid, sku] = qty, batch
    return lines


@given(day=st.lists(operations.operations, max_size=12))
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # emptied for each example
)
def test_the_history_tells_where_every_line_is(
    alias: str, fetch: Fetch, history: History, day: list[operations.Operation]
) -> None:
    shop = TellingShop(alias, fetch)
    shop.empty()
    for operation in day:
        operations.run(operation, shop)
    assert replayed(history()) == shop.stored().lines
