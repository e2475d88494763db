"""Run an async use case again when somebody else was in the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from allocation.uow.django.aio.unit_of_work import AsyncUnitOfWork
from allocation.uow.retry import Attempts

A = TypeVar("A", bound=AsyncUnitOfWork[Any])
T = TypeVar("T")


async def aretry(
    use_case: Callable[[A], Awaitable[T]],
    factory: Callable[[], A],
    *,
    attempts: int = 5,
    also: tuple[type[Exception], ...] = (),
    longest_wait: float = 1.0,
) -> T:
    """Await `use_case` with an async unit of work, and again after a conflict: see `retry`.

    It holds no connection while it waits between two attempts.
    """
    series = Attempts(factory, also)

    async def attempt() -> T:
        return await use_case(series.unit_of_work())

    with series.counted():
        try:
            return await attempt()
        except Exception as error:  # noqa: BLE001  # raised again, but for conflicts
            series.failed(error)
        # Imported here: who does not retry need not pay for it at import.
        from tenacity import AsyncRetrying  # noqa: PLC0415

        return await AsyncRetrying(**series.options(attempts, longest_wait))(attempt)
