"""The port to the batches: what the services ask of whoever keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from allocation import uow
from allocation.domain.model import Batch, LineKey
from allocation.domain.stock import Backlog, Stock


class AbstractRepository(uow.AbstractRepository[Batch]):
    """The batches, and the lines that are on them or waiting.

    `add`, `get` and `list` are enough of a fake: everything else has an answer
    in terms of `list`. A real store answers with as few rows as will do, and
    locks the batches it gives out, so that nobody else changes them meanwhile.
    """

    @cached_property
    def _backlog(self) -> Backlog:
        return Backlog()

    def among(self, references: Iterable[str]) -> Sequence[Batch]:
        """Those of the batches with these references that there are."""
        wanted = set(references)
        return [batch for batch in self.list() if batch.reference in wanted]

    def for_lines(self, keys: Iterable[LineKey]) -> Stock:
        """The stock that these lines could come from, knowing which of them are on a batch."""
        skus = {sku for _, sku in keys}
        return Stock([batch for batch in self.list() if batch.sku in skus], self._backlog)

    def for_batch(
        self,
        reference: str,
        *,
        leaving: int = 0,  # noqa: ARG002  # a fake knows all lines of a batch anyway
    ) -> Stock:
        """The stock of the SKU of a batch, empty when there is no such batch.

        The batch knows enough of its last lines that without them at most
        `leaving` units are allocated.
        """
        skus = {batch.sku for batch in self.among([reference])}
        return Stock([batch for batch in self.list() if batch.sku in skus], self._backlog)
