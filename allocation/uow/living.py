"""Objects that are known for as long as they live."""

from __future__ import annotations

import weakref
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_FEW: Final = 1000


class Living(Generic[T]):
    """A set by identity, which keeps nothing alive: what is equal need not be the same.

    Weak references without a callback take a fraction of the time of those that a
    WeakValueDictionary makes. So the dead are swept out when there are twice as
    many as lived the last time. Threads share it: what one of them adds while
    another one sweeps stays.
    """

    def __init__(self) -> None:
        self._by_id: dict[int, weakref.ref[T]] = {}
        self._most = _FEW

    def __contains__(self, item: object) -> bool:
        known = self._by_id.get(id(item))
        return known is not None and known() is item

    def add(self, item: T) -> None:
        """Know `item`, unless its class has no room for weak references."""
        try:
            self._by_id[id(item)] = weakref.ref(item)
        except TypeError:
            return
        if len(self._by_id) > self._most:
            self._sweep()

    def discard(self, item: T) -> None:
        self._by_id.pop(id(item), None)

    def _sweep(self) -> None:
        for key, known in list(self._by_id.items()):
            if known() is None and self._by_id.get(key) is known:
                self._by_id.pop(key, None)
        self._most = max(_FEW, 2 * len(self._by_id))
