"""Servers that nobody needs are given back, whatever went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
from django.db import IntegrityError

from allocation.uow import (
    DiscardedChangesWarning,
    EntityNotFound,
    HooksFailed,
    UndoFailed,
    UniqueViolation,
    retry,
)
from tests.conftest import Fetch
from tests.examples.cloud.api import CloudError, Lease
from tests.examples.cloud.models import Cluster, Server
from tests.examples.cloud.services import launch, shut_down
from tests.examples.cloud.unit_of_work import CloudUnitOfWork

Stored: TypeAlias = Callable[[], list[tuple[str, str | None]]]


class FakeCloud:
    """Records what it is called for, and refuses the calls in `failing`."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.on_create: Callable[[], object] = lambda: None
        self._created = 0

    def create(self) -> str:
        self._created += 1
        self._called(f"create s{self._created}")
        self.on_create()
        return f"s{self._created}"

    def check(self, server_id: str) -> None:
        self._called(f"check {server_id}")

    def keep(self, server_id: str) -> None:
        self._called(f"keep {server_id}")

    def delete(self, server_id: str) -> None:
        self._called(f"delete {server_id}")

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if call in self.failing:
            raise CloudError(f"cannot {call}")


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud()


@pytest.fixture
def uow(alias: str) -> CloudUnitOfWork:
    return CloudUnitOfWork(alias)


@pytest.fixture
def stored(alias: str, fetch: Fetch) -> Stored:
    """Every cluster with each of its servers."""
    return lambda: fetch(
        alias,
        "SELECT cloud_cluster.name, cloud_server.id FROM cloud_cluster "
        "LEFT JOIN cloud_server ON cluster_id = name ORDER BY 1, 2",
    )


class TestLaunch:
    def test_keeps_the_servers_once_the_rows_are_safe(
        self, uow: CloudUnitOfWork, cloud: FakeCloud, stored: Stored
    ) -> None:
        launch(uow, cloud, "web", 2)
        assert stored() == [("web", "s1"), ("web", "s2")]
        assert cloud.calls == [
            "create s1",
            "create s2",
            "check s1",
            "check s2",
            "keep s1",
            "keep s2",
        ]

    def test_lets_nobody_wait_for_the_cloud(
        self, uow: CloudUnitOfWork, cloud: FakeCloud, stored: Stored, alias: str, fetch: Fetch
    ) -> None:
        """Somebody else writes meanwhile, which on SQLite takes the only lock there is."""
        cloud.on_create = lambda: fetch(alias, "INSERT INTO cloud_cluster VALUES ('theirs', 0)")
        launch(uow, cloud, "web", 1)
        assert stored() == [("theirs", None), ("web", "s1")]

    def test_again_after_a_failure_leaves_nothing_of_the_first_attempt(
        self, alias: str, cloud: FakeCloud, stored: Stored
    ) -> None:
        cloud.failing = {"create s2"}
        retry(
            lambda uow: launch(uow, cloud, "web", 2),
            lambda: CloudUnitOfWork(alias),
            also=(CloudError,),
        )
        assert stored() == [("web", "s3"), ("web", "s4")]
        assert cloud.calls[:5] == [
            "create s1",
            "create s2",
            "delete s1",
            "create s3",
            "create s4",
        ]


class TestGivenBack:
    """The last one first, and nothing is stored."""

    def test_when_the_database_refuses_a_row(
        self, uow: CloudUnitOfWork, cloud: FakeCloud, stored: Stored, alias: str, fetch: Fetch
    ) -> None:
        fetch(alias, "INSERT INTO cloud_cluster VALUES ('web', 2)")
        with pytest.raises(UniqueViolation):
            launch(uow, cloud, "web", 2)
        assert cloud.calls == ["create s1", "create s2", "delete s2", "delete s1"]
        assert stored() == [("web", None)]

    def test_when_the_database_refuses_the_commit_itself(
        self, uow: CloudUnitOfWork, cloud: FakeCloud, stored: Stored
    ) -> None:
        """Foreign keys are checked at the very end, when all servers were found to be up."""
        lease = Lease(cloud)
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"), uow:
            uow.enlist(lease)
            uow.servers.add(Server(id=lease.acquire(), cluster_id="no such cluster"))
            uow.commit()
        assert cloud.calls == ["create s1", "check s1", "delete s1"]
        assert stored() == []

    def test_when_the_next_one_is_not_to_be_had(
        self, uow: CloudUnitOfWork, cloud: FakeCloud, stored: Stored
    ) -> None:
        cloud.failing = {"create s2"}
        with pytest.raises(CloudError, match="cannot create s2"):
            launch(uow, cloud, "web", 3)
        assert cloud.calls == ["create s1", "create s2", "delete s1"]
        assert stored() == []

    def test_when_one_is_not_up_in_the_end(
        self, uow: CloudUnitOfWork, cloud: FakeCloud, stored: Stored
    ) -> None:
        cloud.failing = {"check s1"}
        with pytest.raises(CloudError, match="cannot check s1"):
            launch(uow, cloud, "web", 2)
        assert cloud.calls[2:] == ["check s1", "delete s2", "delete s1"]
        assert stored() == []

    def test_when_the_commit_is_forgotten(
        self, uow: CloudUnitOfWork, cloud: FakeCloud, stored: Stored
    ) -> None:
        lease = Lease(cloud)
        with pytest.warns(DiscardedChangesWarning, match="1 enlisted Lease"), uow:
            uow.enlist(lease)
            lease.acquire()
        assert cloud.calls == ["create s1", "delete s1"]

    def test_but_one_and_then_both_errors_are_told(
        self, uow: CloudUnitOfWork, cloud: FakeCloud, stored: Stored, alias: str, fetch: Fetch
    ) -> None:
        fetch(alias, "INSERT INTO cloud_cluster VALUES ('web', 2)")
        cloud.failing = {"delete s2"}
        with pytest.raises(UndoFailed) as raised:
            launch(uow, cloud, "web", 3)
        first, second = raised.value.exceptions
        assert isinstance(first, UniqueViolation)
        assert str(second) == "cannot delete s2"
        assert cloud.calls[3:] == ["delete s3", "delete s2", "delete s1"]
        assert stored() == [("web", None)]


class TestCommitted:
    """What comes after the commit cannot take it back."""

    def test_servers_that_could_not_be_kept_are_told(
        self, uow: CloudUnitOfWork, cloud: FakeCloud, stored: Stored
    ) -> None:
        cloud.failing = {"keep s1"}
        with pytest.raises(HooksFailed, match="is committed") as raised:
            launch(uow, cloud, "web", 2)
        assert [str(error) for error in raised.value.exceptions] == ["cannot keep s1"]
        assert cloud.calls[4:] == ["keep s1", "keep s2"]
        assert stored() == [("web", "s1"), ("web", "s2")]


class TestShutDown:
    @pytest.fixture(autouse=True)
    def launched(self, uow: CloudUnitOfWork, cloud: FakeCloud) -> None:
        with uow:
            uow.clusters.add(Cluster(name="web", size=2))
            uow.servers.add(Server(id="s1", cluster_id="web"))
            uow.servers.add(Server(id="s2", cluster_id="web"))
            uow.commit()

    def test_gives_back_once_the_rows_are_gone(
        self, uow: CloudUnitOfWork, cloud: FakeCloud, stored: Stored
    ) -> None:
        shut_down(uow, cloud, "web")
        assert stored() == []
        assert cloud.calls == ["delete s1", "delete s2"]

    def test_of_what_is_not_there_calls_nobody(
        self, uow: CloudUnitOfWork, cloud: FakeCloud
    ) -> None:
        with pytest.raises(EntityNotFound):
            shut_down(uow, cloud, "no such cluster")
        assert cloud.calls == []

    def test_gives_back_the_others_when_one_call_fails(
        self, uow: CloudUnitOfWork, cloud: FakeCloud, stored: Stored
    ) -> None:
        cloud.failing = {"delete s1"}
        with pytest.raises(HooksFailed, match="is committed"):
            shut_down(uow, cloud, "web")
        assert stored() == []
        assert cloud.calls == ["delete s1", "delete s2"]
