"""The right of one unit of work to a thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from django.db.backends.base.base import BaseDatabaseWrapper

from allocation.uow.django.aio.worker import Call, Worker
from allocation.uow.errors import MisuseError, UnitOfWorkError

if TYPE_CHECKING:
    from allocation.uow.django.aio.pool import Pool

_logger: Final = logging.getLogger("allocation.uow")


class PoolTimeout(UnitOfWorkError, TimeoutError):
    """All connections of a pool were in use for too long. Carries `size` and `waiting`."""

    def __init__(self, pool: Pool, waiting: int) -> None:
        self.size = pool.size
        self.waiting = waiting
        super().__init__(
            f"No connection to {pool.using!r} became free within {pool.timeout:g} s: all "
            f"{self.size} of its pool are in use, and {waiting} others wait. Leave units of work "
            f"sooner, do not open one inside another, or raise UOW_POOL_SIZE."
        )


class PoolClosed(MisuseError):
    """A unit of work was used whose pool was closed: what it had not committed is rolled back."""

    def __init__(self, using: str) -> None:
        super().__init__(
            f"The pool of connections to {using!r} is closed. What a unit of work had not "
            f"committed then is rolled back."
        )


class PoolThread(Worker):
    """A thread and its connection."""

    connection: BaseDatabaseWrapper | None = None


class Lease:
    """A thread for a unit of work: first waited for, then had, and given back in the end.

    What is wanted before it is had is done as soon as it is, by the thread
    itself: it need not wait for the event loop, nor when it is given back.
    """

    def __init__(self, pool: Pool, finish: Callable[[], object]) -> None:
        self.pool = pool
        self.loop = asyncio.get_running_loop()
        self.thread: PoolThread | None = None
        self.refusal: Exception | None = None
        """Why nothing can be done in its name any more."""
        self._finish = finish
        self._lock = threading.RLock()
        self._calls: set[Call] = set()
        self._early: list[tuple[Future[Any], Callable[[], Any]]] = []
        self.over = False
        """Whether it was given back."""
        self.deadline = 0.0
        """Until when it is waited for, if it is, by the clock of the loop."""

    # -- waiting ---------------------------------------------------------

    def begin(self, thread: PoolThread) -> bool:
        """Have this thread; tells whether it is still wanted."""
        with self._lock:
            if self.over or self.loop.is_closed():
                return False
            self.thread = thread
            for future, function in self._early:
                thread.do(future, function)
            self._early.clear()
        return True

    # -- having ----------------------------------------------------------

    def add(self, call: Call) -> None:
        """Note what is to be done in its name. Raises PoolClosed when it was taken away."""
        with self._lock:
            if self.refusal is not None:
                raise self.refusal
            self._calls.add(call)

    def discard(self, call: Call) -> None:
        """It is over."""
        with self._lock:
            self._calls.discard(call)

    def do(self, future: Future[Any], function: Callable[[], Any]) -> None:
        """Have `function` called on the thread; `future` is cancelled where that cannot be."""
        with self._lock:
            if self.thread is not None:
                self.thread.do(future, function)
            elif self.over:
                future.cancel()
            else:
                self._early.append((future, function))

    def interrupt(self, call: Call) -> None:
        """Stop the statement that runs for `call`, and no other."""
        thread = cast("PoolThread", self.thread)  # there is one: the call has begun
        call.interrupt(partial(self.pool.interrupt, thread))

    # -- giving back -----------------------------------------------------

    def stop(self, refusal: Exception) -> list[Call]:
        """Let nothing more be committed; returns what may be interrupted."""
        with self._lock:
            self.refusal = refusal
            return [call for call in self._calls if call.cancel()]

    def give_back(self) -> None:
        """Let the thread finish what it does, commit nothing more, clean up, and serve the next.

        Waits for nothing: see Note [Collected anywhere].
        """
        with self._lock:
            if self.over:
                return
            self.over = True
            if self.refusal is None:
                self.stop(PoolClosed(self.pool.using))
            for future, _ in self._early:
                future.cancel()
            if self.thread is not None:
                self.thread.post(partial(self._end, self.thread))

    def _end(self, thread: PoolThread) -> None:
        finish = self._finish
        del self._finish  # it knows us: nobody shall have to collect us
        try:
            finish()
        except Exception:  # nobody waits whom it could be raised to, and others want the thread
            _logger.exception("A unit of work that nobody waits for could not be rolled back.")
        finally:
            self.pool.take_back(self, thread)
