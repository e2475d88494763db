"""From a task to a thread and back, and what a cancelled task has to wait for.

Note [To the end]
~~~~~~~~~~~~~~~~~
Cancelling a task does not stop a thread. So who is cancelled while a thread works
for it waits until that is over, and only then lets the cancellation go on: or
else the thread would use the connection while somebody else rolls it back, or
would commit behind the back of a caller that was told "cancelled". For this not
to take long, what has not begun to commit never will, and the statement that runs
is stopped by the database. A commit that has begun is left alone.

Where the thread waits for a coroutine (an async hook before the commit, or what a
plain function gave to `async_to_sync`), that is cancelled, too. Of what was set in
context variables nothing comes back to who was cancelled.
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

from asgiref.sync import SyncToAsync, async_to_sync
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
    transport = _transport(lease, call)
    try:
        if cancelled := await _until_cancelled(transport):
            await _end(lease, call, transport, cancelled)
            if call.committed:
                cancelled.add_note("The unit of work has committed.")
            raise cancelled from _error(call.outcome)
    except GeneratorExit:  # closed by somebody: nothing can be awaited, and nobody will be told
        call.cancel()
        contextvars.copy_context().run(transport.close)
        raise
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
        await _OnThread(partial(settle, call.outcome, call), thread_sensitive=True)()
    else:
        # It is submitted at once: nothing else runs in this thread before.
        _thread_of_the_lease.wanted = lease, call
        await _on_thread(call)


class _OnThread(SyncToAsync[P, T]):
    """Asgiref's, but that it does not handle there the exception that is being handled here.

    For that it raises it anew, and its traceback grows each time.
    """

    def thread_handler(self, loop: Any, _exc_info: Any, *args: Any) -> Any:
        handle: Callable[..., Any] = super().thread_handler
        return handle(loop, (None, None, None), *args)


class _ThreadOfTheLease(Executor, threading.local):
    """Has a call of `_on_thread` done for the lease that was named just before."""

    wanted: tuple[Lease, Call]

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        lease, call = self.wanted
        del self.wanted
        loop, over = lease.loop, lease.loop.create_future()

        def set_result() -> None:
            if not over.done():
                over.set_result(None)

        def tell(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(set_result)

        call.outcome.add_done_callback(tell)
        lease.do(call.outcome, partial(fn, *args, **kwargs))
        # `loop.run_in_executor` passes a future of asyncio's own on as it is.
        return cast("Future[T]", over)


def _do(call: Call) -> Any:
    return call()


_thread_of_the_lease: Final = _ThreadOfTheLease()
# Made once: to make one takes as long as to use it. Any executor will do, whatever
# asgiref declares.
_on_thread: Final = _OnThread(
    _do, thread_sensitive=False, executor=cast("Any", _thread_of_the_lease)
)


@types.coroutine
def _until_cancelled(
    transport: Coroutine[Any, Any, None],
) -> Generator[Any, Any, asyncio.CancelledError | None]:
    """Await `transport`; a cancellation is kept from it, and returned: then it waits as before."""
    with suppress(StopIteration):
        while True:
            future = transport.send(None)
            try:
                yield future  # the task sends None when it is done, or throws
            except asyncio.CancelledError as cancelled:
                return cancelled
    return None


@types.coroutine
def _throw_into(
    transport: Coroutine[Any, Any, None], cancelled: asyncio.CancelledError
) -> Generator[Any, Any, None]:
    """Await what is left of `transport`, with the cancellation that was kept from it."""
    # Asgiref need not wait for the thread now, where variables may be set for a while.
    apart = contextvars.copy_context().run
    go_on: Callable[[], Any] = partial(apart, transport.throw, cancelled)
    with suppress(StopIteration, asyncio.CancelledError):
        while True:
            future = go_on()
            try:
                yield future
                go_on = partial(apart, transport.send, None)
            except asyncio.CancelledError as again:
                go_on = partial(apart, transport.throw, again)


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
    await _throw_into(transport, cancelled)
    await _over(call.outcome)


async def _over(future: Future[Any]) -> None:
    """Wait until `future` is done, however often this is cancelled."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(over.set)

    future.add_done_callback(tell)  # once: some cancel again and again
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


def for_thread(
    hook: Callable[[], object], lease: Lease, *, until_cancelled: bool = False
) -> Callable[[], object]:
    """`hook`, to be called on the thread: what it wants to be awaited is, on the event loop.

    With `until_cancelled` it is cancelled with the call in which it runs.
    """

    def run() -> object:
        result = hook()
        if not isawaitable(result):
            return result
        running = _Hook(lease)
        token = _hook.set(running)
        # Where asgiref finds whom to cancel. A hook that uses the unit of work replaces it;
        # there is none where Django's TestCase runs hooks, without a thread of ours.
        asgiref = SyncToAsync.threadlocal
        tasks = getattr(asgiref, "task_context", None)
        asgiref.task_context = tasks if until_cancelled else None
        try:
            call = Call.current() if until_cancelled else None
            return async_to_sync(_wait_for)(result, call)
        finally:
            running.running = False
            asgiref.task_context = tasks
            _hook.reset(token)

    return run


async def _wait_for(awaitable: Awaitable[object], call: Call | None) -> object:
    if call is not None and call.cancelled:
        if isinstance(awaitable, Coroutine):
            awaitable.close()
        raise asyncio.CancelledError
    return await awaitable
