"""What we use of the API of a cloud, and a participant that makes it a part of a unit of work."""

from __future__ import annotations

from typing import Protocol


class CloudError(Exception):
    """The cloud did not do what it was asked to."""


class Cloud(Protocol):
    """A cloud. Each of these is a call over the network, and may raise CloudError."""

    def create(self) -> str:
        """Rent a server for an hour, and return its id."""

    def check(self, server_id: str) -> None:
        """Raise unless the server is up."""

    def keep(self, server_id: str) -> None:
        """Rent it until it is given back."""

    def delete(self, server_id: str) -> None:
        """Give it back."""


class Lease:
    """A server that we keep if the unit of work is committed, and give back if it is not.

    Enlist it, and acquire the server then: nothing comes between the server and
    the one who gives it back. Should this process be killed, nobody does; but
    what was not committed was not kept either, and the cloud takes it back when
    the hour is over.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._server_id: str | None = None

    def acquire(self) -> str:
        self._server_id = self._cloud.create()
        return self._server_id

    def prepare(self) -> None:
        if self._server_id is not None:
            self._cloud.check(self._server_id)

    def commit(self) -> None:
        if self._server_id is not None:
            self._cloud.keep(self._server_id)

    def rollback(self) -> None:
        if self._server_id is not None:
            self._cloud.delete(self._server_id)
