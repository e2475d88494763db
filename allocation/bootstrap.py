"""The one place where the adapters are joined to the entrypoints."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS

from allocation.adapters import queries, reports
from allocation.adapters.history import Author
from allocation.adapters.unit_of_work import AllocationUnitOfWork, Rehearsal
from allocation.service_layer.unit_of_work import AbstractUnitOfWork
from allocation.uow import UniqueViolation, retry

T = TypeVar("T")

_ATTEMPTS = 20  # at SERIALIZABLE, many clients on one SKU are refused again and again

allocations = queries.allocations
backorders = queries.backorders
audit = queries.audit

Arrival = reports.Arrival
stock_report = reports.stock
sku_report = reports.sku
order_report = reports.order
waiting = reports.waiting


def unit_of_work(
    using: str = DEFAULT_DB_ALIAS, *, author: Author | None = None
) -> AllocationUnitOfWork:
    """A new unit of work on the database `using`; the history tells what its `author` does."""
    return AllocationUnitOfWork(using, author=author)


def run(
    use_case: Callable[[AbstractUnitOfWork], T],
    using: str = DEFAULT_DB_ALIAS,
    *,
    actor: str | None = None,
) -> T:
    """Run a use case on the database `using`, and again when somebody else was in the way.

    Two who add the same new row at once count as that, too: the second one then
    finds it there. Raises what the use case raises. The history tells what it
    did for the `actor`, under the name of the service, which may be wrapped in a
    `functools.partial`; where nobody is named, the history says nothing.
    """
    author = None if actor is None else Author(actor, _name(use_case))
    return retry(
        use_case,
        lambda: unit_of_work(using, author=author),
        attempts=_ATTEMPTS,
        also=(UniqueViolation,),
    )


def rehearse(use_case: Callable[[AbstractUnitOfWork], T], using: str = DEFAULT_DB_ALIAS) -> T:
    """Run a use case as `run` does and tell what it tells, but store nothing.

    The next one knows nothing of it.
    """
    return retry(use_case, lambda: Rehearsal(using))


def _name(use_case: Callable[..., object]) -> str:
    service = use_case.func if isinstance(use_case, partial) else use_case
    return getattr(service, "__name__", type(service).__name__)
