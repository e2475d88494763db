"""The use cases, and what they need. Nothing here knows a framework."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from allocation.uow import AbstractRepository, AbstractUnitOfWork
from tests.examples.funds.domain import Account, Transfer


class Accounts(AbstractRepository[Account]):
    """The accounts of the bank."""

    @abstractmethod
    def lock(self, *numbers: str) -> Sequence[Account]:
        """These accounts, in the order asked for; nobody else changes them before we are done."""


class AbstractFundsUnitOfWork(AbstractUnitOfWork):
    """All of a transfer, or nothing."""

    accounts: Accounts
    transfers: AbstractRepository[Transfer]


def transfer(uow: AbstractFundsUnitOfWork, source: str, target: str, amount: int) -> None:
    """Move `amount` between two accounts; whoever wants one of them meanwhile waits.

    Raises InvalidTransfer, InsufficientFunds, and a LookupError for an account
    that is not there.
    """
    entry = Transfer(source, target, amount)
    with uow:
        payer, payee = uow.accounts.lock(source, target)
        _move(uow, entry, payer, payee)
        uow.commit()


def transfer_without_locks(
    uow: AbstractFundsUnitOfWork, source: str, target: str, amount: int
) -> None:
    """As `transfer`, but nobody waits: whoever was overtaken is refused. For `retry`."""
    entry = Transfer(source, target, amount)
    with uow:
        _move(uow, entry, uow.accounts.get(source), uow.accounts.get(target))
        uow.commit()


def _move(uow: AbstractFundsUnitOfWork, entry: Transfer, payer: Account, payee: Account) -> None:
    payer.withdraw(entry.amount)
    payee.deposit(entry.amount)
    uow.transfers.add(entry)
