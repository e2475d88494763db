"""What the rules look at to place lines: the batches of their SKUs, and who is waiting."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from allocation.domain import model
from allocation.domain.model import (
    AllocationError,
    Batch,
    LineConflict,
    LineKey,
    OrderLine,
    OutOfStock,
)


class UnknownLine(AllocationError):
    """Nobody has heard of this line. Carries `orderid` and `sku`."""

    def __init__(self, orderid: str, sku: str) -> None:
        self.orderid = orderid
        self.sku = sku
        super().__init__(f"Order {orderid} has no line for sku {sku}.")


class NotAllocated(AllocationError):
    """A line is a backorder already. Carries `orderid` and `sku`."""

    def __init__(self, orderid: str, sku: str) -> None:
        self.orderid = orderid
        self.sku = sku
        super().__init__(
            f"The line of order {orderid} for sku {sku} is not allocated: it is a backorder."
        )


class Backlog:
    """The backorders: lines that no batch could serve, waiting for stock.

    One that comes from a store knows the lines that the store was asked for.
    """

    def __init__(self, lines: Iterable[OrderLine] = ()) -> None:
        self._lines = {line.key: line for line in lines}

    def __iter__(self) -> Iterator[OrderLine]:
        return iter(self._lines.values())

    def line(self, key: LineKey) -> OrderLine | None:
        return self._lines.get(key)

    def add(self, line: OrderLine) -> None:
        self._lines[line.key] = line

    def discard(self, line: OrderLine) -> None:
        self._lines.pop(line.key, None)


class Outcome(enum.Enum):
    """What became of a line."""

    ALLOCATED = "allocated"
    ALREADY_ALLOCATED = "already allocated"
    BACKORDERED = "backordered"
    ALREADY_BACKORDERED = "already backordered"
    CONFLICT = "known with another quantity"


@dataclass(frozen=True)
class Placement:
    """Where a line went. `reference` is None for a backorder; `reason` tells of a conflict."""

    line: OrderLine
    outcome: Outcome
    reference: str | None = None
    unknown_sku: bool = False
    reason: str = ""


class Stock:
    """All batches of some SKUs, and the backorders among some lines: enough to place those lines.

    What it decides it does to the batches and the backlog themselves.
    """

    def __init__(self, batches: Iterable[Batch], backlog: Backlog) -> None:
        self.backlog = backlog
        self._batches: dict[str, list[Batch]] = defaultdict(list)
        for batch in sorted(batches, key=attrgetter("preference")):
            self._batches[batch.sku].append(batch)

    def batches(self, sku: str) -> list[Batch]:
        """The batches of `sku`, in the order in which they are used."""
        return self._batches.get(sku, [])

    def batch(self, reference: str) -> Batch | None:
        return next(
            (b for batches in self._batches.values() for b in batches if b.reference == reference),
            None,
        )

    def holder(self, key: LineKey) -> Batch | None:
        """The batch that holds the line with this key."""
        return next((b for b in self.batches(key[1]) if b.line(key) is not None), None)

    def allocate(self, line: OrderLine) -> str:
        """Give the line to the batch that the rules choose; returns its reference.

        It is a backorder no more. Raises LineConflict and OutOfStock.
        """
        waiting = self.backlog.line(line.key)
        if waiting is not None and waiting != line:
            raise LineConflict(waiting, line)
        reference = model.allocate(line, self.batches(line.sku))
        self.backlog.discard(line)
        return reference

    def place(self, line: OrderLine) -> Placement:
        """Allocate the line, or let it wait: unlike `allocate`, it raises nothing."""
        held = self.holder(line.key) is not None
        waited = self.backlog.line(line.key) is not None
        unknown = not self.batches(line.sku)
        try:
            reference = self.allocate(line)
        except LineConflict as conflict:
            return Placement(line, Outcome.CONFLICT, reason=str(conflict))
        except OutOfStock:
            self.backlog.add(line)
            outcome = Outcome.ALREADY_BACKORDERED if waited else Outcome.BACKORDERED
            return Placement(line, outcome, unknown_sku=unknown)
        return Placement(line, Outcome.ALREADY_ALLOCATED if held else Outcome.ALLOCATED, reference)

    def deallocate(self, key: LineKey) -> str:
        """Take the line from its batch and let it wait; returns the batch's reference.

        Raises NotAllocated and UnknownLine.
        """
        for batch in self.batches(key[1]):
            line = batch.line(key)
            if line is not None:
                batch.deallocate(line)
                self.backlog.add(line)
                return batch.reference
        if self.backlog.line(key) is not None:
            raise NotAllocated(*key)
        raise UnknownLine(*key)

    def reallocate(self, key: LineKey, *, away: bool = False) -> str:
        """Give the line to the batch that the rules would choose today; returns its reference.

        It keeps its place where that is its own batch, and with `away` only
        other batches count. Raises OutOfStock, and UnknownLine.
        """
        holder = self.holder(key)
        line = holder.line(key) if holder else self.backlog.line(key)
        if line is None:
            raise UnknownLine(*key)
        for batch in self.batches(line.sku):
            if batch is holder and not away:
                return batch.reference
            if batch is not holder and batch.can_allocate(line):
                if holder is not None:
                    holder.deallocate(line)
                batch.allocate(line)
                self.backlog.discard(line)
                return batch.reference
        raise OutOfStock(line.sku)

    def change_quantity(self, batch: Batch, qty: int) -> list[Placement]:
        """Let `batch` hold `qty` units; places anew the lines that do not fit any more.

        Tells of each where it went, the last allocated first. Raises InvalidValue.
        """
        return [self.place(line) for line in batch.change_purchased_quantity(qty)]
