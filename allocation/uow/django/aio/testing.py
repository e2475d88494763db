"""For tests: async units of work on the connection of the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from allocation.uow.django.aio.lease import PoolThread
from allocation.uow.django.aio.pool import Pool, using_pool


class _SharedConnection(Pool):
    """One thread, on a connection that is another's."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        super().__init__(connection.alias, size=1)
        self._connection = connection

    def prepare(self, thread: PoolThread) -> None:
        connections[self.using] = thread.connection = self._connection

    def clean(self, thread: PoolThread) -> None:
        """The connection is the test's."""

    def quit(self) -> None:
        del connections[self.using]
        super().quit()


@contextmanager
def sharing_connection(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Let async units of work use the connection of this thread, one after the other.

    For Django's TestCase, whose transaction no other connection sees, and for
    SQLite databases in memory: `self.enterContext(sharing_connection())` in
    `setUp`, which Django calls in the thread that has the connection. Commit
    then means what it means in a TestCase.
    """
    connection = connections[using]
    connection.inc_thread_sharing()
    pool = _SharedConnection(connection)
    try:
        with using_pool(pool):
            yield
    finally:
        pool.close()
        connection.dec_thread_sharing()
