"""Threads that do one thing after the other, and what is to be done there."""

from __future__ import annotations

import threading
from asyncio import CancelledError, get_running_loop
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Note [Collected anywhere]
# ~~~~~~~~~~~~~~~~~~~~~~~~~
# When an event loop is closed half way, the garbage collector ends the coroutines
# that it left behind: in any thread, and between any two steps of it. So what may
# be called from there never waits: it appends to a SimpleQueue, which is made for
# that, and takes only locks that are re-entrant, held for a step or two, and by
# nobody who waits for anything meanwhile.


class Worker(Executor):
    """A thread of its own, until it is stopped.

    It is a daemon, because the interpreter waits for other threads before it
    lets anybody stop them: see `close_pools`.
    """

    def __init__(self, name: str) -> None:
        self._lock = threading.RLock()
        self._stopping = False
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have `fn` called on the thread; the future is cancelled where it has been stopped."""
        future: Future[T] = Future()
        self.do(future, partial(fn, *args, **kwargs))
        return future

    def do(self, future: Future[T], function: Callable[[], T]) -> None:
        """Have `function` called on the thread, and `future` told of it: see `settle`."""
        with self._lock:
            if self._stopping:
                future.cancel()
            else:
                self._work.put(partial(settle, future, function))

    def post(self, work: Callable[[], None]) -> None:
        """Have `work`, which raises nothing, called on the thread, if that has not been stopped."""
        with self._lock:
            if not self._stopping:
                self._work.put(work)

    def stop(self) -> None:
        """Let the thread end when it has done what it was given before."""
        with self._lock:
            self._stopping = True
            self._work.put(None)

    def join(self, timeout: float | None) -> None:
        self._thread.join(timeout)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # it must not live on while the thread waits


def settle(future: Future[T], function: Callable[[], T]) -> None:
    """Call `function`, unless `future` was cancelled before, and tell the future of it."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001  # it is for who waits, not for the thread
        future.set_exception(error)
    else:
        future.set_result(result)


class Call:
    """Something to be done on a thread, for a task that can be cancelled meanwhile."""

    _here = threading.local()

    @classmethod
    def current(cls) -> Call:
        """The one that is being done on this thread."""
        call: Call = cls._here.call
        return call

    def __init__(self, function: Callable[[], Any], *, to_the_end: bool = False) -> None:
        self.outcome: Future[Any] = Future()
        """What became of it, as soon as it is over: whoever waits for that, or does not."""
        self.committed = False
        """Whether it has committed."""
        self.interrupted = False
        """Whether the statement that ran was stopped."""
        self.cancelled = False
        """Whether it was kept from committing when it had begun."""
        self._function = function
        self._to_the_end = to_the_end
        self._loop = get_running_loop()
        self._lock = threading.RLock()
        self._interrupting = threading.Lock()
        self._running = True
        self._committing = False

    def __call__(self) -> Any:
        """Do it, on the thread; `outcome` is for who has it called to settle."""
        outer, self._here.call = getattr(self._here, "call", None), self
        try:
            return self._function()
        finally:
            with self._interrupting:
                self._running = False
            self._here.call = outer

    def interrupt(self, stop: Callable[[], object]) -> None:
        """Call `stop`, from another thread, if this runs; what comes next on the thread waits."""
        with self._interrupting:
            if self._running:
                self.interrupted = True
                stop()

    def cancel(self) -> bool:
        """Let it not begin, or not commit any more; tells whether it may be interrupted.

        It may not while it commits, nor where it is there to clean up.
        """
        with self._lock:
            if self._to_the_end or self.outcome.cancel():
                return False
            self.cancelled = True
            return not self._committing

    @property
    def dropped(self) -> bool:
        """Whether, now that it is over, it was kept from beginning or from committing."""
        return self.outcome.cancelled() or isinstance(self.outcome.exception(), CancelledError)

    def begin_commit(self) -> None:
        """From here on it is too late to cancel.

        Raises CancelledError where that was done, or nobody waits any more.
        """
        with self._lock:
            if self.cancelled or self._loop.is_closed():
                raise CancelledError
            self._committing = True

    def end_commit(self) -> None:
        """The commit is over, and so are the hooks that follow it."""
        self._committing = False
