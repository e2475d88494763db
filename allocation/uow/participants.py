"""What takes part in a unit of work besides the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


def attempt(steps: Iterable[Callable[[], object]]) -> list[BaseException]:
    """Take all of these steps, whatever becomes of any; returns what went wrong."""
    errors: list[BaseException] = []
    for step in steps:
        try:
            step()
        except BaseException as error:  # noqa: BLE001  # the others must be taken all the same
            errors.append(error)
    return errors


def raise_undo_failed(errors: Sequence[BaseException], reason: BaseException | None) -> None:
    """Raise what went wrong while undoing, together with the `reason` for undoing."""
    if errors:
        together = list(errors) if reason is None else [reason, *errors]
        message = "The unit of work is rolled back, but not all of it undone"
        _raise(UndoFailed, message, together, reason)


def raise_hooks_failed(errors: Sequence[BaseException]) -> None:
    """Raise what went wrong after the commit."""
    if errors:
        _raise(HooksFailed, "The unit of work is committed, but what followed failed", errors)


def _raise(
    group: type[ExceptionGroup[Exception]],
    message: str,
    errors: Sequence[BaseException],
    reason: BaseException | None = None,
) -> None:
    """Raise `errors` together, unless one of them is an interrupt.

    That stays one: it is raised by itself, if it is not being raised already as
    the `reason`, and notes tell of the rest.
    """
    expected = [error for error in errors if isinstance(error, Exception)]
    if len(expected) == len(errors):
        raise group(message, expected)
    interrupt = next(error for error in errors if not isinstance(error, Exception))
    for error in expected:
        interrupt.add_note(f"{message}: {error!r}")
    if interrupt is not reason:
        raise interrupt
