"""The application's unit of work in memory: real rollbacks, and no database."""

from __future__ import annotations

from datetime import date

from allocation.domain.model import Batch
from allocation.domain.stock import Backlog
from allocation.service_layer.repository import AbstractRepository
from allocation.service_layer.unit_of_work import AbstractUnitOfWork
from allocation.uow import EntityNotFound
from allocation.uow.testing import InMemoryDatabase, InMemoryRepository, InMemoryUnitOfWork
from tests.unit.services_contract import Shop, Stored


class KeptBacklog(Backlog):
    """The one backlog, with a name to be kept under."""

    name = "backlog"


class Batches(InMemoryRepository[Batch], AbstractRepository):
    """Add, get and list as in memory, and everything else in terms of these."""

    # A backlog is tracked as the batches are, so that a rollback takes it back
    # too: it cannot be cached here, beyond its unit of work.
    @property
    def _backlog(self) -> Backlog:
        uow = self.uow
        assert isinstance(uow, AllocationInMemory)
        try:
            return uow.backlogs.get(KeptBacklog.name)
        except EntityNotFound:
            backlog = KeptBacklog()
            uow.backlogs.add(backlog)
            return backlog


class AllocationInMemory(InMemoryUnitOfWork, AbstractUnitOfWork):
    """All or nothing, over the batches in an InMemoryDatabase."""

    batches = Batches(Batch, key="reference")
    backlogs = InMemoryRepository(KeptBacklog, key="name")


class InMemoryShop(Shop):
    def __init__(self) -> None:
        self.database = InMemoryDatabase()

    def uow(self) -> AllocationInMemory:
        return AllocationInMemory(self.database)

    def stored(self) -> Stored:
        with self.uow() as uow:
            stored = Stored.of(uow.batches.list(), uow.batches._backlog)
            uow.rollback()  # of the backlog, which may have been made for this look
        return stored

    def etas(self) -> dict[str, date | None]:
        with self.uow() as uow:
            return {batch.reference: batch.eta for batch in uow.batches.list()}
