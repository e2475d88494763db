"""What the bulk use cases tell when they are done, in numbers and in the words for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from allocation.domain.stock import Placement


class Count(NamedTuple):
    """A number and what it counts. A `part` is contained in the last one that is none."""

    label: str
    number: int
    part: bool = False


@dataclass
class ImportReport:
    """What became of the rows of a file of batches: `read` is the sum of the next three.

    `conflicts` are those of the rejected whose reference is known with other data.
    """

    nothing_new: ClassVar = "there is no new batch."

    read: int = 0
    added: int = 0
    unchanged: int = 0
    rejected: int = 0
    conflicts: int = 0
    seconds: float = 0.0

    @property
    def changed(self) -> bool:
        return self.added > 0

    def counts(self) -> list[Count]:
        return [
            Count("rows read", self.read),
            Count("added", self.added),
            Count("unchanged", self.unchanged),
            Count("rejected", self.rejected),
            Count("known with other data", self.conflicts, part=True),
        ]


@dataclass
class AllocationReport:
    """What became of the rows of a file of orders.

    Each row `read` was `merged` into the line of an earlier one, `rejected`, or
    is the first of a line: one of the `lines`. Each line was `allocated`,
    `already_allocated`, `backordered`, or is `still_waiting`. Of those last two,
    `unknown_sku` are of a SKU without any batch. `conflicts` are lines known
    with another quantity: their rows count as rejected, and they are none of
    the `lines`.
    """

    nothing_new: ClassVar = "there is no new line, and none that waited has a batch."

    read: int = 0
    merged: int = 0
    rejected: int = 0
    conflicts: int = 0
    lines: int = 0
    allocated: int = 0
    already_allocated: int = 0
    backordered: int = 0
    still_waiting: int = 0
    unknown_sku: int = 0
    seconds: float = 0.0

    @property
    def changed(self) -> bool:
        return self.allocated + self.backordered > 0

    @property
    def lines_per_second(self) -> float:
        return self.lines / self.seconds if self.seconds else 0.0

    def counts(self) -> list[Count]:
        return [
            Count("rows read", self.read),
            Count("merged with an earlier row", self.merged),
            Count("rejected", self.rejected),
            Count("known with another quantity", self.conflicts, part=True),
            Count("lines", self.lines),
            Count("allocated", self.allocated, part=True),
            Count("already allocated", self.already_allocated, part=True),
            Count("backordered", self.backordered, part=True),
            Count("still waiting", self.still_waiting, part=True),
            Count("waiting, of an unknown SKU", self.unknown_sku, part=True),
        ]


@dataclass
class RetryReport:
    """What became of the backorders that were tried again."""

    tried: int = 0
    allocated: list[Placement] = field(default_factory=list)

    @property
    def still_waiting(self) -> int:
        return self.tried - len(self.allocated)
