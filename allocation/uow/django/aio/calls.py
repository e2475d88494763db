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
import threading
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from typing import Any, Final, ParamSpec, TypeVar, cast

from asgiref.sync import async_to_sync, sync_to_async
from django.db import Error

from allocation.uow.django.aio.lease import Lease
from allocation.uow.django.aio.worker import Call, Worker, settle

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class _Hook:
    """An async hook, for which the thread of its unit of work waits."""

    lease: Lease
    running: bool = True


_hook: Final = contextvars.ContextVar[_Hook | None]("hook", default=None)


async def on_thread(lease: Lease, function: Callable[[], Any], *, to_the_end: bool = False) -> Any:
    """Call `function` on the thread of `lease`, in the context of this task; what it answers.

    What cleans up goes `to_the_end` and is never interrupted. A cancellation is
    raised when all is over (see Note [To the end]), with a note if there was a
    commit, and with the error of `function`, if there was one, as its cause.
    """
    call = Call(function, to_the_end=to_the_end)
    lease.add(call)
    try:
        transport = _transport(lease, call)
        if cancelled := await _around(transport):
            await _end(lease, call, transport, cancelled)
            if call.committed:
                cancelled.add_note("The unit of work has committed.")
            raise cancelled from _error(call.outcome)
    finally:
        lease.discard(call)
    if call.dropped:
        raise lease.refusal or asyncio.CancelledError
    error = call.outcome.exception()
    if call.interrupted and lease.refusal and isinstance(error, Error):
        raise lease.refusal from error  # which is but how the database tells of the interrupt
    return call.outcome.result()


async def _transport(lease: Lease, call: Call) -> None:
    """Have `call` called on the thread, and know that it is over."""
    # By asgiref's own means: it carries what Django keeps per task, such as the
    # language, and lets `async_to_sync` on the thread find its way back here.
    hook = _hook.get()
    if hook and hook.lease is lease and hook.running:  # the thread serves such calls meanwhile
        await sync_to_async(partial(settle, call.outcome, call), thread_sensitive=True)()
    else:
        _thread_of_the_lease.next = lease, call
        await _on_thread(call)


class _ThreadOfTheLease(Executor, threading.local):
    """Does a call of `_on_thread` for the lease that was named just before."""

    next: tuple[Lease, Call]

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        lease, call = self.next
        del self.next
        over = lease.loop.create_future()
        _tell(call.outcome, lease.loop, over)
        lease.settle(call.outcome, partial(fn, *args, **kwargs))
        # asyncio takes its own kind of future for what it makes of any other.
        return cast("Future[T]", over)


def _do(call: Call) -> Any:
    return call()


_thread_of_the_lease: Final = _ThreadOfTheLease()
# Made once: to make one takes as long as to use it. Any executor will do, whatever
# asgiref declares.
_on_thread: Final = sync_to_async(
    _do, thread_sensitive=False, executor=cast("Any", _thread_of_the_lease)
)


@types.coroutine
def _around(
    transport: Coroutine[Any, Any, None],
) -> Generator[Any, Any, asyncio.CancelledError | None]:
    """Go through `transport`, but for a cancellation, which is returned: then it still waits."""
    with suppress(StopIteration):
        while True:
            awaited = transport.send(None)
            try:
                yield awaited
            except asyncio.CancelledError as cancelled:
                return cancelled
    return None


@types.coroutine
def _cancel(
    transport: Coroutine[Any, Any, None], cancelled: asyncio.CancelledError
) -> Generator[Any, Any, None]:
    """Go through the rest of `transport`, with the cancellation that it was spared before."""
    go_on = partial(transport.throw, cancelled)
    with suppress(StopIteration, asyncio.CancelledError):
        while True:
            awaited = go_on()
            try:
                yield awaited
                go_on = partial(transport.send, None)
            except asyncio.CancelledError as again:
                go_on = partial(transport.throw, again)


async def _end(
    lease: Lease,
    call: Call,
    transport: Coroutine[Any, Any, None],
    cancelled: asyncio.CancelledError,
) -> None:
    """Bring `call` to its end, soon if that may be, and wait for it."""
    if call.cancel():
        helper = Worker("uow-interrupt")
        interrupted = helper.submit(lease.interrupt, call)
        helper.stop()
        await _over(interrupted)
    else:
        await _over(call.outcome)
    await _cancel(transport, cancelled)  # and an async hook for which the thread waits
    await _over(call.outcome)


async def _over(future: Future[Any]) -> None:
    """Wait until `future` is done, however often this is cancelled."""
    loop = asyncio.get_running_loop()
    while not future.done():
        over = loop.create_future()
        _tell(future, loop, over)
        with suppress(asyncio.CancelledError):  # the first one is raised in the end
            await over


def _tell(future: Future[Any], loop: asyncio.AbstractEventLoop, over: asyncio.Future[None]) -> None:
    """Let `over` be done when `future` is, unless nobody waits any more."""

    def set_result() -> None:
        if not over.done():
            over.set_result(None)

    def tell(_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(set_result)

    future.add_done_callback(tell)


def _error(outcome: Future[Any]) -> Exception | None:
    """What a call has raised, to be told by a cancellation. An interrupt tells itself."""
    error = None if outcome.cancelled() else outcome.exception()
    if error is None or isinstance(error, asyncio.CancelledError):
        return None
    if not isinstance(error, Exception):
        raise error
    return error


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
