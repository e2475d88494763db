"""The fakes of the book, as a shop."""

from __future__ import annotations

from datetime import date

from tests.unit.book.test_services import FakeUnitOfWork
from tests.unit.services_contract import Shop, Stored


class FakeShop(Shop):
    """One fake for all, as a test of the book has it: there is nothing to commit to."""

    def __init__(self) -> None:
        self.fake = FakeUnitOfWork()

    def uow(self) -> FakeUnitOfWork:
        return self.fake

    def stored(self) -> Stored:
        return Stored.of(self.fake.batches.list(), self.fake.batches._backlog)

    def etas(self) -> dict[str, date | None]:
        return {batch.reference: batch.eta for batch in self.fake.batches.list()}
