"""A bounded pool of threads, each with a database connection of its own."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

from django.conf import settings
from django.db import close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from allocation.uow.django.aio.worker import Call, Worker
from allocation.uow.errors import MisuseError, UnitOfWorkError

_logger: Final = logging.getLogger("allocation.uow")


class PoolTimeout(UnitOfWorkError, TimeoutError):
    """All connections of a pool were in use for too long. Carries `size` and `waiting`."""

    def __init__(self, using: str, size: int, waiting: int, timeout: float) -> None:
        self.size = size
        self.waiting = waiting
        super().__init__(
            f"No connection to {using!r} became free within {timeout:g} s: all {size} of its pool "
            f"are in use, and {waiting} others wait. Leave units of work sooner, do not open one "
            f"inside another, or raise UOW_POOL_SIZE."
        )


class PoolClosed(MisuseError):
    """A unit of work was used whose pool was closed: what it had not committed is rolled back."""


class PoolThread(Worker):
    """A thread and its connection."""

    connection: BaseDatabaseWrapper | None = None


class Lease:
    """The right of a unit of work to a thread and its connection, until it is given back."""

    def __init__(self, pool: Pool, worker: PoolThread, waiting: _Waiting) -> None:
        self.pool = pool
        self.worker = worker
        self.loop = waiting.loop
        self._finish = waiting.finish
        self._lock = threading.RLock()
        self._calls: set[Call] = set()
        self._stopped = self._over = False

    def add(self, call: Call) -> None:
        """Note what is to be done in its name. Raises PoolClosed when it was given back."""
        with self._lock:
            if self._stopped:
                raise PoolClosed(
                    "The pool of this unit of work was closed, or its event loop: what was not "
                    "committed is rolled back."
                )
            self._calls.add(call)

    def discard(self, call: Call) -> None:
        """It is over."""
        with self._lock:
            self._calls.discard(call)

    def stop(self) -> bool:
        """Let nothing more be committed; tells whether something runs that may be interrupted."""
        with self._lock:
            self._stopped = True
            interruptible = [call.cancel() for call in self._calls]
        return any(interruptible)

    def give_back(self) -> None:
        """Let the thread finish what it does, commit nothing more, clean up, and serve the next.

        Waits for nothing: see Note [Collected anywhere].
        """
        with self._lock:
            if not self._over:
                self._over = True
                self.stop()
                self.worker.submit(self._end)

    def _end(self) -> None:
        try:
            self._finish()
        except Exception:
            _logger.exception("A unit of work that nobody waits for could not be rolled back.")
        finally:
            self.pool.take_back(self)


class _Waiting:
    """Somebody who waits for a lease."""

    def __init__(self, finish: Callable[[], object]) -> None:
        self.loop = asyncio.get_running_loop()
        self.finish = finish
        self.handed: Future[Lease] = Future()


class Pool:
    """So many threads at most, each with a connection to the database `using`.

    They are started when they are needed, and kept. Who finds none free waits,
    first come, first served, for `timeout` seconds. How long a connection is
    kept, and whether it is tested before it is used again, say Django's
    settings CONN_MAX_AGE and CONN_HEALTH_CHECKS.
    """

    def __init__(self, using: str, *, size: int = 10, timeout: float = 30.0) -> None:
        if size < 1:
            raise ValueError(f"A pool has at least one connection, not {size}.")
        self.using = using
        self.size = size
        self.timeout = timeout
        self._lock = threading.Lock()
        self._closed = False
        self._workers: list[PoolThread] = []
        self._idle: list[PoolThread] = []
        self._leases: set[Lease] = set()
        self._waiting: deque[_Waiting] = deque()
        _pools.add(self)

    async def acquire(self, finish: Callable[[], object]) -> Lease:
        """A thread of one's own. `finish` is called there when it is given back.

        Raises PoolTimeout, and PoolClosed.
        """
        waiting = _Waiting(finish)
        with self._lock:
            if self._closed:
                raise PoolClosed(f"The pool of {self.using!r} is closed.")
            for lease in self._leases:
                if lease.loop.is_closed():
                    lease.give_back()
            while self._waiting and self._waiting[0].handed.cancelled():
                self._waiting.popleft()
            if not self._idle and len(self._workers) < self.size:
                self._idle.append(PoolThread(f"uow-{self.using}-{len(self._workers)}"))
                self._workers.append(self._idle[-1])
            if self._idle:
                return self._lend(self._idle.pop(), waiting)
            self._waiting.append(waiting)
        return await self._wait(waiting.handed)

    async def _wait(self, handed: Future[Lease]) -> Lease:
        try:
            async with asyncio.timeout(self.timeout):
                return await asyncio.wrap_future(handed)
        except BaseException as error:
            if not handed.cancel() and handed.exception() is None:
                handed.result().give_back()  # it came at the very last moment
            if isinstance(error, TimeoutError):
                others = sum(not waiting.handed.done() for waiting in list(self._waiting))
                raise PoolTimeout(self.using, self.size, others, self.timeout) from None
            raise

    def _lend(self, worker: PoolThread, waiting: _Waiting) -> Lease:
        lease = Lease(self, worker, waiting)
        self._leases.add(lease)
        # What is wrong with a connection, the first statement tells.
        worker.submit(self.prepare, worker)
        return lease

    def take_back(self, lease: Lease) -> None:
        """Make the thread of `lease`, which calls this, ready for the next one."""
        try:
            self.clean()
        except Exception:
            _logger.exception("A connection to %r could not be cleaned.", self.using)
        with self._lock:
            self._leases.discard(lease)
            while self._waiting and not self._closed:
                waiting = self._waiting.popleft()
                gone = waiting.loop.is_closed()
                if not gone and waiting.handed.set_running_or_notify_cancel():
                    waiting.handed.set_result(self._lend(lease.worker, waiting))
                    return
            self._idle.append(lease.worker)

    def interrupt(self, worker: PoolThread) -> None:
        """Stop the statement that runs on a thread. For any other thread to call."""
        raw: Any = None if worker.connection is None else worker.connection.connection
        try:
            if hasattr(raw, "interrupt"):  # SQLite
                raw.interrupt()
            elif hasattr(raw, "cancel_safe"):  # psycopg
                raw.cancel_safe(timeout=5.0)
        except Exception:  # the statement then takes the time it takes
            _logger.warning("A statement could not be interrupted.", exc_info=True)

    def close(self, timeout: float = 5.0) -> None:
        """Roll back what is not committed, close all connections, and end the threads.

        Waits for that so many seconds at most.
        """
        with self._lock:
            self._closed = True
            waiting, leases = list(self._waiting), list(self._leases)
        _pools.discard(self)
        for one in waiting:
            if one.handed.set_running_or_notify_cancel():
                one.handed.set_exception(PoolClosed(f"The pool of {self.using!r} is closed."))
        # All of them first: one that is given back may hold the lock for which another waits.
        running = [lease.worker for lease in leases if lease.stop()]
        for lease in leases:
            lease.give_back()
        for worker in running:
            self.interrupt(worker)
        for worker in self._workers:
            worker.submit(self.quit)
            worker.stop()
        until = monotonic() + timeout
        for worker in self._workers:
            worker.join(max(0.0, until - monotonic()))

    # -- on the thread ---------------------------------------------------

    def prepare(self, worker: PoolThread) -> None:
        """Before a unit of work: as Django does before a request."""
        worker.connection = connections[self.using]
        close_old_connections()

    def clean(self) -> None:
        """After a unit of work: as Django does after a request."""
        for connection in connections.all(initialized_only=True):
            if connection.in_atomic_block:  # a block was opened and never left
                connection.close()
                del connections[connection.alias]
        close_old_connections()

    def quit(self) -> None:
        """Before the thread ends."""
        connections.close_all()


_pools: Final[set[Pool]] = set()
_defaults: Final[dict[str, Pool]] = {}
_lock = threading.Lock()


def default_pool(using: str) -> Pool:
    """The pool of the database `using`, for all who bring none of their own.

    Its size and timeout are the settings UOW_POOL_SIZE (10) and
    UOW_POOL_TIMEOUT (30 seconds).
    """
    with _lock:
        pool = _defaults.get(using)
        if pool is None or pool not in _pools:
            pool = _defaults[using] = Pool(
                using,
                size=getattr(settings, "UOW_POOL_SIZE", 10),
                timeout=getattr(settings, "UOW_POOL_TIMEOUT", 30.0),
            )
    return pool


@contextmanager
def using_pool(pool: Pool) -> Iterator[None]:
    """Let `pool` be the one of its database for a while."""
    with _lock:
        before = _defaults.get(pool.using)
        _defaults[pool.using] = pool
    try:
        yield
    finally:
        with _lock:
            if before is None:
                del _defaults[pool.using]
            else:
                _defaults[pool.using] = before


def close_pools() -> None:
    """Close all pools, as is done when the interpreter ends. Who asks again gets new ones."""
    for pool in list(_pools):
        pool.close()


def _forget() -> None:
    """In a forked process: the threads have stayed with the parent."""
    global _lock  # noqa: PLW0603  # somebody may have held it
    _lock = threading.Lock()
    _pools.clear()


atexit.register(close_pools)
if hasattr(os, "register_at_fork"):  # pragma: no branch  # not on Windows
    os.register_at_fork(after_in_child=_forget)
