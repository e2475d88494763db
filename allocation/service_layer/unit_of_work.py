"""The unit of work that the services are written for."""

from __future__ import annotations

from allocation import uow
from allocation.service_layer.repository import AbstractRepository


class AbstractUnitOfWork(uow.AbstractUnitOfWork):
    """All or nothing, over the batches."""

    batches: AbstractRepository
