"""Order lines, batches, and the rule by which the one goes to the other.

The rules are those of "Architecture Patterns with Python" (Percival, Gregory),
chapters 1 and 2, made strict: see the class docstrings for what is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Self, TypeAlias

from allocation.domain.values import arrival, quantity, text

LineKey: TypeAlias = tuple[str, str]
"""What an order line is known by: its order and its SKU."""


class AllocationError(Exception):
    """The rules do not allow what was asked for. The message is meant for people."""


class OutOfStock(AllocationError):
    """No batch has room for a line. Carries `sku`."""

    def __init__(self, sku: str) -> None:
        self.sku = sku
        super().__init__(f"Out of stock for sku {sku}")


class LineConflict(AllocationError):
    """A line is known with another quantity. Carries the `known` line and the `given` one."""

    def __init__(self, known: OrderLine, given: OrderLine) -> None:
        self.known = known
        self.given = given
        super().__init__(
            f"Order {given.orderid} already has a line for sku {given.sku} with quantity "
            f"{known.qty}, not {given.qty}."
        )


class BatchNotEmpty(AllocationError):
    """A batch with lines on it cannot be removed. Carries `reference`."""

    def __init__(self, reference: str) -> None:
        self.reference = reference
        super().__init__(f"Batch {reference} has lines on it: move them before you remove it.")


class LinesNotKnown(AllocationError):
    """A batch was asked about lines it was loaded without. Carries `reference`.

    A batch that comes from a store knows the lines that the store was asked
    for, and of the others only how many units they take.
    """

    def __init__(self, reference: str) -> None:
        self.reference = reference
        super().__init__(
            f"Batch {reference} was loaded without the lines this is about: ask for it together "
            f"with them."
        )


@dataclass(frozen=True)
class OrderLine:
    """So many units of one SKU for one order. A value: two with the same content are the same.

    Raises InvalidValue.
    """

    orderid: str
    sku: str
    qty: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "orderid", text("order id", self.orderid))
        object.__setattr__(self, "sku", text("sku", self.sku))
        quantity(self.qty)

    @classmethod
    def reconstitute(cls, orderid: str, sku: str, qty: int) -> Self:
        """The line as it was stored."""
        line = cls.__new__(cls)
        vars(line).update(orderid=orderid, sku=sku, qty=qty)
        return line

    @property
    def key(self) -> LineKey:
        return self.orderid, self.sku


class Batch:
    """Stock of one SKU: in the warehouse (no ETA), or on its way.

    Known by its reference. Batches sort in the order in which they are used.
    Raises InvalidValue.
    """

    def __init__(self, ref: str, sku: str, qty: int, eta: date | None) -> None:
        self.reference = text("reference", ref)
        self.sku = text("sku", sku)
        self.eta = arrival(eta)
        self._purchased_quantity = quantity(qty)
        self._allocated_quantity = 0
        # How many lines it ever took: the position of the next one. The last
        # allocated is the first to be taken off.
        self._lines_taken = 0
        self._lines: dict[LineKey, tuple[OrderLine, int]] = {}

    @classmethod
    def reconstitute(  # noqa: PLR0913  # all that a store knows of a batch
        cls,
        ref: str,
        sku: str,
        qty: int,
        eta: date | None,
        *,
        allocated: int,
        lines_taken: int,
        lines: Iterable[tuple[OrderLine, int]],
    ) -> Self:
        """The batch as it was stored, knowing some `lines` with their positions, maybe not all."""
        batch = cls.__new__(cls)
        # Not through __init__: what was stored is taken as it is.
        vars(batch).update(
            reference=ref,
            sku=sku,
            eta=eta,
            _purchased_quantity=qty,
            _allocated_quantity=allocated,
            _lines_taken=lines_taken,
            _lines={line.key: (line, position) for line, position in lines},
        )
        return batch

    def __repr__(self) -> str:
        return f"<Batch {self.reference}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Batch):
            return NotImplemented
        return self.reference == other.reference

    def __hash__(self) -> int:
        return hash(self.reference)

    def __lt__(self, other: Batch) -> bool:
        """Warehouse stock before shipments, the earlier ETA before the later, then by reference."""
        return self.preference < other.preference

    @property
    def preference(self) -> tuple[bool, date, str]:
        """What batches are sorted by."""
        return self.eta is not None, self.eta or date.min, self.reference

    @property
    def purchased_quantity(self) -> int:
        return self._purchased_quantity

    @property
    def allocated_quantity(self) -> int:
        return self._allocated_quantity

    @property
    def available_quantity(self) -> int:
        return self._purchased_quantity - self._allocated_quantity

    @property
    def lines_taken(self) -> int:
        return self._lines_taken

    def lines(self) -> Iterator[tuple[OrderLine, int]]:
        """The lines it knows, each with its position, the first allocated first."""
        return iter(sorted(self._lines.values(), key=lambda placed: placed[1]))

    def line(self, key: LineKey) -> OrderLine | None:
        """The line with this key, if it is known to be here."""
        placed = self._lines.get(key)
        return placed and placed[0]

    def can_allocate(self, line: OrderLine) -> bool:
        """Whether the whole line fits: a line is never split."""
        return self.sku == line.sku and self.available_quantity >= line.qty

    def allocate(self, line: OrderLine) -> None:
        """Take the line. Taking it again changes nothing.

        Raises LineConflict when it is here with another quantity, and
        OutOfStock when it does not fit.
        """
        known = self.line(line.key)
        if known is not None:
            if known != line:
                raise LineConflict(known, line)
            return
        if not self.can_allocate(line):
            raise OutOfStock(line.sku)
        self._lines_taken += 1
        self._lines[line.key] = line, self._lines_taken
        self._allocated_quantity += line.qty

    def deallocate(self, line: OrderLine) -> None:
        """Give the line back. One that is not here changes nothing.

        Raises LineConflict when it is here with another quantity, and
        LinesNotKnown when the batch cannot tell whether it is here.
        """
        known = self.line(line.key)
        if known is None:
            if self._allocated_quantity > sum(held.qty for held, _ in self._lines.values()):
                raise LinesNotKnown(self.reference)
            return
        if known != line:
            raise LineConflict(known, line)
        del self._lines[line.key]
        self._allocated_quantity -= line.qty

    def change_eta(self, eta: date | None) -> None:
        """Arrive at `eta`; None where it has arrived. Its lines stay. Raises InvalidValue."""
        self.eta = arrival(eta)

    def change_purchased_quantity(self, qty: int) -> list[OrderLine]:
        """Hold `qty` units from now on. Raises InvalidValue.

        Takes lines off, the last allocated first, until the rest fits, and
        returns them in that order. Raises LinesNotKnown when it does not know
        enough of them.
        """
        excess = self._allocated_quantity - quantity(qty)
        taken: list[OrderLine] = []
        for line, _ in reversed(list(self.lines())):
            if excess <= 0:
                break
            excess -= line.qty
            taken.append(line)
        if excess > 0:
            raise LinesNotKnown(self.reference)
        self._purchased_quantity = qty
        for line in taken:
            self.deallocate(line)
        return taken


def allocate(line: OrderLine, batches: Iterable[Batch]) -> str:
    """Give the line to the first of the batches, in their order, that has room for all of it.

    Returns that batch's reference; of the batch that holds the line already, if
    one does, and then nothing changes. Raises LineConflict, and OutOfStock when
    there is no room.
    """
    batches = sorted(batches)
    for batch in batches:
        if batch.line(line.key) is not None:
            batch.allocate(line)
            return batch.reference
    for batch in batches:
        if batch.can_allocate(line):
            batch.allocate(line)
            return batch.reference
    raise OutOfStock(line.sku)
