"""Run a use case again when somebody else was in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

from allocation.uow.unit_of_work import UnitOfWork


class Retryable(Protocol):
    """What is asked of a unit of work before its use case is run again."""

    @property
    def has_committed(self) -> bool: ...

    def is_conflict(self, error: BaseException) -> bool: ...


R = TypeVar("R", bound=Retryable)
U = TypeVar("U", bound=UnitOfWork)
T = TypeVar("T")


class Attempts(Generic[R]):
    """How often a use case was tried, and with which unit of work."""

    def __init__(self, factory: Callable[[], R], also: tuple[type[Exception], ...]) -> None:
        self._factory = factory
        self._also = also
        self._uow = factory()
        self._tried = 0
        self._first: Exception | None = None

    def unit_of_work(self) -> R:
        """The one for the next attempt."""
        if self._first is not None:
            error, self._first = self._first, None
            raise error
        if self._tried:
            self._uow = self._factory()
        self._tried += 1
        return self._uow

    def failed(self, error: Exception) -> None:
        """The first attempt, made without tenacity, ended with `error`: it counts as tenacity's.

        Most are the only one, and to be watched over costs more than many a
        query. Raises `error` where it is not to be tried again.
        """
        if not self._again(error):
            raise error
        self._first = error

    def options(self, attempts: int, longest_wait: float) -> dict[str, Any]:
        """What tenacity is to do."""
        # Imported here: who does not retry need not pay for it at import.
        from tenacity import (  # noqa: PLC0415
            retry_if_exception,
            stop_after_attempt,
            wait_random_exponential,
        )

        return {
            "retry": retry_if_exception(self._again),
            "stop": stop_after_attempt(attempts),
            "wait": wait_random_exponential(multiplier=0.02, max=longest_wait),
            "reraise": True,
        }

    def _again(self, error: BaseException) -> bool:
        return not self._uow.has_committed and (
            self._uow.is_conflict(error) or isinstance(error, self._also)
        )

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Let the error that leaves the block tell how often it was tried."""
        try:
            yield
        except Exception as error:
            if self._tried > 1:
                error.add_note(f"Tried {self._tried} times.")
            raise


def retry(
    use_case: Callable[[U], T],
    factory: Callable[[], U],
    *,
    attempts: int = 5,
    also: tuple[type[Exception], ...] = (),
    longest_wait: float = 1.0,
) -> T:
    """Call `use_case` with a unit of work, from the top and with a fresh one after a conflict.

    A conflict is what the unit of work says it is (`is_conflict`: serialization
    failures, deadlocks, locked databases, stale entities), and the errors in
    `also`. Anything else, and a conflict after something was committed, is
    raised at once. Waits between attempts are random and grow up to
    `longest_wait` seconds. The last error is raised with a note that tells how
    often it was tried.
    """
    series = Attempts(factory, also)
    with series.counted():
        try:
            return use_case(series.unit_of_work())
        except Exception as error:  # noqa: BLE001  # raised again, but for conflicts
            series.failed(error)
        from tenacity import Retrying  # noqa: PLC0415  # as above

        retrying = Retrying(**series.options(attempts, longest_wait))
        return retrying(lambda: use_case(series.unit_of_work()))
