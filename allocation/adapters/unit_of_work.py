"""The unit of work of the application, on Django."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS

from allocation.adapters.history import Author
from allocation.adapters.mappers import BacklogMapper, BatchMapper
from allocation.adapters.repository import Backlogs, Batches
from allocation.adapters.store import AllocationStore
from allocation.service_layer.unit_of_work import AbstractUnitOfWork
from allocation.uow.django import DjangoUnitOfWork


class AllocationUnitOfWork(DjangoUnitOfWork, AbstractUnitOfWork):
    """All or nothing, over the batches in the database `using`.

    What an `author` does is told in the history; without one, nothing is.
    """

    store: AllocationStore
    store_type = AllocationStore

    batches = Batches(BatchMapper())
    backlogs = Backlogs(BacklogMapper())

    def __init__(
        self, using: str = DEFAULT_DB_ALIAS, *, join: bool = False, author: Author | None = None
    ) -> None:
        super().__init__(using, join=join)
        self.store.author = author


class Rehearsal(AllocationUnitOfWork):
    """Reads, locks and decides as the real one does; its commit forgets everything."""

    def commit(self) -> None:
        self.rollback()
