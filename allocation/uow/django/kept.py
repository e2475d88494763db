"""What is made once for each connection."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")

_NAME: Final = "_uow_kept"
_MOST: Final = 1000
"""Questions that are made up as the program runs must not fill its memory."""


def kept(connection: BaseDatabaseWrapper, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gave for this key on this connection; it is called when there is nothing yet.

    Whatever makes SQL different (backend, database, settings, the version of
    the server) is another connection, and none is shared between threads.
    """
    found: dict[Hashable, T] = vars(connection).setdefault(_NAME, {})
    try:
        return found[key]
    except KeyError:
        if len(found) >= _MOST:
            found.clear()
        made = found[key] = make()
        return made
