"""The unit of work, and what its repositories have in common."""

from __future__ import annotations

from typing import TypeVar

from django.db import models

from allocation.uow import EntityNotFound
from allocation.uow.django import DjangoRepository, DjangoUnitOfWork
from tests.examples.waste.models import Organisation, Storage, Transfer

M = TypeVar("M", bound=models.Model)


class NamedRepository(DjangoRepository[M]):
    """The base of the repositories whose models have a unique name."""

    def named(self, name: str) -> M:
        """The one with this name. Raises EntityNotFound."""
        for entity in self.find(self.objects.filter(name=name)):
            return entity
        raise EntityNotFound(self.mapper.entity_type, name)


class WasteUnitOfWork(DjangoUnitOfWork):
    """Nobody waits to read a storage: who changes one that others have changed is refused."""

    organisations = NamedRepository(Organisation)
    storages = NamedRepository(Storage, version="version")
    transfers = DjangoRepository(Transfer)
