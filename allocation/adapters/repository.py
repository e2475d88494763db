"""The batches in the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, cast

from django.db.models import QuerySet

from allocation import models
from allocation.adapters.mappers import BATCH, LINE
from allocation.domain.model import Batch, BatchNotEmpty, LineKey
from allocation.domain.stock import Backlog, Stock
from allocation.service_layer.repository import AbstractRepository
from allocation.uow import Key, Row, StaleEntity, Table
from allocation.uow.django import DjangoRepository, objects, split

if TYPE_CHECKING:
    from allocation.adapters.unit_of_work import AllocationUnitOfWork

# Note [Lock order]
# ~~~~~~~~~~~~~~~~~
# Whoever moves lines first locks all batches of their SKUs, in the order of
# (SKU, reference), and only then reads the lines. So two clients wait for each
# other instead of deadlocking, and what is read after the lock is what the
# other one committed. The lines themselves need no lock: they only change under
# that of their SKU's batches. A line of a SKU without batches has nothing to be
# locked; there the unique key of the line decides, or that it is on a batch that
# was not there before, and whoever comes second, or is chosen by the database to
# end a deadlock on those keys, runs again.
#
# `get`, `list` and `among` lock nothing. What is allocated on such a batch is safe
# all the same: two who do so give their lines the same position, which is unique.


class Backlogs(DjangoRepository[Backlog]):
    """The one backlog, of which a unit of work sees the lines it asked for."""

    def knowing(self, rows: Iterable[Row]) -> Backlog:
        backlog = self._load(("backlog",), [(LINE, row) for row in rows])
        if backlog is None:
            raise RuntimeError("The backlog was removed, which makes no sense.")
        return backlog


class Batches(DjangoRepository[Batch], AbstractRepository):
    """Locks what it gives out to place lines. See Note [Lock order]."""

    @property
    def uow(self) -> AllocationUnitOfWork:
        return cast("AllocationUnitOfWork", super().uow)

    def get(self, reference: str) -> Batch:
        """The batch with this reference, knowing none of its lines. Raises EntityNotFound."""
        return super().get(reference)

    def remove(self, batch: Batch, /) -> None:
        """Remove an empty batch. Raises BatchNotEmpty: its lines would go with it."""
        if batch.allocated_quantity:
            raise BatchNotEmpty(batch.reference)
        super().remove(batch)

    def among(self, references: Iterable[str]) -> Sequence[Batch]:
        self.uow.flush()
        return [
            batch
            for part in split(sorted(set(references)), self.uow.using)
            for batch in self._read(self.objects.filter(reference__in=part))
        ]

    def for_lines(self, keys: Iterable[LineKey]) -> Stock:
        self.uow.flush()
        asked = dict.fromkeys(keys)
        self.uow.store.expect(asked)
        locked = self._lock({sku for _, sku in asked})
        return self._stock(locked, self._lines(asked.keys()))

    def for_batch(self, reference: str, *, leaving: int = 0) -> Stock:
        self.uow.flush()
        skus = self.objects.filter(reference=reference).values_list("sku", flat=True)
        locked = self._lock(set(skus))
        allocated = next((row[3] for row in locked if row[0] == reference), 0)
        return self._stock(locked, self._last_lines(reference, allocated - leaving))

    def _lock(self, skus: set[str]) -> list[Row]:
        return [
            row
            for part in split(sorted(skus), self.uow.using)
            for row in self.objects.filter(sku__in=part)
            .order_by("sku", "reference")
            .select_for_update()
            .values_list(*BATCH.columns)
        ]

    @property
    def _line_objects(self) -> QuerySet[models.OrderLine]:
        return objects(models.OrderLine, self.uow.using)

    def _lines(self, keys: AbstractSet[LineKey]) -> Iterator[Row]:
        """The rows of these lines, in the order in which they came in."""
        if len(keys) == 1:
            [(orderid, sku)] = keys
            yield from self._line_objects.filter(orderid=orderid, sku=sku).values_list(
                *LINE.columns
            )
            return
        for part in split(sorted({orderid for orderid, _ in keys}), self.uow.using):
            rows = self._line_objects.filter(orderid__in=part).order_by("id")
            for row in rows.values_list(*LINE.columns):
                if row[:2] in keys:
                    yield row

    def _last_lines(self, reference: str, units: int) -> Iterator[Row]:
        """The rows of the last lines of a batch: enough to make up `units`, or all."""
        if units <= 0:
            return
        # A line has at least one unit, so `units` lines are enough.
        rows = self._line_objects.filter(batch=reference).order_by("-position")[:units]
        for row in rows.values_list(*LINE.columns).iterator():
            yield row
            units -= row[2]
            if units <= 0:
                return

    def _stock(self, batches: Sequence[Row], lines: Iterable[Row]) -> Stock:
        rows: dict[Key, list[tuple[Table, Row]]] = {(row[0],): [(BATCH, row)] for row in batches}
        by_batch: dict[str | None, list[Any]] = defaultdict(list)
        for row in lines:
            by_batch[row[3]].append(row)
        waiting = by_batch.pop(None, [])
        # Where there was no batch to be locked, one may have come, and taken the line.
        if unlocked := [(reference,) for reference in by_batch if (reference,) not in rows]:
            raise StaleEntity(BATCH, unlocked)
        for reference, on_batch in by_batch.items():
            rows[(reference,)] += [(LINE, row) for row in on_batch]
        loaded = [self._load(key, standing_in) for key, standing_in in rows.items()]
        return Stock(
            [batch for batch in loaded if batch is not None], self.uow.backlogs.knowing(waiting)
        )
