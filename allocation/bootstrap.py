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
from allocation.uow.django.aio import AsyncUnitOfWork, aretry

T = TypeVar("T")

_ATTEMPTS = 20  # at SERIALIZABLE, many clients on one SKU are refused again and again

allocations = queries.allocations
backorders = queries.backorders
audit = queries.audit
quantity_changed = queries.quantity_changed

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
    return retry(
        use_case,
        partial(unit_of_work, using, author=_author(actor, use_case)),
        attempts=_ATTEMPTS,
        also=(UniqueViolation,),
    )


def rehearse(use_case: Callable[[AbstractUnitOfWork], T], using: str = DEFAULT_DB_ALIAS) -> T:
    """Run a use case as `run` does and tell what it tells, but store nothing.

    The next one knows nothing of it.
    """
    return retry(use_case, lambda: Rehearsal(using))


def async_unit_of_work(
    using: str = DEFAULT_DB_ALIAS, *, author: Author | None = None
) -> AsyncUnitOfWork[AllocationUnitOfWork]:
    """A new one for async code."""
    return AllocationUnitOfWork.asynchronous(using, author=author)


async def arun(
    use_case: Callable[[AbstractUnitOfWork], T],
    using: str = DEFAULT_DB_ALIAS,
    *,
    actor: str | None = None,
) -> T:
    """Run a use case as `run` does, for async code: on a thread, with a connection of its own.

    Raises PoolTimeout when none becomes free.
    """
    return await aretry(
        lambda uow: uow.run(use_case),
        partial(async_unit_of_work, using, author=_author(actor, use_case)),
        attempts=_ATTEMPTS,
        also=(UniqueViolation,),
    )


def _author(actor: str | None, use_case: Callable[..., object]) -> Author | None:
    if actor is None:
        return None
    service = use_case.func if isinstance(use_case, partial) else use_case
    return Author(actor, getattr(service, "__name__", type(service).__name__))
