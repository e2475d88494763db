"""The unit of work that the service asks for, on Django: each entity stands in one row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from allocation.uow import Row, Table
from allocation.uow.django import DjangoMapper, DjangoRepository, DjangoUnitOfWork, ModelTable
from tests.examples.registration.domain import Confirmation, User
from tests.examples.registration.models import ConfirmationRow, UserRow
from tests.examples.registration.services import RegistrationUnitOfWork

USER = ModelTable(UserRow, "id", "email", "name", "confirmed")
CONFIRMATION = ModelTable(ConfirmationRow, "token", "user_id")


class UserMapper(DjangoMapper[User]):
    """A user, and its row."""

    entity_type = User
    tables = (USER,)

    def rows(self, user: User) -> Iterable[tuple[Table, Row]]:
        yield USER, (user.id, user.email, user.name, user.confirmed)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> User:
        [(key, email, name, confirmed)] = rows[USER]
        return User(email, name, confirmed, key)


class ConfirmationMapper(DjangoMapper[Confirmation]):
    """A confirmation, and its row."""

    entity_type = Confirmation
    tables = (CONFIRMATION,)

    def rows(self, confirmation: Confirmation) -> Iterable[tuple[Table, Row]]:
        yield CONFIRMATION, (confirmation.token, confirmation.user_id)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> Confirmation:
        [(token, user_id)] = rows[CONFIRMATION]
        return Confirmation(token, user_id)


class DjangoRegistration(DjangoUnitOfWork, RegistrationUnitOfWork):
    """Users and confirmations in the database."""

    users = DjangoRepository(UserMapper())
    confirmations = DjangoRepository(ConfirmationMapper())
