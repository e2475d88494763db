"""Random days of a shop: any service, on few names, so that everything meets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeAlias

from hypothesis import strategies as st

from allocation.domain.model import AllocationError, Batch, OrderLine
from allocation.service_layer import services
from tests.unit.services_contract import Shop

Operation: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...]]

SKUS = ("LAMP", "lamp", "CHAIR")
skus = st.sampled_from(SKUS)
orderids = st.sampled_from([f"o{n}" for n in range(6)])
references = st.sampled_from([f"b{n}" for n in range(5)])
quantities = st.integers(1, 5)
etas = st.sampled_from([None, date(2026, 6, 1), date(2026, 7, 1)])

lines = st.builds(OrderLine, orderids, skus, quantities)


def _operation(service: Callable[..., Any], *arguments: st.SearchStrategy[Any]) -> Any:
    return st.tuples(st.just(service), st.tuples(*arguments))


def add_batches(batches: list[tuple[str, str, int, date | None]], uow: Any) -> Any:
    """Batches are no values: each run needs its own."""
    return services.add_batches([Batch(*batch) for batch in batches], uow)


operations: st.SearchStrategy[Operation] = st.one_of(
    _operation(services.add_batch, references, skus, quantities, etas),
    _operation(add_batches, st.lists(st.tuples(references, skus, quantities, etas), max_size=4)),
    _operation(services.allocate, orderids, skus, quantities),
    _operation(services.allocate_lines, st.lists(lines, max_size=8)),
    _operation(services.deallocate, orderids, skus),
    _operation(services.reallocate, orderids, skus),
    _operation(services.reallocate_batch, references),
    _operation(services.reallocate_backorders, st.lists(st.tuples(orderids, skus), max_size=4)),
    _operation(services.change_batch_quantity, references, quantities),
    _operation(services.change_batch_eta, references, etas),
)


def run(operation: Operation, shop: Shop) -> Any:
    """What the service returns or refuses, in a form that can be compared."""
    service, arguments = operation
    try:
        return comparable(service(*arguments, shop.uow()))
    except AllocationError as refused:
        return comparable(refused)


def comparable(result: Any) -> Any:
    if isinstance(result, AllocationError):
        return type(result), str(result)
    if isinstance(result, list):
        return [comparable(item) for item in result]
    return result
