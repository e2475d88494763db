"""The unit of work: all of a business action, or nothing of it."""

from __future__ import annotations

import threading
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, Self

from allocation.uow.changes import Status
from allocation.uow.errors import ConflictError, MisuseError
from allocation.uow.flush import write
from allocation.uow.log import Journal
from allocation.uow.mapping import Mapper
from allocation.uow.participants import (
    OnRollback,
    Participant,
    attempt,
    raise_hooks_failed,
    raise_undo_failed,
)
from allocation.uow.repository import Repository
from allocation.uow.states import WAY_OUT, WORKING, State, WrongThread
from allocation.uow.store import Store
from allocation.uow.tracking import Tracker, WrongEntityType

if TYPE_CHECKING:
    from types import TracebackType


class AbstractUnitOfWork(ABC):
    """What a service may rely on: a block that stores nothing unless `commit` was called.

    A fake for tests overrides `commit` and `rollback`, and need not call
    `super().__init__()`.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.rollback()

    @abstractmethod
    def commit(self) -> None:
        """Store everything, now."""

    @abstractmethod
    def rollback(self) -> None:
        """Discard everything since the last commit."""


class OpenSavepoint(MisuseError):
    """A unit of work was ended inside one of its savepoints."""


class NotCommitted(MisuseError):
    """A unit of work that joined a transaction was left without `commit`.

    Its part is undone; what is around it may go on without, if it catches this.
    """


class ParticipantRefused(MisuseError):
    """A unit of work that joined a transaction cannot answer for anything outside the database."""


class ConflictingRepositories(MisuseError):
    """Two repositories of a unit of work keep the same table, in different ways."""


class DiscardedChangesWarning(UserWarning):
    """A block was left in peace, but without `commit`, and there was something to store."""


class UnitOfWork(AbstractUnitOfWork):
    """A unit of work that tracks the entities of its repositories and writes what changed.

    Its repositories are declared on its class; what it writes to is its store.
    An instance can be entered again after it was left, and starts clean.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        kept: dict[str, Mapper[Any]] = {}
        for repository in cls._repositories():
            mapper = repository.mapper
            other = kept.setdefault(mapper.tables[0].name, mapper)
            if (other.tables[0], other.entity_type) != (mapper.tables[0], mapper.entity_type):
                raise ConflictingRepositories(
                    f"Two repositories of {cls.__name__} keep {mapper.tables[0].name} in ways of "
                    f"their own ({other.entity_type.__name__}, {mapper.entity_type.__name__}): one "
                    f"row would be two objects. Keep it in one way."
                )

    @classmethod
    def _repositories(cls) -> Iterator[Repository[Any]]:
        """Those declared on this class and on those it inherits from."""
        declared: dict[str, object] = {}
        for base in reversed(cls.__mro__):
            declared |= vars(base)
        return (value for value in declared.values() if isinstance(value, Repository))

    def __init__(self, store: Store) -> None:
        self.store = store
        self.has_committed = False
        """Whether it has ever committed something: then it must not be run again."""
        self._state = State.READY

    def _start(self) -> None:
        self._thread = threading.get_ident()
        self._failure: BaseException | None = None
        self._has_committed_here = False
        self._tracker = Tracker()
        self._savepoints = 0
        self._participants: list[Participant] = []
        self._before_commit: list[Callable[[], object]] = []
        self._after_commit: list[Callable[[], object]] = []
        self._journal = Journal(type(self).__name__)

    # -- lifecycle -------------------------------------------------------

    def __enter__(self) -> Self:
        """Begin. Raises AlreadyEntered."""
        if self._state not in (State.READY, State.LEFT):
            self.refuse()
        self._start()
        before, self._state = self._state, State.ACTIVE
        try:
            self.store.begin()
        except BaseException:
            self._state = before
            raise
        self._journal.begun()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Discard what was not committed, and end.

        Warns when that was something, and no error was the cause. Raises
        UndoFailed when something outside the database could not be undone, and
        NotCommitted where it joined a transaction.
        """
        if told := self.leave(exc):
            warnings.warn(told, DiscardedChangesWarning, stacklevel=2)

    def leave(self, error: BaseException | None, *, for_good: bool = True) -> str | None:
        """Do what leaving the block with `error` does; returns what is to be warned of.

        For who drives a unit of work without a `with`. Unless it is left
        `for_good`, it goes on in a new transaction, with the entities it knows.
        """
        # In any state of a block: an interrupt may come whenever it likes.
        self._require(*WORKING, State.FOLLOWING, State.FAILED)
        if not for_good:
            self._require_outermost()
        joined = self.store.joined
        in_peace = error is None and self._state is State.ACTIVE
        discarded = self._uncommitted() if in_peace else None
        why = "it was left without commit()" if discarded else None
        clean = for_good and in_peace and not discarded
        try:
            self._discard(
                error or self._failure, State.LEFT if for_good else State.FAILED, why, clean=clean
            )
        finally:
            if for_good:
                # Repositories refer to this, and this to them: what it knew of would
                # be kept until Python looks for circles.
                self._tracker = Tracker()
            else:
                self._begin_again()
        if joined and error is None and (discarded or not self._has_committed_here):
            raise NotCommitted(
                f"{type(self).__name__} joined a transaction and was left without commit(). Its "
                f"part is undone. Call commit() at the end of the block."
            )
        if not discarded:
            return None
        what = ", ".join(f"{number} {name}" for name, number in discarded.items())
        return (
            f"{type(self).__name__} was left without commit(): {what} discarded. Call commit() "
            f"in the block, or rollback() where that is what you want."
        )

    def _uncommitted(self) -> Counter[str]:
        found = self._tracker.uncommitted()
        for participant in self._participants:
            if not isinstance(participant, OnRollback):
                found[f"enlisted {type(participant).__name__}"] += 1
        return found

    def commit(self) -> None:
        """Flush, and end the database transaction: when this returns, it is stored.

        Whatever the database has against it is raised here, not when the block
        is left. Work after a commit belongs to a new transaction. Raises
        TransactionFailed when something in the block went wrong and was
        swallowed, and HooksFailed when it is stored, but a hook failed.
        """
        self._require(State.ACTIVE)
        self._require_outermost()
        with self._failing():
            self._state = State.COMMITTING
            while self._before_commit:
                self._before_commit.pop(0)()
            self._write()
            for participant in self._participants:
                participant.prepare()
            if self._participants:
                self._write()  # what they changed
            # What is outside is done first: hooks may tell others that it is there.
            for hook in [*(p.commit for p in self._participants), *self._after_commit]:
                self.store.after_commit(hook)
            self.store.commit()
            self.has_committed = self._has_committed_here = True
            self._participants.clear()
            self._after_commit.clear()
        self._tracker.committed()
        self._journal.committed()
        self._state = State.FOLLOWING
        try:
            errors = self.store.run_hooks()
        finally:
            self._begin_again()
        raise_hooks_failed(errors)

    def rollback(self) -> None:
        """Go back to the last commit, or to the beginning: rows, entities and participants.

        Raises UndoFailed when something outside the database could not be undone.
        """
        self._require(State.ACTIVE, State.FAILED)
        self._require_outermost()
        try:
            self._discard(self._failure, State.FAILED, "rollback() was called")
        finally:
            self._begin_again()

    def _begin_again(self) -> None:
        """Go on in a new transaction. If there is none to be had, whoever goes on is told."""
        try:
            self.store.begin()
        except Exception as error:  # noqa: BLE001  # what ended before has ended well
            self._state, self._failure = State.FAILED, error
        else:
            self._state, self._failure = State.ACTIVE, None

    def _discard(
        self, reason: BaseException | None, state: State, why: str | None, *, clean: bool = False
    ) -> None:
        """Undo what is not committed, and be in `state` whatever happens.

        `clean` says that no entity is to be taken back.
        """
        self._state = state
        self._before_commit.clear()
        self._after_commit.clear()
        participants, self._participants = self._participants, []
        failed = attempt([self.store.rollback])
        taking_back = [] if clean else [self._tracker.rolled_back]
        undone = attempt([*taking_back, *_undo_steps(participants)])
        self._journal.rolled_back(reason or why)
        if reason is not None and _are_errors(failed):
            # The database discards by itself what nobody commits: the reason says more.
            for error in failed:
                reason.add_note(f"Rolling back failed as well: {error!r}")
        elif undone or not _are_errors(failed):
            undone = [*failed, *undone]
        else:
            for error in failed:
                raise error
        raise_undo_failed(undone, reason)

    @contextmanager
    def savepoint(self) -> Iterator[Self]:
        """Undo the block alone, when an error leaves it: rows, entities, hooks and participants.

        The error goes on to whoever asked for it; nothing is committed before the
        unit of work is. Flushes before and after the block. They nest.
        """
        self.flush()
        self.store.require_outermost()
        state = self._state
        with self._failing():
            self.store.savepoint()
        self._tracker.savepoint()
        self._savepoints += 1
        enlisted = len(self._participants)
        before, after = len(self._before_commit), len(self._after_commit)
        written = self._journal.written.copy()
        try:
            yield self
            self.flush()
        except BaseException as error:
            if self._state not in (*WORKING, State.FAILED):
                raise  # the whole unit of work was left, and this part with it
            self._savepoints -= 1
            participants = self._participants[enlisted:]
            del self._participants[enlisted:]
            del self._before_commit[before:], self._after_commit[after:]
            failed = attempt([partial(self.store.end_savepoint, rollback=True)])
            taken_back = partial(self._tracker.rolled_back, to_savepoint=True)
            undone = attempt([taken_back, *_undo_steps(participants)])
            self._journal.written = written
            self._state, self._failure = state, None
            for failure in failed:
                self._state, self._failure = State.FAILED, failure
                error.add_note(f"Rolling back failed as well: {failure!r}")
            raise_undo_failed(undone, error)
            raise
        self._savepoints -= 1
        with self._failing():
            self.store.end_savepoint(rollback=False)
        self._tracker.release()

    def flush(self) -> None:
        """Write what is pending, and end nothing.

        Keys are assigned and constraints speak, but no other connection sees
        anything. At most one statement per table and kind, split only where
        the database limits the parameters of one. Raises StaleEntity, and a
        MisuseError where somebody else could take back what it writes.
        """
        self._require(*WORKING)
        self._write()

    def _write(self) -> None:
        changes = self._tracker.changes(writing=True)
        if changes.entries:
            self.store.require_outermost()
            with self._failing():
                self._journal.flushed(write(changes, self._tracker, self.store))

    def is_conflict(self, error: BaseException) -> bool:
        """Whether `error` says that somebody else was in the way, so that trying again may help."""
        return isinstance(error, ConflictError)

    # -- around the transaction ------------------------------------------

    def before_commit(self, hook: Callable[[], object]) -> None:
        """Have `hook` run at the next commit, before the flush. If it raises, nothing is stored."""
        self._require(*WORKING)
        self._before_commit.append(hook)

    def after_commit(self, hook: Callable[[], object]) -> None:
        """Have `hook` run after the next commit, once the data is safe: the place for the network.

        All hooks run, even when one fails; commit() then raises HooksFailed.
        """
        self._require(*WORKING)
        self._after_commit.append(hook)

    def on_rollback(self, hook: Callable[[], object]) -> None:
        """Have `hook` run when what is not committed is discarded, the last one first."""
        self.enlist(OnRollback(hook))

    def enlist(self, participant: Participant) -> None:
        """Let something outside the database be done or undone together with it.

        Raises ParticipantRefused where it joined a transaction.
        """
        self._require(*WORKING)
        if self.store.joined:
            raise ParticipantRefused(
                "Inside somebody else's transaction nothing outside the database can take part: "
                "nobody would tell it of a rollback. Enlist it where that transaction is."
            )
        self._participants.append(participant)

    # -- tracking --------------------------------------------------------

    @property
    def tracker(self) -> Tracker:
        """What this unit of work knows of its entities. For repositories."""
        self._require(*WORKING)
        return self._tracker

    @property
    def new(self) -> Sequence[Any]:
        """The entities that the next flush will insert."""
        return self.tracker.entities(Status.NEW)

    @property
    def dirty(self) -> Sequence[Any]:
        """The loaded entities that differ from their snapshot."""
        return self.tracker.dirty()

    @property
    def removed(self) -> Sequence[Any]:
        """The entities that the next flush will delete."""
        return self.tracker.entities(Status.REMOVED)

    def register_new(self, entity: object) -> None:
        """Register by hand what a repository's `add` registers."""
        self.tracker.add(self._repository_of(entity).mapper, entity)

    def register_dirty(self, entity: object) -> None:
        """Register an entity that was not loaded here: all its columns are updated.

        One that is tracked already is watched anyway.
        """
        self.tracker.add_dirty(self._repository_of(entity).mapper, entity)

    def register_deleted(self, entity: object) -> None:
        """Register by hand what a repository's `remove` registers, loaded here or not."""
        mapper = self._repository_of(entity).mapper
        if entity not in self.tracker:
            self.tracker.add_dirty(mapper, entity)
        self.tracker.remove(mapper, entity)

    def _repository_of(self, entity: object) -> Repository[Any]:
        for repository in self._repositories():
            if repository.mapper.keeps(entity):
                return repository
        raise WrongEntityType(
            f"No repository of {type(self).__name__} keeps {type(entity).__name__}: declare one."
        )

    # -- states ----------------------------------------------------------

    def _require_outermost(self) -> None:
        if self._savepoints:
            raise OpenSavepoint(
                "commit() and rollback() end the whole unit of work, and were called inside one of "
                "its savepoints: leave that block first, with an error if it is to be undone."
            )
        self.store.require_outermost()

    def _require(self, *allowed: State) -> None:
        if self._state not in allowed:
            self.refuse()
        if self._thread != threading.get_ident():
            raise WrongThread(
                "This unit of work was entered in another thread. Its database connection belongs "
                "to that thread: build one unit of work per thread."
            )

    def refuse(self) -> NoReturn:
        """Raise the error that names the state found, and the way out of it."""
        error, way_out = WAY_OUT[self._state]
        cause = self._failure if self._state is State.FAILED else None
        raise error(f"This unit of work {self._state.value}. {way_out}") from cause

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Remember a failure, so that nobody commits after having swallowed it."""
        try:
            yield
        except BaseException as error:
            self._state = State.FAILED
            self._failure = error
            raise


def _are_errors(raised: Sequence[BaseException]) -> bool:
    """Whether none of these is an interrupt."""
    return all(isinstance(error, Exception) for error in raised)


def _undo_steps(participants: Sequence[Participant]) -> list[Callable[[], object]]:
    """The last enlisted first."""
    return [participant.rollback for participant in reversed(participants)]
