"""The database transaction of a unit of work, on top of `transaction.atomic`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from allocation.uow.errors import MisuseError
from allocation.uow.participants import attempt
from allocation.uow.states import TransactionFailed

_IN_ERROR: Final = 3  # PQTRANS_INERROR of libpq, whichever psycopg reports it

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONFLICTS: Final = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
}


class OuterTransaction(MisuseError):
    """A unit of work was entered inside somebody else's `atomic`."""


class InnerTransaction(MisuseError):
    """A unit of work was to write, or to end, inside an `atomic` block that was opened in it."""


class AutocommitDisabled(MisuseError):
    """The connection is in manual transaction mode."""


class UnsupportedDatabase(MisuseError):
    """The database is neither PostgreSQL nor SQLite."""


class Transaction:
    """One database transaction after the other, each of them ended explicitly.

    With `join` it is a part of the transaction around it, if there is one.
    """

    def __init__(self, using: str, *, join: bool = False) -> None:
        self._using = using
        self._join = join
        # The outermost block is the transaction itself, the others are savepoints.
        self._atomics: list[transaction.Atomic] = []
        self._deferred_begin = _DeferredBegin()
        self._hooks: list[Any] = []
        self.connection: BaseDatabaseWrapper
        """That of the thread in which it began."""
        self.joined = False
        """Whether it was asked to become a part of somebody else's transaction, and did."""

    def begin(self) -> None:
        self.connection = connection = connections[self._using]
        if connection.vendor not in ("postgresql", "sqlite"):
            raise UnsupportedDatabase(
                f"The unit of work writes to PostgreSQL and SQLite, not to {connection.vendor}."
            )
        if not connection.in_atomic_block and not connection.get_autocommit():
            raise AutocommitDisabled(
                f"The connection {self._using!r} is in manual transaction mode, where leaving a "
                f"transaction does not commit it. Remove `set_autocommit(False)` or the setting "
                f"AUTOCOMMIT: False."
            )
        # Django's TestCase is nobody's transaction: `durable` does not mind it either.
        self.joined = self._join and not all(
            getattr(block, "_from_testcase", False) for block in connection.atomic_blocks
        )
        try:
            with self._deferred_begin.holding(connection):
                self._enter(transaction.atomic(using=self._using, durable=not self._join))
        except RuntimeError as error:
            raise OuterTransaction(
                f"This unit of work was entered inside an `atomic` block of somebody else on "
                f"{self._using!r}, where commit() could not commit. Take that block away: "
                f"`@transaction.non_atomic_requests` for a view under ATOMIC_REQUESTS, a view or "
                f"an action of its own instead of the admin's change view. Or join it, with "
                f"`join=True`, and let the block around decide."
            ) from error

    def require_outermost(self) -> None:
        """Raise InnerTransaction inside a block that was opened within this transaction."""
        if self.connection.atomic_blocks[-1:] != self._atomics[-1:]:
            raise InnerTransaction(
                "Inside an `atomic` block that was opened within it, a unit of work neither writes "
                "(which a query does when something is pending) nor ends: that block could take "
                "it back unnoticed. So leave that block first, or use uow.savepoint() instead."
            )

    def commit(self) -> None:
        """End the transaction. Raises TransactionFailed when there is nothing left to commit."""
        if self._given_up():
            raise TransactionFailed(
                "A statement of this transaction failed and the error was swallowed. The database "
                "has given the transaction up: nothing of it can be committed. Call `rollback()` "
                "to start over, or let the error leave the block."
            )
        # Note [Hooks after the commit]: Django runs them while it leaves `atomic`, stops
        # at the first that fails, and lets its error look like one of the commit. So
        # they are set aside and run one by one, by Django's own means, when the commit
        # is done. Inside another transaction they wait for that one, as always.
        connection = self.connection
        self._hooks = []
        if len(connection.atomic_blocks) == len(self._atomics):
            self._hooks, connection.run_on_commit = connection.run_on_commit, []
        self._leave(rollback=False)

    def run_hooks(self) -> list[BaseException]:
        """Run what waited for the commit; returns what that raised."""
        hooks, self._hooks = self._hooks, []
        return attempt(partial(self._run_hook, hook) for hook in hooks)

    def _run_hook(self, hook: Any) -> None:
        self.connection.run_on_commit = [hook]
        self.connection.run_and_clear_commit_hooks()

    def rollback(self) -> None:
        """End the transaction, if there is one, and everything it wrote."""
        while self._atomics:
            blocks = self.connection.atomic_blocks
            while self._atomics[-1] in blocks[:-1]:  # inside one that was never left
                self.connection.set_rollback(True)
                blocks[-1].__exit__(None, None, None)
            self._leave(rollback=True)

    def savepoint(self) -> None:
        self._enter(transaction.atomic(using=self._using))

    def end_savepoint(self, *, rollback: bool) -> None:
        self._leave(rollback=rollback)

    def _enter(self, atomic: transaction.Atomic) -> None:
        atomic.__enter__()
        self._atomics.append(atomic)

    def _leave(self, *, rollback: bool) -> None:
        atomic = self._atomics.pop()
        if not self._atomics:
            self._deferred_begin.drop()
        if rollback:
            self.connection.set_rollback(True)
        atomic.__exit__(None, None, None)

    def _given_up(self) -> bool:
        """Whether the database has rolled back already, or will not commit."""
        connection = self.connection
        if connection.needs_rollback or connection.closed_in_transaction:
            return True
        if connection.vendor == "postgresql":
            return bool(connection.connection.info.transaction_status == _IN_ERROR)
        return self._deferred_begin.begun and not connection.connection.in_transaction


class _DeferredBegin:
    """Holds back SQLite's BEGIN until there is a first statement. See Note [Deferred begin]."""

    # Note [Deferred begin]
    # ~~~~~~~~~~~~~~~~~~~~~
    # Entering `atomic` on SQLite sends BEGIN IMMEDIATE, which takes the write
    # lock of the whole database. After a commit, a unit of work is in its next
    # transaction at once (nothing in its block may commit by itself), though
    # mostly nothing follows: taking the lock again, possibly after waiting for
    # others, could fail where everything was committed already. psycopg sends
    # BEGIN with the first query; here the same is done for SQLite. Django
    # offers `execute_wrappers` to see every statement before it runs.

    def __init__(self) -> None:
        self.begun = False
        self._entering = False
        self._held: str | None = None
        self._wrappers: list[Any] = []

    @contextmanager
    def holding(self, connection: BaseDatabaseWrapper) -> Iterator[None]:
        """Hold back the BEGIN that is sent in this block, until the next statement after it."""
        self.begun = False
        self._held = None
        if connection.vendor == "sqlite":
            self._wrappers = connection.execute_wrappers
            # The first one: Django's own way to add a wrapper takes the last one off again.
            self._wrappers.insert(0, self)
        self._entering = True
        try:
            yield
        except BaseException:
            self.drop()
            raise
        finally:
            self._entering = False

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,  # noqa: FBT001  # Django's signature
        context: dict[str, Any],
    ) -> Any:
        if self._entering and sql.startswith("BEGIN"):
            self._held = sql
            return None
        if self._held is not None:
            begin, self._held = self._held, None  # it comes through here itself
            try:
                _begin(context["connection"], begin)
            except BaseException:
                self._held = begin  # what is not begun must not commit by itself
                raise
            self.begun = True
        elif not self.begun and sql.startswith("BEGIN"):
            return execute(sql, params, many, context)
        self.drop()
        return execute(sql, params, many, context)

    def drop(self) -> None:
        """Look at no more statements."""
        if self in self._wrappers:
            self._wrappers.remove(self)


# Note [Waiting for the lock]
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~
# SQLite does not queue those who wait for its lock. Each asks again after a while,
# and by itself SQLite waits longer and longer, up to a tenth of a second: whoever
# came last asks most often, and overtakes those who have waited for seconds. Here
# all of them ask equally often, after short waits that are random, so that they do
# not meet; for as long as SQLite's own timeout says.
_SHORTEST_WAIT: Final = 0.0001
_LONGEST_WAIT: Final = 0.0005


def _begin(connection: BaseDatabaseWrapper, sql: str) -> None:
    """Send SQLite's BEGIN. See Note [Waiting for the lock]."""
    driver = connection.connection
    [[timeout]] = driver.execute("PRAGMA busy_timeout")
    deadline = time.monotonic() + timeout / 1000
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(sql)
            except OperationalError as error:
                if not is_conflict(error) or time.monotonic() >= deadline:
                    raise
            else:
                return
            time.sleep(random.uniform(_SHORTEST_WAIT, _LONGEST_WAIT))  # noqa: S311  # no secret
    finally:
        driver.execute(f"PRAGMA busy_timeout = {timeout}")


def is_conflict(error: BaseException) -> bool:
    """Whether the database says that another transaction was in the way."""
    if not isinstance(error, OperationalError):
        return False
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) in _CONFLICTS:
        return True
    # The driver's name for the result code: SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT, SQLITE_LOCKED.
    return getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
