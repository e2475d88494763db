"""The unit of work: all of a business action, or nothing of it."""

from __future__ import annotations

import enum
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from allocation.uow.errors import ConflictError, MisuseError, UnitOfWorkError
from allocation.uow.repository import Repository
from allocation.uow.tracking import Row, Status, Table, Tracker, WrongEntityType

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


class State(enum.Enum):
    """Where a unit of work stands. The value completes «This unit of work …»."""

    READY = "has not been entered"
    ACTIVE = "has been entered"
    FAILED = "has failed"
    LEFT = "has been left"


class NotEntered(MisuseError):
    """A unit of work was used before its `with` block."""


class AlreadyEntered(MisuseError):
    """A unit of work was entered a second time before it was left."""


class AlreadyLeft(MisuseError):
    """A unit of work was used after its `with` block."""


class WrongThread(MisuseError):
    """A unit of work was used in another thread than the one that entered it."""


class TransactionFailed(UnitOfWorkError):
    """The transaction cannot be committed any more: something in it failed, and went on.

    Call `rollback()` to start over in the same block, or leave it. What failed
    is the `__cause__`, where it is known.
    """


class UniqueViolation(UnitOfWorkError):
    """The store holds another row with the same unique value. Nothing is written."""


_WAY_OUT: Final = {
    State.READY: (NotEntered, "Use it in a block: `with uow: ...`."),
    State.ACTIVE: (
        AlreadyEntered,
        "Use `with uow.savepoint():` to nest, or a second unit of work.",
    ),
    State.FAILED: (TransactionFailed, "Call `rollback()` to start over, or leave the block."),
    State.LEFT: (AlreadyLeft, "Enter it again, or do the work before the block ends."),
}


class Store(Protocol):
    """Where a unit of work puts its rows: one transaction at a time.

    `commit` and `rollback` end it, also when they raise. Inserts, updates and
    deletes come in whole batches of one table, and a store writes each batch
    in as few statements as it can.
    """

    def begin(self) -> None: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...

    def parents_first(self, tables: Iterable[Table]) -> Sequence[Table]:
        """These tables, each behind those that its rows refer to."""

    def insert(self, table: Table, rows: Sequence[Row]) -> Sequence[Row]:
        """Insert, and return the rows as they are now: with the keys that were granted.

        Raises UniqueViolation.
        """

    def update(self, table: Table, rows: Sequence[tuple[Row, Row]]) -> None:
        """Write, of each pair of an old and a new row, the columns that differ.

        Raises StaleEntity when a row is not there any more, and UniqueViolation.
        """

    def delete(self, table: Table, rows: Sequence[Row]) -> None:
        """Delete. Raises StaleEntity when a row is not there any more."""


class UnitOfWork(AbstractUnitOfWork):
    """A unit of work that tracks the entities of its repositories and writes what changed.

    Its repositories are declared on its class; what it writes to is its store.
    An instance can be entered again after it was left, and starts clean.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._state = State.READY
        self._thread: int | None = None
        self._failure: BaseException | None = None
        self._tracker = Tracker()
        self.has_committed = False
        """Whether something was committed since it was entered: then it must not be run again."""

    # -- lifecycle -------------------------------------------------------

    def __enter__(self) -> Self:
        """Begin. Raises AlreadyEntered."""
        if self._state not in (State.READY, State.LEFT):
            self._refuse()
        self._tracker = Tracker()
        self._failure = None
        self.has_committed = False
        self._store.begin()
        self._thread = threading.get_ident()
        self._state = State.ACTIVE
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Discard what was not committed, and end."""
        self._require(State.ACTIVE, State.FAILED)
        self._state = State.LEFT
        try:
            self._store.rollback()
        except Exception as error:
            if exc is None:
                raise
            exc.add_note(f"Rolling back failed as well: {error!r}")
        finally:
            self._tracker.rolled_back()

    def commit(self) -> None:
        """Flush, and end the database transaction: when this returns, it is stored.

        Whatever the database has against it is raised here, not when the block
        is left. Work after a commit belongs to a new transaction. Raises
        TransactionFailed when something in the block went wrong and was
        swallowed.
        """
        self.flush()
        with self._failing():
            self._store.commit()
        self.has_committed = True
        self._tracker.committed()
        try:
            self._store.begin()
        except Exception as error:  # noqa: BLE001  # committed is committed: told to who goes on
            self._state = State.FAILED
            self._failure = error

    def rollback(self) -> None:
        """Go back to the last commit, or to the beginning: rows and entities."""
        self._require(State.ACTIVE, State.FAILED)
        self._state = State.FAILED  # until there is a transaction again
        self._store.rollback()
        self._tracker.rolled_back()
        self._store.begin()
        self._failure = None
        self._state = State.ACTIVE

    def flush(self) -> None:
        """Write what is pending, and end nothing.

        Keys are assigned and constraints speak, but no other connection sees
        anything. At most one statement per table and kind, split only where
        the database limits the parameters of one. Raises StaleEntity.
        """
        self._require(State.ACTIVE)
        changes = self._tracker.changes(writing=True)
        if not changes:
            return
        with self._failing():
            tables = self._store.parents_first(changes.tables())
            # Deletes free the unique values that inserts take; inserts grant the keys
            # that updates refer to.
            for table in reversed(tables):
                if rows := changes.deleted.get(table):
                    self._store.delete(table, rows)
            for table in tables:
                if inserted := changes.inserted.get(table):
                    stored = self._store.insert(table, [row for _, _, row in inserted])
                    filled = [
                        self._tracker.inserted(entry, rowid, sent, row)
                        for (entry, rowid, sent), row in zip(inserted, stored, strict=True)
                    ]
                    if any(filled):  # granted keys stand in the rows of others, too
                        changes = self._tracker.changes()
            for table, updated in changes.updated.items():
                self._store.update(table, updated)
            self._tracker.flushed(changes)

    def is_conflict(self, error: BaseException) -> bool:
        """Whether `error` says that somebody else was in the way, so that trying again may help."""
        return isinstance(error, ConflictError)

    # -- tracking --------------------------------------------------------

    @property
    def tracker(self) -> Tracker:
        """What this unit of work knows of its entities. For repositories."""
        self._require(State.ACTIVE)
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
        for cls in type(self).__mro__:
            for attribute in vars(cls).values():
                if isinstance(attribute, Repository) and isinstance(
                    entity, attribute.mapper.entity_type
                ):
                    return attribute
        raise WrongEntityType(
            f"No repository of {type(self).__name__} keeps {type(entity).__name__}: declare one."
        )

    # -- states ----------------------------------------------------------

    def _require(self, *allowed: State) -> None:
        if self._state not in allowed:
            self._refuse()
        if self._thread != threading.get_ident():
            raise WrongThread(
                "This unit of work was entered in another thread. Its database connection belongs "
                "to that thread: build one unit of work per thread."
            )

    def _refuse(self) -> None:
        error, way_out = _WAY_OUT[self._state]
        raise error(f"This unit of work {self._state.value}. {way_out}") from self._failure

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Remember a failure, so that nobody commits after having swallowed it."""
        try:
            yield
        except BaseException as error:
            self._state = State.FAILED
            self._failure = error
            raise
