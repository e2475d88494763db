"""The use case. It runs on any unit of work that has these two repositories."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from allocation.uow import AbstractRepository, UniqueViolation, UnitOfWork
from tests.examples.registration.domain import Confirmation, User


class RegistrationUnitOfWork(UnitOfWork):
    """What the service asks for, wherever it is stored."""

    users: AbstractRepository[User]
    confirmations: AbstractRepository[Confirmation]


class EmailTaken(Exception):
    """Somebody has registered with this address. Carries `email`."""

    def __init__(self, email: str) -> None:
        self.email = email
        super().__init__(f"{email} is registered already.")


@dataclass(frozen=True)
class Registered:
    """What came of a registration: the token is to be sent to the address."""

    user_id: int
    email: str
    token: str


class RegisterUserService:
    """Registers users, each in a unit of work of its own."""

    def __init__(
        self,
        uow_factory: Callable[[], RegistrationUnitOfWork],
        new_token: Callable[[], str] = secrets.token_urlsafe,
    ) -> None:
        self._uow_factory = uow_factory
        self._new_token = new_token

    def register(self, email: str, name: str) -> Registered:
        """Store a new user, with a confirmation to be sent back. Raises EmailTaken."""
        user = User(email.strip().lower(), name)
        with self._uow_factory() as uow:
            uow.users.add(user)
            try:
                uow.flush()  # the store grants an id, or knows the address
            except UniqueViolation as error:
                raise EmailTaken(user.email) from error
            assert user.id is not None
            confirmation = Confirmation(self._new_token(), user.id)
            uow.confirmations.add(confirmation)
            uow.commit()
        return Registered(user.id, user.email, confirmation.token)
