"""What takes part in a unit of work besides the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from allocation.uow.errors import UnitOfWorkError


class Participant(Protocol):
    """Something outside the database that is done or undone together with it.

    `prepare` is called before the database commits, when everything is flushed:
    do there whatever may fail. If it raises, nothing is committed. `commit` is
    called once the database has committed, before the hooks of `after_commit`;
    it must not fail, and if it does, HooksFailed tells. `rollback` is called
    when the unit of work is discarded, whether `prepare` was called or not.

    In Django's TestCase nothing is ever committed: there `commit` is called by
    `captureOnCommitCallbacks(execute=True)`, as hooks are.
    """

    def prepare(self) -> None: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...


class HooksFailed(ExceptionGroup[Exception], UnitOfWorkError):
    """It is committed, but something that was to follow failed. Do not run it again.

    Holds the errors of all the hooks and participants that failed; all others
    ran.
    """


class UndoFailed(ExceptionGroup[Exception], UnitOfWorkError):
    """It is rolled back, but something outside the database could not be undone.

    Holds the error that led to the rollback, if there was one, and those of all
    undo steps that failed; all others ran.
    """


@dataclass(frozen=True)
class OnRollback:
    """A participant that only has something to undo."""

    undo: Callable[[], object]

    def prepare(self) -> None:
        pass

    def commit(self) -> None:
        pass

    def rollback(self) -> None:
        self.undo()


def undo(participants: Sequence[Participant]) -> list[Exception]:
    """Roll back all of them, the last enlisted first; returns what went wrong with that."""
    errors: list[Exception] = []
    for participant in reversed(participants):
        try:
            participant.rollback()
        except Exception as error:  # noqa: BLE001  # the others must be undone all the same
            errors.append(error)
    return errors
