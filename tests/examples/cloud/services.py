"""The use cases: rows and servers, together or not at all."""

from __future__ import annotations

from functools import partial

from tests.examples.cloud.api import Cloud, Lease
from tests.examples.cloud.models import Cluster, Server
from tests.examples.cloud.unit_of_work import CloudUnitOfWork


def launch(uow: CloudUnitOfWork, cloud: Cloud, name: str, size: int) -> None:
    """Provision a cluster of so many servers.

    Nothing is asked of the database before all servers are there, so nobody
    waits for us while we wait for the cloud.
    """
    with uow:
        cluster = Cluster(name=name, size=size)
        uow.clusters.add(cluster)
        for _ in range(size):
            lease = Lease(cloud)
            uow.enlist(lease)
            uow.servers.add(Server(id=lease.acquire(), cluster=cluster))
        uow.commit()


def shut_down(uow: CloudUnitOfWork, cloud: Cloud, name: str) -> None:
    """Give a cluster back. Raises a LookupError when it is not there.

    A server that is gone cannot be had again: so the rows are removed first, and
    the servers once that is safe.
    """
    with uow:
        cluster = uow.clusters.get(name)
        for server in uow.servers.of(cluster):
            uow.servers.remove(server)
            uow.after_commit(partial(cloud.delete, server.id))
        uow.clusters.remove(cluster)
        uow.commit()
