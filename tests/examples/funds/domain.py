"""Accounts and transfers. Amounts are in cents."""

from __future__ import annotations

from dataclasses import dataclass


class InvalidTransfer(ValueError):
    """A transfer that moves nothing: no amount, or no other account."""


class InsufficientFunds(Exception):
    """An account holds less than is to be taken from it. Carries `number`, `balance`, `amount`."""

    def __init__(self, number: str, balance: int, amount: int) -> None:
        self.number = number
        self.balance = balance
        self.amount = amount
        super().__init__(f"Account {number} holds {balance}, which is less than {amount}.")


@dataclass(eq=False)
class Account:
    number: str
    balance: int = 0
    version: int = 0

    def deposit(self, amount: int) -> None:
        self.balance += amount

    def withdraw(self, amount: int) -> None:
        """Raises InsufficientFunds."""
        if amount > self.balance:
            raise InsufficientFunds(self.number, self.balance, amount)
        self.balance -= amount


@dataclass(eq=False)
class Transfer:
    """What was moved: the entry in the journal. Raises InvalidTransfer."""

    source: str
    target: str
    amount: int
    id: int | None = None

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise InvalidTransfer(f"The amount of a transfer is above zero, not {self.amount}.")
        if self.source == self.target:
            raise InvalidTransfer(f"Account {self.source} cannot send money to itself.")
