"""Many transfers at once, from both sides: money is conserved, and nobody sees a deadlock."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest
from django.db import connections

from allocation.uow import retry
from tests.examples.funds.conftest import Bank
from tests.examples.funds.domain import Account, InsufficientFunds
from tests.examples.funds.services import transfer, transfer_without_locks
from tests.examples.funds.unit_of_work import FundsUnitOfWork
from tests.support.databases import POSTGRESQL, SQLITE

ROUNDS: Final = 15
OPENING: Final = {"Ann": 60, "Bob": 40}


@pytest.fixture(autouse=True)
def accounts(alias: str) -> None:
    with FundsUnitOfWork(alias) as uow:
        for number, balance in OPENING.items():
            uow.accounts.add(Account(number, balance))
        uow.commit()


def from_both_sides(threads: int, send: Callable[[str, str, int], None]) -> int:
    """Half of the threads send from Ann to Bob, half back; returns how often there was too little.

    Whatever else one of them raises is raised here.
    """
    start = threading.Barrier(threads)

    def client(number: int) -> int:
        refused = 0
        source, target = sorted(OPENING, reverse=bool(number % 2))
        start.wait()
        try:
            for round_ in range(ROUNDS):
                try:
                    send(source, target, 1 + (number + round_) % 20)
                except InsufficientFunds:
                    refused += 1
        finally:
            connections.close_all()  # those of this thread
        return refused

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(client, range(threads)))


def check(bank: Bank, *, transfers: int) -> None:
    """No cent more or less, and the journal tells where each of them went."""
    balances = bank.balances()
    assert sum(balances.values()) == sum(OPENING.values())
    expected = Counter(OPENING)
    for source, target, amount in bank.journal():
        expected[source] -= amount
        expected[target] += amount
    assert balances == expected
    assert len(bank.journal()) == transfers


@pytest.mark.parametrize(("alias", "threads"), [(POSTGRESQL, 16), (SQLITE, 4)])
def test_locks_in_one_order_never_deadlock(alias: str, threads: int, bank: Bank) -> None:
    """There is nothing to be tried again: a single refused transfer would be raised here."""
    refused = from_both_sides(
        threads, lambda *transaction: transfer(FundsUnitOfWork(alias), *transaction)
    )
    check(bank, transfers=threads * ROUNDS - refused)


@pytest.mark.parametrize(("alias", "threads"), [(POSTGRESQL, 8), (SQLITE, 4)])
def test_without_locks_the_overtaken_try_again(alias: str, threads: int, bank: Bank) -> None:
    refused = from_both_sides(
        threads,
        lambda *transaction: retry(
            lambda uow: transfer_without_locks(uow, *transaction),
            lambda: FundsUnitOfWork(alias),
            attempts=1000,
            longest_wait=0.05,
        ),
    )
    check(bank, transfers=threads * ROUNDS - refused)
