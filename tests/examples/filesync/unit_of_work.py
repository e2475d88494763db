"""The shares and the catalogue of their files, as model instances."""

from __future__ import annotations

from collections.abc import Mapping

from allocation.uow.django import DjangoRepository, DjangoUnitOfWork
from tests.examples.filesync.models import Share, SharedFile


class SharedFiles(DjangoRepository[SharedFile]):
    def of(self, share: Share) -> Mapping[str, SharedFile]:
        """The files of a share by their names."""
        return {file.name: file for file in self.find(self.objects.filter(share=share))}


class SyncUnitOfWork(DjangoUnitOfWork):
    shares = DjangoRepository(Share)
    files = SharedFiles(SharedFile)
