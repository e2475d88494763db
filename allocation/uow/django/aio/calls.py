"""From a task to a thread and back, and what a cancelled task has to wait for.

Note [To the end]
~~~~~~~~~~~~~~~~~
Cancelling a task does not stop a thread. So who is cancelled while a thread works
for it waits until that is over, and only then lets the cancellation go on: or
else the thread would use the connection while somebody else rolls it back, or
would commit behind the back of a caller that was told "cancelled". For this not
to take long, what has not begun to commit never will, and the statement that runs
is stopped by the database. A commit that has begun is left alone.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Final, ParamSpec, TypeVar, cast

from asgiref.sync import async_to_sync, sync_to_async
from django.db import Error

from allocation.uow.django.aio.lease import Lease
from allocation.uow.django.aio.worker import Call, Worker

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class _Hook:
    """An async hook, for which the thread of its unit of work waits."""

    lease: Lease
    running: bool = True


_hook: Final = contextvars.ContextVar[_Hook | None]("hook", default=None)

_MISSING: Final = object()


async def on_thread(lease: Lease, function: Callable[[], Any], *, to_the_end: bool = False) -> Any:
    """Call `function` on the thread of `lease`, in the context of this task; what it answers.

    What cleans up goes `to_the_end` and is never interrupted. A cancellation is
    raised when all is over (see Note [To the end]), with a note if there was a
    commit, and with the error of `function`, if there was one, as its cause.
    """
    call = Call(function, to_the_end=to_the_end)
    lease.add(call)
    try:
        context, loop = contextvars.copy_context(), asyncio.get_running_loop()
        task, over = (
            loop.create_task(_transport(lease, call), context=context),
            loop.create_future(),
        )

        def finish(_: object) -> None:
            call.outcome.cancel()  # if it has not begun, it never will
            if not over.done():
                over.set_result(None)

        task.add_done_callback(finish)
        try:
            await over
            if not call.outcome.done():  # somebody cancels all tasks
                await _end(lease, call, task)
        except asyncio.CancelledError as cancelled:
            await _end(lease, call, task)
            raise _telling(cancelled, call.committed) from _error(call.outcome)
        _take_over(context)
    finally:
        lease.discard(call)
    if call.dropped:
        broken = None if task.cancelled() else task.exception()
        raise broken or lease.refusal or asyncio.CancelledError
    error = call.outcome.exception()
    if call.interrupted and lease.refusal and isinstance(error, Error):
        raise lease.refusal from error  # which is but how the database tells of the interrupt
    return call.outcome.result()


async def _transport(lease: Lease, call: Call) -> None:
    """Have `call` called on the thread, and know that."""
    # By asgiref's own means: it carries what Django keeps per task, such as the
    # language, and lets `async_to_sync` on the thread find its way back here.
    hook = _hook.get()
    if hook and hook.lease is lease and hook.running:  # the thread serves such calls meanwhile
        await sync_to_async(call, thread_sensitive=True)()
    else:
        _lease.set(lease)
        await _on_thread(call)


_lease: Final = contextvars.ContextVar[Lease]("lease")


class _ThreadOfTheLease(Executor):
    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return _lease.get().submit(fn, *args, **kwargs)


def _do(call: Call) -> None:
    call()


# Made once: to make one takes as long as to use it. Any executor will do, whatever
# asgiref declares.
_on_thread: Final = sync_to_async(
    _do, thread_sensitive=False, executor=cast("Any", _ThreadOfTheLease())
)


async def _end(lease: Lease, call: Call, task: asyncio.Task[None]) -> None:
    """Bring `call` to its end, soon if that may be, and wait for it."""
    if call.cancel():
        task.cancel()  # and with it an async hook that the thread waits for
        helper = Worker("uow-interrupt")
        interrupted = helper.submit(lease.interrupt, call)
        helper.stop()
        await _over(interrupted)
    await _over(call.outcome)


async def _over(future: Future[Any]) -> None:
    """Wait until `future` is done, however often this is cancelled."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: Future[Any]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(over.set)

    future.add_done_callback(tell)
    while not over.is_set():
        with suppress(asyncio.CancelledError):  # the first one is raised in the end
            await over.wait()


def _error(outcome: Future[Any]) -> Exception | None:
    """What a call has raised, to be told by a cancellation. An interrupt tells itself."""
    error = None if outcome.cancelled() else outcome.exception()
    if error is None or isinstance(error, asyncio.CancelledError):
        return None
    if not isinstance(error, Exception):
        raise error
    return error


def _telling(
    cancelled: asyncio.CancelledError,
    committed: bool,  # noqa: FBT001
) -> asyncio.CancelledError:
    if committed:
        cancelled.add_note("The unit of work has committed.")
    return cancelled


def _take_over(context: contextvars.Context) -> None:
    """Set here what was set there."""
    for variable, value in context.items():
        if variable is not _lease and variable.get(_MISSING) is not value:
            variable.set(value)


def for_thread(hook: Callable[[], object], lease: Lease) -> Callable[[], object]:
    """`hook`, to be called on the thread: what it wants to be awaited is, on the event loop."""

    def run() -> object:
        result = hook()
        if not isawaitable(result):
            return result
        running = _Hook(lease)
        token = _hook.set(running)
        try:
            return async_to_sync(_wait_for)(result)
        finally:
            running.running = False
            _hook.reset(token)

    return run


async def _wait_for(awaitable: Awaitable[object]) -> object:
    return await awaitable
