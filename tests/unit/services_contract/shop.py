"""What the contract is about: somewhere to run services, and what they stored there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from allocation.domain.model import Batch, LineKey, OrderLine
from allocation.domain.stock import Outcome, Placement
from allocation.service_layer import services
from allocation.service_layer.unit_of_work import AbstractUnitOfWork

JUNE = date(2026, 6, 1)
JULY = date(2026, 7, 1)

Batches: TypeAlias = dict[str, tuple[int, int]]
Lines: TypeAlias = dict[LineKey, tuple[int, str | None]]


@dataclass(frozen=True)
class Stored:
    """All there is."""

    batches: Batches
    """Purchased and allocated quantity of each."""
    lines: Lines
    """Quantity and batch of each; None for a backorder."""

    @classmethod
    def of(cls, batches: Iterable[Batch], backlog: Iterable[OrderLine]) -> Stored:
        """Of objects that know everything."""
        stored = cls({}, {line.key: (line.qty, None) for line in backlog})
        for batch in batches:
            stored.batches[batch.reference] = batch.purchased_quantity, batch.allocated_quantity
            for line, _ in batch.lines():
                assert line.key not in stored.lines, "a line in two places"
                stored.lines[line.key] = line.qty, batch.reference
        return stored

    def require_sound(self) -> None:
        """No unit is sold twice: what a batch says of its lines is true, and they fit."""
        for reference, (purchased, allocated) in self.batches.items():
            assert allocated == sum(qty for qty, on in self.lines.values() if on == reference)
            assert 0 <= allocated <= purchased
        assert {on for _, on in self.lines.values()} <= {None, *self.batches}


class Shop(ABC):
    """Somewhere to run services, and to see what they stored."""

    @abstractmethod
    def uow(self) -> AbstractUnitOfWork:
        """A unit of work; all of them on the same store."""

    @abstractmethod
    def stored(self) -> Stored:
        """What is stored, as others see it."""

    @abstractmethod
    def etas(self) -> dict[str, date | None]:
        """The ETA of each batch that is stored, as others see it."""

    def add(self, ref: str, sku: str, qty: int, eta: date | None = None) -> None:
        services.add_batch(ref, sku, qty, eta, self.uow())

    def order(self, *orders: tuple[str, str, int]) -> list[Placement]:
        return services.allocate_lines([OrderLine(*order) for order in orders], self.uow())


def outcomes(placements: Iterable[Placement]) -> list[tuple[str, Outcome, str | None]]:
    return [(p.line.orderid, p.outcome, p.reference) for p in placements]
