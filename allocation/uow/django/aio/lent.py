"""What a unit of work looks like to plain functions that run in an async one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

from allocation.uow.django.aio.worker import Call
from allocation.uow.store import Store
from allocation.uow.unit_of_work import DiscardedChangesWarning, UnitOfWork

if TYPE_CHECKING:
    from types import TracebackType


class GuardedStore:
    """A store that commits nothing for a task that was cancelled before; in all else, `store`."""

    _store: Store

    def __init__(self, store: Store) -> None:
        object.__setattr__(self, "_store", store)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._store, name, value)

    def commit(self) -> None:
        call = Call.current()
        call.begin_commit()
        self._store.commit()
        call.committed = True

    def begin(self) -> None:
        # The hooks of a commit have run when the next transaction begins.
        Call.current().end_commit()
        self._store.begin()


class Lent:
    """The unit of work of an async block, for a function that opens a block itself.

    That block is a part of the async one: entering it does nothing, and leaving
    it discards what is not committed and goes on in a new transaction.
    """

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._inside = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._uow, name)

    def __enter__(self) -> Self:
        if self._inside:
            self._uow.refuse()
        self._inside = True
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._inside = False
        if told := self._uow.leave(exc, for_good=False):
            warnings.warn(told, DiscardedChangesWarning, stacklevel=2)
