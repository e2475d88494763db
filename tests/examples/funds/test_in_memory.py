"""The same services without Django: what an adopter's fast tests look like."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from allocation.uow import StaleEntity
from allocation.uow.testing import InMemoryDatabase, InMemoryRepository, InMemoryUnitOfWork
from tests.examples.funds.domain import Account, InsufficientFunds, Transfer
from tests.examples.funds.services import (
    AbstractFundsUnitOfWork,
    Accounts,
    transfer,
    transfer_without_locks,
)


class InMemoryAccounts(InMemoryRepository[Account], Accounts):
    """Here nobody waits: of two that change the same account the second one is refused."""

    def lock(self, *numbers: str) -> Sequence[Account]:
        return [self.get(number) for number in numbers]


class InMemoryFunds(InMemoryUnitOfWork, AbstractFundsUnitOfWork):
    """All of a transfer, or nothing, in memory."""

    accounts = InMemoryAccounts(Account, key="number", version="version")
    transfers = InMemoryRepository(Transfer)


@pytest.fixture
def database() -> InMemoryDatabase:
    """Ann has 100, Bob 50."""
    database = InMemoryDatabase()
    with InMemoryFunds(database) as uow:
        uow.accounts.add(Account("Ann", 100))
        uow.accounts.add(Account("Bob", 50))
        uow.commit()
    return database


def balances(database: InMemoryDatabase) -> dict[str, int]:
    with InMemoryFunds(database) as uow:
        return {account.number: account.balance for account in uow.accounts.list()}


def test_moves_the_amount(database: InMemoryDatabase) -> None:
    transfer(InMemoryFunds(database), "Ann", "Bob", 70)
    assert balances(database) == {"Ann": 30, "Bob": 120}


def test_nothing_moves_when_there_is_less(database: InMemoryDatabase) -> None:
    with pytest.raises(InsufficientFunds):
        transfer(InMemoryFunds(database), "Bob", "Ann", 51)
    assert balances(database) == {"Ann": 100, "Bob": 50}


def test_the_overtaken_is_refused(database: InMemoryDatabase) -> None:
    with InMemoryFunds(database) as slow:
        slow.accounts.get("Ann").deposit(1)
        transfer_without_locks(InMemoryFunds(database), "Ann", "Bob", 70)
        with pytest.raises(StaleEntity, match="Ann"):
            slow.commit()
    assert balances(database) == {"Ann": 30, "Bob": 120}
