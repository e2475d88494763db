"""Money moves whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import IntegrityError

from allocation.uow import EntityNotFound
from tests.examples.funds.conftest import Bank
from tests.examples.funds.domain import Account, InsufficientFunds, InvalidTransfer, Transfer
from tests.examples.funds.services import transfer
from tests.examples.funds.unit_of_work import FundsUnitOfWork


@pytest.fixture
def uow(alias: str) -> FundsUnitOfWork:
    """Ann has 100, Bob 50."""
    with FundsUnitOfWork(alias) as uow:
        uow.accounts.add(Account("Ann", 100))
        uow.accounts.add(Account("Bob", 50))
        uow.commit()
    return uow


class TestTransfer:
    def test_moves_the_amount_and_enters_it_in_the_journal(
        self, uow: FundsUnitOfWork, bank: Bank
    ) -> None:
        transfer(uow, "Ann", "Bob", 70)
        assert bank.balances() == {"Ann": 30, "Bob": 120}
        assert bank.journal() == [("Ann", "Bob", 70)]

    def test_may_take_all_there_is(self, uow: FundsUnitOfWork, bank: Bank) -> None:
        transfer(uow, "Bob", "Ann", 50)
        assert bank.balances() == {"Ann": 150, "Bob": 0}

    def test_follows_another_in_the_same_unit_of_work_object(
        self, uow: FundsUnitOfWork, bank: Bank
    ) -> None:
        transfer(uow, "Ann", "Bob", 1)
        transfer(uow, "Bob", "Ann", 2)
        assert bank.balances() == {"Ann": 101, "Bob": 49}
        assert bank.journal() == [("Ann", "Bob", 1), ("Bob", "Ann", 2)]


class TestRefused:
    """Whatever stops a transfer, nothing of it is stored."""

    @pytest.fixture(autouse=True)
    def nothing_is_stored(self, uow: FundsUnitOfWork, bank: Bank) -> Iterator[None]:
        yield
        assert bank.balances() == {"Ann": 100, "Bob": 50}
        assert bank.journal() == []

    def test_when_there_is_less(self, uow: FundsUnitOfWork) -> None:
        with pytest.raises(InsufficientFunds, match="Bob holds 50, which is less than 51") as info:
            transfer(uow, "Bob", "Ann", 51)
        assert (info.value.number, info.value.balance, info.value.amount) == ("Bob", 50, 51)

    @pytest.mark.parametrize(("source", "target"), [("Ann", "Eve"), ("Eve", "Ann")])
    def test_when_an_account_is_missing(
        self, uow: FundsUnitOfWork, source: str, target: str
    ) -> None:
        with pytest.raises(EntityNotFound, match="no Account with the key 'Eve'"):
            transfer(uow, source, target, 1)

    @pytest.mark.parametrize("amount", [0, -1])
    def test_when_there_is_no_amount(self, uow: FundsUnitOfWork, amount: int) -> None:
        with pytest.raises(InvalidTransfer, match="above zero"):
            transfer(uow, "Ann", "Bob", amount)

    def test_when_it_goes_nowhere(self, uow: FundsUnitOfWork) -> None:
        with pytest.raises(InvalidTransfer, match="cannot send money to itself"):
            transfer(uow, "Ann", "Ann", 1)

    def test_by_the_database_when_the_code_forgot(self, uow: FundsUnitOfWork) -> None:
        with uow:
            payer, payee = uow.accounts.lock("Bob", "Ann")
            payer.balance -= 51
            payee.balance += 51
            uow.transfers.add(Transfer("Bob", "Ann", 51))
            with pytest.raises(IntegrityError, match="account_not_overdrawn"):
                uow.commit()
