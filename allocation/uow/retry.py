"""Run a use case again when somebody else was in the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from allocation.uow.unit_of_work import UnitOfWork

U = TypeVar("U", bound=UnitOfWork)
T = TypeVar("T")


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
    # Imported here: who does not retry need not pay for it at import.
    from tenacity import (  # noqa: PLC0415
        Retrying,
        retry_if_exception,
        stop_after_attempt,
        wait_random_exponential,
    )

    uow = factory()

    def again(error: BaseException) -> bool:
        return not uow.has_committed and (uow.is_conflict(error) or isinstance(error, also))

    retrying = Retrying(
        retry=retry_if_exception(again),
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=0.02, max=longest_wait),
        reraise=True,
    )
    tried = 0

    def attempt() -> T:
        nonlocal uow, tried
        if tried:
            uow = factory()
        tried += 1
        return use_case(uow)

    try:
        return retrying(attempt)
    except Exception as error:
        if tried > 1:
            error.add_note(f"Tried {tried} times.")
        raise
