"""The roots of the kernel's errors; each error itself lives beside the code that raises it."""

from __future__ import annotations


class UnitOfWorkError(Exception):
    """Anything that the kernel itself has to say. The database's own errors pass through."""


class MisuseError(UnitOfWorkError):
    """The calling code is wrong: fix it, do not catch this."""


class ConflictError(UnitOfWorkError):
    """Somebody else changed the same rows meanwhile. Run the use case again, from the top."""
