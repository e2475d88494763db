"""The async face of a unit of work, which it drives on a thread."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, TypeVarTuple, cast

from django.db import DEFAULT_DB_ALIAS

from allocation.uow.django.aio.calls import for_thread, on_thread
from allocation.uow.django.aio.lease import PoolClosed
from allocation.uow.django.aio.lent import GuardedStore, Lent
from allocation.uow.django.aio.pool import Pool, default_pool
from allocation.uow.participants import Participant
from allocation.uow.states import WrongThread
from allocation.uow.unit_of_work import DiscardedChangesWarning, UnitOfWork

if TYPE_CHECKING:
    from types import TracebackType

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
U = TypeVar("U", bound=UnitOfWork)


class AsyncUnitOfWork(Generic[U]):
    """A unit of work for async code: `async with`, and an `await` before whatever it does.

    It drives the one that `factory` builds, on a thread that belongs to it for
    the whole block, with a database connection of its own. So nobody else's work
    gets into its transaction, however many tasks there are. The thread comes
    from `pool`, by default the one of its database.

    Everything that a unit of work has, its repositories and methods of your own
    too, is here under the same name, to be awaited: `await uow.orders.get(1)`,
    `await uow.new`.

    A task that is cancelled rolls back, and gives the connection back, before
    the cancellation goes on. A commit that has begun is awaited to its end;
    then `has_committed` tells of it.
    """

    def __init__(self, factory: Callable[[], U], *, pool: Pool | None = None) -> None:
        self._uow = factory()
        self._uow.store = cast("Any", GuardedStore(self._uow.store))
        self._given_pool = pool
        self._block: _Block | None = None

    # -- lifecycle -------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Wait for a connection, and begin. Raises PoolTimeout and AlreadyEntered."""
        if self._block is not None:
            self._uow.refuse()
        block = _Block(self._uow, self._pool)
        try:
            await on_thread(block.lease, block.enter)
        except BaseException:
            block.lease.give_back()
            raise
        self._block = block
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Discard what was not committed, and give the connection back.

        Warns and raises as the exit of a unit of work does.
        """
        if isinstance(exc, GeneratorExit) and self._block is not None:
            # A coroutine that nobody continues is closed by this, and cannot wait any more.
            self._give_back(self._block)
            return
        block, told = self._entered(), None
        try:
            told = await on_thread(block.lease, partial(block.leave, exc), to_the_end=True)
        except PoolClosed:
            if exc is None:
                raise
        finally:
            self._give_back(block)
        if told:
            warnings.warn(told, DiscardedChangesWarning, stacklevel=2)

    def _give_back(self, block: _Block) -> None:
        self._block = None
        block.lease.give_back()

    async def commit(self) -> None:
        """Store everything, as `UnitOfWork.commit` does: when this returns, it is stored.

        Cancelled before the database commits, it does not; cancelled later, it
        waits until that is done and the hooks have run.
        """
        await self._do(self._uow.commit)

    async def rollback(self) -> None:
        """Go back to the last commit, or to the beginning."""
        await self._do(self._uow.rollback, to_the_end=True)

    async def flush(self) -> None:
        """Write what is pending, and end nothing."""
        await self._do(self._uow.flush)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[Self]:
        """Undo the block alone when an error leaves it, a cancellation or a timeout included."""
        savepoint = self._uow.savepoint()
        try:
            await self._do(savepoint.__enter__)
            yield self
        except GeneratorExit:  # nothing can be awaited any more, and all will be undone
            raise
        except BaseException as error:
            undo = partial(savepoint.__exit__, type(error), error, error.__traceback__)
            await self._do(undo, to_the_end=True)
            raise
        await self._do(partial(savepoint.__exit__, None, None, None))

    async def run(self, use_case: Callable[[*Ts, U], T], *args: *Ts) -> T:
        """Call a plain function with `args` and the unit of work, on the thread; what it answers.

        A function that opens the block itself is called as it is, `await
        uow.run(services.allocate, "o1", "LAMP", 3)`, without `async with`.
        Inside of one its block is a part of this one: its commit stores what was
        pending before, and leaving it without commit discards that, too.
        """
        block = self._block
        if block is not None:
            lent = cast("U", Lent(self._uow))
            found: T = await self._do(partial(use_case, *args, lent))
            return found
        block = _Block(self._uow, self._pool)
        try:
            found = await on_thread(block.lease, partial(block.run, use_case, *args))
        finally:
            block.lease.give_back()
        return found

    # -- around the transaction ------------------------------------------

    async def before_commit(self, hook: Callable[[], object]) -> None:
        """Have `hook`, which may be async, run at the next commit, before the flush."""
        for_thread = self._for_thread(hook, until_cancelled=True)
        await self._do(partial(self._uow.before_commit, for_thread))

    async def after_commit(self, hook: Callable[[], object]) -> None:
        """Have `hook`, which may be async, run once the data is safe."""
        await self._do(partial(self._uow.after_commit, self._for_thread(hook)))

    async def on_rollback(self, hook: Callable[[], object]) -> None:
        """Have `hook`, which may be async, run when what is not committed is discarded."""
        await self._do(partial(self._uow.on_rollback, self._for_thread(hook)))

    async def enlist(self, participant: Participant) -> None:
        """Let something outside the database take part. Its methods are called on the thread."""
        await self._do(partial(self._uow.enlist, participant))

    def is_conflict(self, error: BaseException) -> bool:
        """Whether `error` says that somebody else was in the way, so that trying again may help."""
        return self._uow.is_conflict(error)

    @property
    def has_committed(self) -> bool:
        """Whether it has ever committed something: then it must not be run again."""
        return self._uow.has_committed

    # -- all the rest ----------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
        inspect.getattr_static(self._uow, name)  # who mistypes is told at once
        return _There(self, name)

    @property
    def _pool(self) -> Pool:
        return self._given_pool or default_pool(getattr(self._uow, "using", DEFAULT_DB_ALIAS))

    def _entered(self) -> _Block:
        block = self._block
        if block is None:
            self._uow.refuse()
        if block.lease.loop is not asyncio.get_running_loop():
            raise WrongThread(
                "This unit of work was entered in another event loop. Build one for each."
            )
        return block

    async def _do(self, function: Callable[[], Any], *, to_the_end: bool = False) -> Any:
        return await on_thread(self._entered().lease, function, to_the_end=to_the_end)

    def _for_thread(
        self, hook: Callable[[], object], *, until_cancelled: bool = False
    ) -> Callable[[], object]:
        return for_thread(hook, self._entered().lease, until_cancelled=until_cancelled)


class _Block:
    """What happens on the thread between taking it and giving it back."""

    def __init__(self, uow: UnitOfWork, pool: Pool) -> None:
        self._uow = uow
        self._entered = False
        self.lease = pool.lease(self._abandon)

    def enter(self) -> None:
        self._uow.__enter__()
        self._entered = True

    def leave(self, error: BaseException | None) -> str | None:
        self._entered = False
        try:
            return self._uow.leave(error)
        finally:
            self.lease.give_back()

    def run(self, use_case: Callable[..., T], *args: Any) -> T:
        """Call what enters and leaves it itself."""
        try:
            return use_case(*args, self._uow)
        finally:
            self.lease.give_back()

    def _abandon(self) -> None:
        """Leave it if nobody has."""
        if self._entered:
            self._entered = False
            self._uow.leave(asyncio.CancelledError("nobody waits for it any more"))


class _There:
    """Something that the unit of work on the thread has, by its path: `orders.get`.

    Awaited, it is that; called and awaited, it is what that answers.
    """

    def __init__(self, uow: AsyncUnitOfWork[Any], path: str) -> None:
        self._uow = uow
        self._path = path

    def __getattr__(self, name: str) -> _There:
        if name.startswith("_"):
            raise AttributeError(f"{self._path}.{name} is private.")
        return _There(self._uow, f"{self._path}.{name}")

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return await self._do(lambda there: there(*args, **kwargs))

    def __await__(self) -> Generator[Any, None, Any]:
        return self._do(lambda there: there).__await__()

    async def _do(self, use: Callable[[Any], Any]) -> Any:
        uow = self._uow._uow  # noqa: SLF001  # its own face
        return await self._uow._do(lambda: use(attrgetter(self._path)(uow)))  # noqa: SLF001  # as above
