"""Clusters and their servers, as model instances."""

from __future__ import annotations

from collections.abc import Sequence

from allocation.uow.django import DjangoRepository, DjangoUnitOfWork
from tests.examples.cloud.models import Cluster, Server


class Servers(DjangoRepository[Server]):
    def of(self, cluster: Cluster) -> Sequence[Server]:
        return self.find(self.objects.filter(cluster=cluster).order_by("id"))


class CloudUnitOfWork(DjangoUnitOfWork):
    clusters = DjangoRepository(Cluster)
    servers = Servers(Server)
