"""What a unit of work tells of itself, on the logger `allocation.uow`.

At DEBUG level when it begins and flushes, at INFO when it commits or rolls
back: a project that configures nothing hears nothing. Every record carries, as
attributes, `uow` (its id), `correlation_id`, and, where they are known,
`seconds`, `inserted`, `updated`, `deleted` and `reason`.
"""

from __future__ import annotations

import logging
from collections import Counter
from contextvars import ContextVar
from itertools import count
from time import perf_counter
from typing import Final

logger: Final = logging.getLogger("allocation.uow")

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="-")
"""Set it where a request, a command or a message comes in: every record then carries it."""

_ids: Final = count(1)


class Journal:
    """The records of one unit of work, from its beginning to its end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._id = next(_ids)
        self._began = perf_counter()
        self.written: Counter[str] = Counter()
        """How many entities were inserted, updated and deleted in this transaction."""

    def begun(self) -> None:
        self._began = perf_counter()
        self._log(logging.DEBUG, "begun", {})

    def flushed(self, written: Counter[str]) -> None:
        self.written += written
        self._log(logging.DEBUG, "flushed", written)

    def committed(self) -> None:
        self._log(logging.INFO, "committed", self.written)
        self.written.clear()

    def rolled_back(self, reason: BaseException | str | None) -> None:
        if reason or self.written:
            self._log(logging.INFO, "rolled back", self.written, reason)
        else:
            self._log(logging.DEBUG, "left", self.written)
        self.written.clear()

    def _log(
        self,
        level: int,
        what: str,
        written: Counter[str] | dict[str, int],
        reason: BaseException | str | None = None,
    ) -> None:
        if not logger.isEnabledFor(level):
            return
        if isinstance(reason, BaseException):
            reason = f"{type(reason).__name__}: {reason}"
        seconds = perf_counter() - self._began
        counts = {kind: written.get(kind, 0) for kind in ("inserted", "updated", "deleted")}
        message = f"%s %d %s after %.3f s: {', '.join(f'{n} {kind}' for kind, n in counts.items())}"
        if reason:
            message += f", because of {reason.replace('%', '%%')}"
        extra = {
            "uow": self._id,
            "correlation_id": correlation_id.get(),
            "seconds": seconds,
            "reason": reason,
            **counts,
        }
        logger.log(level, message, self._name, self._id, what, seconds, extra=extra)
