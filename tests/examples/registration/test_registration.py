"""One suite, on a unit of work in memory and on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Protocol

import pytest
from django.db import connections

from allocation.uow.testing import InMemoryDatabase, InMemoryRepository, InMemoryUnitOfWork
from tests.conftest import Fetch
from tests.examples.registration.domain import Confirmation, User
from tests.examples.registration.services import (
    EmailTaken,
    RegisterUserService,
    RegistrationUnitOfWork,
)
from tests.examples.registration.unit_of_work import DjangoRegistration


class Registry(Protocol):
    """Where users are registered."""

    def uow(self) -> RegistrationUnitOfWork: ...

    def users(self) -> dict[int, tuple[str, str]]:
        """Address and name, by id."""

    def tokens(self) -> dict[str, int]:
        """The ids of the users, by the token of their confirmation."""


class RegisteringAUser:
    """What the service promises, wherever it stores."""

    def test_stores_the_user_and_a_confirmation_of_theirs(self, registry: Registry) -> None:
        result = RegisterUserService(registry.uow).register("ann@example.org", "Ann")

        assert registry.users() == {result.user_id: ("ann@example.org", "Ann")}
        assert registry.tokens() == {result.token: result.user_id}

    def test_gives_back_what_stays_usable_after_the_block(self, registry: Registry) -> None:
        service = RegisterUserService(registry.uow, new_token=lambda: "a token")

        ann = service.register(" Ann@Example.org", "Ann")

        assert (ann.email, ann.token) == ("ann@example.org", "a token")
        assert not isinstance(ann, User)

    @pytest.mark.parametrize("again", ["ann@example.org", "ANN@example.org "])
    def test_refuses_an_address_that_is_taken(self, registry: Registry, again: str) -> None:
        service = RegisterUserService(registry.uow)
        ann = service.register("ann@example.org", "Ann")

        with pytest.raises(EmailTaken, match="is registered already"):
            service.register(again, "Another Ann")
        assert registry.users() == {ann.user_id: ("ann@example.org", "Ann")}
        assert registry.tokens() == {ann.token: ann.user_id}

    def test_goes_on_with_others_after_a_refusal(self, registry: Registry) -> None:
        service = RegisterUserService(registry.uow)
        service.register("ann@example.org", "Ann")
        with pytest.raises(EmailTaken):
            service.register("ann@example.org", "Another Ann")

        bob = service.register("bob@example.org", "Bob")

        assert registry.users()[bob.user_id] == ("bob@example.org", "Bob")

    def test_stores_no_user_without_a_confirmation(self, registry: Registry) -> None:
        def fail() -> str:
            raise OSError("no entropy")

        with pytest.raises(OSError, match="no entropy"):
            RegisterUserService(registry.uow, new_token=fail).register("ann@example.org", "Ann")
        assert registry.users() == {}


class InMemoryRegistration(InMemoryUnitOfWork, RegistrationUnitOfWork):
    """Users and confirmations in memory."""

    users = InMemoryRepository(User, unique=[["email"]])
    confirmations = InMemoryRepository(Confirmation, key="token")


class InMemoryRegistry:
    def __init__(self) -> None:
        self.database = InMemoryDatabase()

    def uow(self) -> InMemoryRegistration:
        return InMemoryRegistration(self.database)

    def users(self) -> dict[int, tuple[str, str]]:
        with self.uow() as uow:
            return {user.id or 0: (user.email, user.name) for user in uow.users.list()}

    def tokens(self) -> dict[str, int]:
        with self.uow() as uow:
            return {found.token: found.user_id for found in uow.confirmations.list()}


class DjangoRegistry:
    def __init__(self, alias: str, fetch: Fetch) -> None:
        self.alias = alias
        self.fetch = fetch

    def uow(self) -> DjangoRegistration:
        return DjangoRegistration(self.alias)

    def users(self) -> dict[int, tuple[str, str]]:
        rows = self.fetch(self.alias, "SELECT id, email, name FROM registration_userrow")
        return {key: (email, name) for key, email, name in rows}

    def tokens(self) -> dict[str, int]:
        return dict(
            self.fetch(self.alias, "SELECT token, user_id FROM registration_confirmationrow")
        )


class TestInMemory(RegisteringAUser):
    @pytest.fixture
    def registry(self) -> Registry:
        return InMemoryRegistry()


class TestOnDjango(RegisteringAUser):
    @pytest.fixture
    def registry(self, alias: str, fetch: Fetch) -> DjangoRegistry:
        return DjangoRegistry(alias, fetch)

    def test_refuses_all_but_one_of_those_who_come_at_once(self, registry: DjangoRegistry) -> None:
        start = Barrier(4)

        def register(client: int) -> str:
            connections[registry.alias].ensure_connection()
            start.wait()
            try:
                RegisterUserService(registry.uow).register("ann@example.org", f"Ann {client}")
            except EmailTaken:
                return "refused"
            finally:
                connections.close_all()
            return "registered"

        with ThreadPoolExecutor(4) as clients:
            outcomes = sorted(clients.map(register, range(4)))
        assert outcomes == ["refused", "refused", "refused", "registered"]
        assert len(registry.users()) == len(registry.tokens()) == 1
