"""The use cases: each one business action, in one unit of work that stores all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from allocation.domain.model import AllocationError, Batch, LineKey, OrderLine, OutOfStock
from allocation.domain.stock import Placement, Stock
from allocation.domain.values import MAX_QUANTITY, arrival, quantity, text
from allocation.service_layer.unit_of_work import AbstractUnitOfWork


class InvalidSku(AllocationError):
    """There is no batch of this SKU. Carries `sku`."""

    def __init__(self, sku: str) -> None:
        self.sku = sku
        super().__init__(f"Invalid sku {sku}: there is no batch of it.")


class UnknownBatch(AllocationError):
    """There is no batch with this reference. Carries `reference`."""

    def __init__(self, reference: str) -> None:
        self.reference = reference
        super().__init__(f"There is no batch {reference}.")


class BatchConflict(AllocationError):
    """A reference is known with other data. Carries the `known` batch and the `given` one."""

    def __init__(self, known: Batch, given: Batch) -> None:
        self.known = known
        self.given = given
        super().__init__(
            f"Batch {given.reference} is already there with {_described(known)}, "
            f"not {_described(given)}."
        )


@dataclass(frozen=True)
class Seen:
    """What somebody saw of a batch when they decided to change it.

    The units that were allocated and the number of lines it ever took tell
    together which lines were on it: one that came raised the second, and where
    none came, one that left lowered the first.
    """

    qty: int
    eta: date | None
    allocated: int
    lines_taken: int


class BatchChanged(AllocationError):
    """A batch is not what it was `seen` as. Carries the `known` batch and what was `seen`."""

    def __init__(self, known: Batch, seen: Seen) -> None:
        self.known = known
        self.seen = seen
        super().__init__(
            f"Somebody else has changed batch {known.reference} meanwhile: it has "
            f"{_described(known)} now, and {known.allocated_quantity} of them are allocated. "
            "Look at it again before you change it."
        )


def add_batch(ref: str, sku: str, qty: int, eta: date | None, uow: AbstractUnitOfWork) -> bool:
    """Take a batch into stock; tells whether it is new. Adding it again changes nothing.

    Raises InvalidValue, and BatchConflict when the reference is known with
    other data.
    """
    [added] = add_batches([Batch(ref, sku, qty, eta)], uow)
    if isinstance(added, BatchConflict):
        raise added
    return added


def add_batches(batches: Sequence[Batch], uow: AbstractUnitOfWork) -> list[bool | BatchConflict]:
    """Take many batches into stock: of each, whether it was new, or what is against it."""
    with uow:
        known = {
            batch.reference: batch for batch in uow.batches.among(b.reference for b in batches)
        }
        results: list[bool | BatchConflict] = []
        for batch in batches:
            there = known.get(batch.reference)
            if there is None:
                uow.batches.add(batch)
                known[batch.reference] = batch
                results.append(True)
            elif _data(there) == _data(batch):
                results.append(False)
            else:
                results.append(BatchConflict(there, batch))
        uow.commit()
    return results


def allocate(orderid: str, sku: str, qty: int, uow: AbstractUnitOfWork) -> str:
    """Allocate an order line; returns the reference of its batch.

    Allocating the same line again answers the same and changes nothing; a
    backorder is one no more. Raises InvalidValue, InvalidSku, OutOfStock, and
    LineConflict when the line is known with another quantity.
    """
    line = OrderLine(orderid, sku, qty)
    with uow:
        stock = uow.batches.for_lines([line.key])
        if not stock.batches(line.sku):
            raise InvalidSku(line.sku)
        reference = stock.allocate(line)
        uow.commit()
    return reference


def allocate_lines(lines: Sequence[OrderLine], uow: AbstractUnitOfWork) -> list[Placement]:
    """Allocate many lines: the result is that of allocating them one after the other.

    A line that no batch can serve, for want of stock or of any batch of its
    SKU, is kept as a backorder. Nothing is raised for a single line: each has
    its placement in the list.
    """
    with uow:
        stock = uow.batches.for_lines([line.key for line in lines])
        placements = [stock.place(line) for line in lines]
        uow.commit()
    return placements


def deallocate(orderid: str, sku: str, uow: AbstractUnitOfWork) -> str:
    """Free a line and keep it as a backorder; returns the reference of the batch it was on.

    Raises UnknownLine, NotAllocated and InvalidValue.
    """
    key = _line_key(orderid, sku)
    with uow:
        reference = uow.batches.for_lines([key]).deallocate(key)
        uow.commit()
    return reference


def reallocate(orderid: str, sku: str, uow: AbstractUnitOfWork) -> str:
    """Give a line to the batch that it would get today; returns that batch's reference.

    It stays where it is when that is the best there is. A backorder gets its
    batch. Raises OutOfStock for a backorder that must go on waiting,
    UnknownLine and InvalidValue.
    """
    key = _line_key(orderid, sku)
    with uow:
        reference = uow.batches.for_lines([key]).reallocate(key)
        uow.commit()
    return reference


def reallocate_batch(ref: str, uow: AbstractUnitOfWork) -> list[tuple[OrderLine, str | None]]:
    """Move the lines of a batch to others of its SKU, the first allocated first.

    Tells of each line where it went: None where it stays, for want of room.
    Raises UnknownBatch and InvalidValue.
    """
    with uow:
        stock, batch = _stock_of(ref, uow)
        moves: list[tuple[OrderLine, str | None]] = []
        for line, _ in batch.lines():
            try:
                moves.append((line, stock.reallocate(line.key, away=True)))
            except OutOfStock:
                moves.append((line, None))
        uow.commit()
    return moves


def reallocate_backorders(keys: Sequence[LineKey], uow: AbstractUnitOfWork) -> list[Placement]:
    """Try these backorders again, in this order; tells of each where it went.

    A line that is not waiting any more is passed over.
    """
    with uow:
        stock = uow.batches.for_lines(keys)
        waiting = [line for key in keys if (line := stock.backlog.line(key)) is not None]
        placements = [stock.place(line) for line in waiting]
        uow.commit()
    return placements


def change_batch_quantity(
    ref: str, qty: int, uow: AbstractUnitOfWork, *, seen: Seen | None = None
) -> list[Placement]:
    """Let a batch hold `qty` units. Lines that do not fit any more go elsewhere.

    They are taken off, the last allocated first, until the rest fits; what fits
    nowhere is a backorder. Tells of each where it went. Raises UnknownBatch and
    InvalidValue, and BatchChanged when since it was `seen` somebody else has
    given it yet another quantity, or other lines of which some would be taken off.
    """
    quantity(qty)
    with uow:
        stock, batch = _stock_of(ref, uow, leaving=qty)
        if seen is not None and (
            batch.purchased_quantity not in (seen.qty, qty)
            or (qty < batch.allocated_quantity and not _has_lines_of(batch, seen))
        ):
            raise BatchChanged(batch, seen)
        placements = stock.change_quantity(batch, qty)
        uow.commit()
    return placements


def change_batch_eta(
    ref: str, eta: date | None, uow: AbstractUnitOfWork, *, seen: Seen | None = None
) -> bool:
    """Let a batch arrive at `eta`; None says that it has arrived. Tells whether that is new.

    The lines that are allocated to it stay where they are. Raises UnknownBatch and
    InvalidValue, and BatchChanged when somebody else has given it yet another
    ETA since it was `seen`.
    """
    eta = arrival(eta)
    with uow:
        _, batch = _stock_of(ref, uow, leaving=MAX_QUANTITY)  # of its lines it needs none
        if seen is not None and batch.eta not in (seen.eta, eta):
            raise BatchChanged(batch, seen)
        new = batch.eta != eta
        batch.change_eta(eta)
        uow.commit()
    return new


def _stock_of(ref: str, uow: AbstractUnitOfWork, *, leaving: int = 0) -> tuple[Stock, Batch]:
    reference = text("reference", ref)
    stock = uow.batches.for_batch(reference, leaving=leaving)
    batch = stock.batch(reference)
    if batch is None:
        raise UnknownBatch(reference)
    return stock, batch


def _has_lines_of(batch: Batch, seen: Seen) -> bool:
    return (batch.allocated_quantity, batch.lines_taken) == (seen.allocated, seen.lines_taken)


def _line_key(orderid: str, sku: str) -> LineKey:
    return text("order id", orderid), text("sku", sku)


def _data(batch: Batch) -> tuple[str, int, date | None]:
    return batch.sku, batch.purchased_quantity, batch.eta


def _described(batch: Batch) -> str:
    eta = f"due {batch.eta}" if batch.eta else "in the warehouse"
    return f"{batch.purchased_quantity} of {batch.sku} {eta}"
