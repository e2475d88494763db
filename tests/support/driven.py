"""An async unit of work, driven by plain code: the contract's tests are written but once.

Every call runs the event loop of its thread until it is answered. Hooks become
async ones; what they call is awaited on the event loop that waits for them.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self, TypeAlias

from allocation.uow import Repository
from allocation.uow.django.aio import AsyncUnitOfWork

Hook: TypeAlias = Callable[[], object]

_here = threading.local()

_home = ContextVar[asyncio.AbstractEventLoop | None]("home", default=None)
# Where a hook belongs.


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it on the event loop of this thread, or of the hook that this is called from."""
    if home := _home.get():
        return asyncio.run_coroutine_threadsafe(coroutine, home).result()
    if not hasattr(_here, "runner"):
        _here.runner = asyncio.Runner()
    return _here.runner.run(coroutine, context=contextvars.copy_context())


def close() -> None:
    """Close the event loop of this thread, if there is one."""
    if hasattr(_here, "runner"):
        _here.runner.close()
        del _here.runner


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


def _async(hook: Hook) -> Callable[[], Awaitable[object]]:
    async def run_hook() -> object:
        token = _home.set(asyncio.get_running_loop())
        try:
            return await asyncio.to_thread(hook)
        finally:
            _home.reset(token)

    return run_hook


class Driven:
    """What it has is what the async one has; the caller waits."""

    declared: Repository[Any]
    """The repository under test, as it is declared."""

    def __init__(self, uow: AsyncUnitOfWork[Any]) -> None:
        self._uow = uow

    def __enter__(self) -> Self:
        run(self._uow.__aenter__())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            run(self._uow.__aexit__(exc_type, exc, traceback))
        for warning in warned:  # from where our own block stands
            warnings.warn(warning.message, stacklevel=2)

    @contextmanager
    def savepoint(self) -> Iterator[Self]:
        block = self._uow.savepoint()
        run(_awaited(block.__aenter__()))
        try:
            yield self
        except BaseException as error:
            run(_awaited(block.__aexit__(type(error), error, error.__traceback__)))
            raise
        run(_awaited(block.__aexit__(None, None, None)))

    def repository(self, name: str) -> Any:
        return DrivenRepository(getattr(self._uow, name), type(self).declared)

    def before_commit(self, hook: Hook) -> None:
        run(self._uow.before_commit(_async(hook)))

    def after_commit(self, hook: Hook) -> None:
        run(self._uow.after_commit(_async(hook)))

    def on_rollback(self, hook: Hook) -> None:
        run(self._uow.on_rollback(_async(hook)))

    def is_conflict(self, error: BaseException) -> bool:
        return self._uow.is_conflict(error)

    @property
    def has_committed(self) -> bool:
        return self._uow.has_committed

    @property
    def new(self) -> Any:
        return run(_awaited(self._uow.new))

    @property
    def dirty(self) -> Any:
        return run(_awaited(self._uow.dirty))

    @property
    def removed(self) -> Any:
        return run(_awaited(self._uow.removed))

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._uow, name)
        return lambda *args: run(_awaited(method(*args)))


class DrivenRepository:
    """A repository of it."""

    def __init__(self, repository: Any, declared: Repository[Any]) -> None:
        self._repository = repository
        self.mapper = declared.mapper

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._repository, name)
        return lambda *args: run(method(*args))
