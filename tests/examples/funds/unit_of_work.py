"""How accounts and transfers stand in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from allocation.uow import Row, Table
from allocation.uow.django import DjangoMapper, DjangoRepository, DjangoUnitOfWork, ModelTable
from tests.examples.funds.domain import Account, Transfer
from tests.examples.funds.models import AccountRow, TransferRow
from tests.examples.funds.services import AbstractFundsUnitOfWork, Accounts

ACCOUNT = ModelTable(AccountRow, "number", "balance", "version", version="version")
TRANSFER = ModelTable(TransferRow, "id", "source_id", "target_id", "amount")


class AccountMapper(DjangoMapper[Account]):
    """An account is one row."""

    entity_type = Account
    tables = (ACCOUNT,)

    def rows(self, account: Account) -> Iterable[tuple[Table, Row]]:
        yield ACCOUNT, (account.number, account.balance, account.version)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> Account:
        [row] = rows[ACCOUNT]
        return Account(*row)


class TransferMapper(DjangoMapper[Transfer]):
    """A transfer is one row, and refers to two accounts by their numbers."""

    entity_type = Transfer
    tables = (TRANSFER,)

    def rows(self, transfer: Transfer) -> Iterable[tuple[Table, Row]]:
        yield TRANSFER, (transfer.id, transfer.source, transfer.target, transfer.amount)

    def entity(self, rows: Mapping[Table, Sequence[Row]]) -> Transfer:
        [(key, source, target, amount)] = rows[TRANSFER]
        return Transfer(source, target, amount, key)


class DjangoAccounts(DjangoRepository[Account], Accounts):
    """The accounts in the database."""

    def lock(self, *numbers: str) -> Sequence[Account]:
        # Locked in one order, whoever pays whom: two that wait for each other wait for ever.
        self.find(self.objects.filter(number__in=numbers).order_by("number").select_for_update())
        # They are known now: this asks the database for nothing but those that are missing.
        return [self.get(number) for number in numbers]


class FundsUnitOfWork(DjangoUnitOfWork, AbstractFundsUnitOfWork):
    """All of a transfer, or nothing, in the database `using`."""

    accounts = DjangoAccounts(AccountMapper())
    transfers = DjangoRepository(TransferMapper())
