"""A bounded pool of threads, each with a database connection of its own."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import close_old_connections, connections

from allocation.uow.django.aio.lease import Lease, PoolClosed, PoolThread, PoolTimeout

_logger: Final = logging.getLogger("allocation.uow")


class Pool:
    """So many threads at most, each with a connection to the database `using`.

    They are started when they are needed, and kept until it is closed, at the
    latest when the interpreter ends. Who finds none free waits, first come,
    first served, for `timeout` seconds. How long a connection is kept, and
    whether one that was idle is tested before it is used again, say Django's
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
        self._threads: list[PoolThread] = []
        self._idle: list[PoolThread] = []
        self._leases: set[Lease] = set()
        self._waiting: deque[Lease] = deque()
        self._timers: WeakKeyDictionary[asyncio.AbstractEventLoop, float] = WeakKeyDictionary()
        """The loops in which somebody waits, and when the next one has waited long enough."""
        _pools.add(self)

    def lease(self, finish: Callable[[], object]) -> Lease:
        """A thread, or a place in the queue for one; `finish` is called there in the end.

        What is done in its name raises PoolTimeout when it was waited for in
        vain. Raises PoolClosed.
        """
        lease = Lease(self, finish)
        with self._lock:
            if self._closed:
                raise PoolClosed(self.using)
            for other in self._leases:
                if other.loop.is_closed():
                    other.give_back()
            while self._waiting and self._waiting[0].over:
                self._waiting.popleft()
            if not self._idle and len(self._threads) < self.size:
                self._idle.append(PoolThread(f"uow-{self.using}-{len(self._threads)}"))
                self._threads.append(self._idle[-1])
            if self._idle:
                thread = self._idle.pop()
                # What is wrong with a connection, the first statement tells.
                thread.submit(self.prepare, thread)
                self._lend(thread, lease)
            else:
                lease.deadline = lease.loop.time() + self.timeout
                self._waiting.append(lease)
                self._watch(lease)
        return lease

    def _lend(self, thread: PoolThread, lease: Lease) -> bool:
        wanted = lease.begin(thread)
        if wanted:
            self._leases.add(lease)
        return wanted

    def _watch(self, lease: Lease) -> None:
        if lease.deadline < self._timers.get(lease.loop, inf):
            self._timers[lease.loop] = lease.deadline
            lease.loop.call_at(lease.deadline, self._expire, lease.loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Refuse those of this loop who have waited long enough."""
        late = []
        with self._lock:
            self._timers.pop(loop, None)
            now = loop.time()
            for lease in [*self._waiting]:
                if lease.over or lease.loop is not loop:
                    continue
                if lease.deadline <= now:
                    self._waiting.remove(lease)
                    late.append(lease)
                else:
                    self._watch(lease)
            waiting = sum(not lease.over for lease in self._waiting)
        for lease in late:
            lease.stop(PoolTimeout(self, waiting))
            lease.give_back()

    def take_back(self, lease: Lease, thread: PoolThread) -> None:
        """Make the thread, which calls this, ready for the next one, and hand it over."""
        try:
            self.clean(thread)
        except Exception:  # whoever has it next is told by the first statement
            _logger.exception("A connection to %r could not be cleaned.", self.using)
        with self._lock:
            self._leases.discard(lease)
            while self._waiting and not self._closed:
                if self._lend(thread, self._waiting.popleft()):
                    return
            self._idle.append(thread)

    def interrupt(self, thread: PoolThread) -> None:
        """Stop the statement that runs on a thread. For any other thread to call."""
        raw: Any = None if thread.connection is None else thread.connection.connection
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
            leases = [*self._waiting, *self._leases]
        _pools.discard(self)
        # All of them first: one that is given back may hold the lock for which another waits.
        running = [(lease, lease.stop(PoolClosed(self.using))) for lease in leases]
        for lease, calls in running:
            lease.give_back()
            for call in calls:
                lease.interrupt(call)
        for thread in self._threads:
            thread.submit(self.quit)
            thread.stop()
        until = monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))

    # -- on the thread ---------------------------------------------------

    def prepare(self, thread: PoolThread) -> None:
        """When it has been idle: as Django does before a request."""
        close_old_connections()
        thread.connection = connections[self.using]

    def clean(self, thread: PoolThread) -> None:
        """When it has been used: as Django does after a request."""
        for connection in connections.all(initialized_only=True):
            if connection.in_atomic_block:  # a block was opened and never left
                connection.close()
                del connections[connection.alias]
            else:
                connection.close_if_unusable_or_obsolete()
        connection = cast("Any", connections[self.using])
        # Who takes over at once need not test what was good a moment ago.
        connection.health_check_done = True
        thread.connection = connection

    def quit(self) -> None:
        """Before the thread ends."""
        connections.close_all()


_pools: Final[set[Pool]] = set()  # those that are open
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
