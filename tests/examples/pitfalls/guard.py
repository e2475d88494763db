"""Two checks that cost nothing while nobody needs them: for development and tests."""

from __future__ import annotations

import threading
import warnings
from types import TracebackType
from typing import Any, Self

from django.db import connections
from django.db.models.signals import pre_delete, pre_save

from allocation.uow.django import DjangoUnitOfWork


class BypassWarning(UserWarning):
    """A model instance was saved or deleted by itself inside a unit of work.

    It goes with the transaction, but the unit of work does not know of it: it
    is no part of `new`, `dirty` and `removed`, of the warning about a forgotten
    commit, of the version, and of what a rollback restores in memory.
    """


class Guarded(DjangoUnitOfWork):
    """Warns of `save()` and `delete()` in its block. Put it before the class of your own.

    Its own flush sends no signals, so whoever sends one went past it. What sends
    none is not seen: `update()`, `bulk_create()`, SQL.
    """

    def __enter__(self) -> Self:
        entered = super().__enter__()
        self._guarded = threading.get_ident()
        for signal in (pre_save, pre_delete):
            signal.connect(self._warn)
        return entered

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for signal in (pre_save, pre_delete):
            signal.disconnect(self._warn)
        super().__exit__(exc_type, exc, traceback)

    def _warn(self, instance: object, using: str, **_: Any) -> None:
        # Signals are the whole process's: other threads may save what they like.
        if using == self.using and threading.get_ident() == self._guarded:
            warnings.warn(
                f"{instance!r} was saved or deleted by itself inside {type(self).__name__}. "
                f"Use `add` or `remove` of its repository, or change it and commit.",
                BypassWarning,
                stacklevel=1,  # between us and who called stands Django
            )


class InTransaction(Exception):
    """The network was to be used while a transaction waits, with all its locks."""


def refuse_in_transaction(using: str) -> None:
    """Raise InTransaction inside one. For the first line of whatever uses the network.

    In Django's TestCase one is always open: test such code in a
    TransactionTestCase, or where this is not called.
    """
    if connections[using].in_atomic_block:
        raise InTransaction(
            "Others wait for this transaction, and it would wait for the network; nor could a "
            "rollback take back what was sent. Register the call with `uow.after_commit(...)`."
        )
