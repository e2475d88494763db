"""What the unit of work in memory has of its own, besides the contract."""

from __future__ import annotations

import pytest

from allocation.uow import ExchangedValues, UnitOfWork
from allocation.uow.testing import InMemoryRepository, InMemoryUnitOfWork
from tests.kernel.test_contract import InMemory, Thing, ThingUnitOfWork


class CodesUnitOfWork(InMemoryUnitOfWork):
    things = InMemoryRepository(Thing, key="name", unique=[["number"]])


def test_in_memory_keys_and_unique_values_are_enforced_between_units_of_work() -> None:
    first = CodesUnitOfWork()
    with first:
        first.things.add(Thing("a", 1))
        first.commit()
    for twin in (Thing("a", 2), Thing("b", 1)):
        second = CodesUnitOfWork(first.database)
        with pytest.raises(Exception, match="already"), second:
            second.things.add(twin)
            second.commit()


def test_in_memory_several_may_have_no_value() -> None:
    with CodesUnitOfWork() as uow:
        for name in "ab":
            thing = Thing(name)
            thing.number = None  # type: ignore[assignment]  # as NULL in a database
            uow.things.add(thing)
        uow.commit()
        assert len(uow.things.list()) == 2


def test_an_error_elsewhere_is_raised_here() -> None:
    def fail(uow: UnitOfWork) -> None:
        raise LookupError("elsewhere")

    with pytest.raises(LookupError, match="elsewhere"):
        InMemory().elsewhere(fail)


def test_a_base_repository_is_reached_through_an_instance_alone() -> None:
    assert ThingUnitOfWork.things is ThingUnitOfWork.things
    assert isinstance(ThingUnitOfWork(), UnitOfWork)


def test_in_memory_nobody_exchanges_unique_values_in_one_flush() -> None:
    with CodesUnitOfWork() as uow:
        uow.things.add(Thing("a", 1))
        uow.things.add(Thing("b", 2))
        uow.commit()
        one, two = uow.things.get("a"), uow.things.get("b")
        one.number, two.number = two.number, one.number
        with pytest.raises(ExchangedValues, match="third value in between"):
            uow.flush()
        uow.rollback()
