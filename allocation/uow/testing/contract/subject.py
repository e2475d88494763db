"""What the contract is about: a unit of work of yours, and a store behind it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from allocation.uow import Repository, UnitOfWork


class Subject(ABC):
    """A unit of work under test, and one of its repositories."""

    @abstractmethod
    def factory(self) -> UnitOfWork:
        """A new unit of work; all of them on the same store."""

    @abstractmethod
    def repository(self, uow: UnitOfWork) -> Repository[Any]:
        """The repository under test, of `uow`."""

    @abstractmethod
    def make(self, name: str) -> Any:
        """A new entity: its unique value is `name`, its number 0. The store grants its key."""

    @abstractmethod
    def key(self, entity: Any) -> Any:
        """The key of an entity; None before it is granted."""

    @abstractmethod
    def number(self, entity: Any) -> int: ...

    @abstractmethod
    def set_number(self, entity: Any, number: int) -> None: ...

    @abstractmethod
    def committed(self) -> Mapping[str, int]:
        """Name and number of all that is stored, as others see it: not through the kernel."""

    def release(self) -> None:  # noqa: B027  # most stores have nothing to give back
        """Give back what a thread that ends holds, such as its database connection."""

    def elsewhere(self, work: Callable[[UnitOfWork], object]) -> None:
        """Do `work` in a unit of work of another thread, commit it, and wait for that."""
        errors: list[BaseException] = []

        def run() -> None:
            try:
                with self.factory() as uow:
                    work(uow)
                    uow.commit()
            except BaseException as error:  # noqa: BLE001  # raised where it is waited for
                errors.append(error)
            finally:
                self.release()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]


class Fixtures:
    """What the parts of the contract share."""

    @pytest.fixture
    def uow(self, subject: Subject) -> UnitOfWork:
        return subject.factory()

    @pytest.fixture
    def stored(self, subject: Subject) -> Any:
        """The key of an entity «kept» with the number 1 that was there before."""
        uow = subject.factory()
        with uow:
            entity = subject.make("kept")
            subject.set_number(entity, 1)
            subject.repository(uow).add(entity)
            uow.commit()
            return subject.key(entity)

    @pytest.fixture
    def in_block(self, uow: UnitOfWork) -> Iterator[UnitOfWork]:
        with uow:
            yield uow
            uow.rollback()
