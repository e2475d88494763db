"""A set of the objects that live: the dead are swept out of it now and then."""

from __future__ import annotations

import gc

import pytest

from allocation.uow import living
from allocation.uow.living import Living


class Thing:
    """Is equal to any other."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing)

    def __hash__(self) -> int:
        return 1


class Slotted:
    """Has no room for weak references."""

    __slots__ = ()


def filled(known: Living[Thing], number: int) -> list[Thing]:
    """So many new things, all of them known."""
    things = [Thing() for _ in range(number)]
    for thing in things:
        known.add(thing)
    return things


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Living[Thing]:
    """Sweeps when there are more than ten."""
    monkeypatch.setattr(living, "_FEW", 10)
    return Living()


def test_the_same_is_known_and_not_its_equal(known: Living[Thing]) -> None:
    thing = Thing()
    known.add(thing)
    assert thing in known
    assert Thing() not in known


def test_what_cannot_be_referred_to_weakly_is_not_known() -> None:
    slotted, known = Slotted(), Living[Slotted]()
    known.add(slotted)
    assert slotted not in known


def test_of_many_the_dead_are_swept_out_and_the_living_stay(known: Living[Thing]) -> None:
    one_more, lasting, passing = Thing(), filled(known, 4), filled(known, 6)
    passing.clear()
    gc.collect()
    assert len(known._by_id) == 10
    known.add(one_more)
    assert len(known._by_id) == 5
    assert all(thing in known for thing in [*lasting, one_more])


def test_where_many_live_they_are_swept_when_there_are_twice_as_many(known: Living[Thing]) -> None:
    one_more, lasting, passing = Thing(), filled(known, 11), filled(known, 11)
    passing.clear()
    gc.collect()
    assert len(known._by_id) == 22
    known.add(one_more)
    assert len(known._by_id) == 12
    assert all(thing in known for thing in [*lasting, one_more])


def test_where_many_live_a_few_dead_are_left_for_later(known: Living[Thing]) -> None:
    one_more, lasting, passing = Thing(), filled(known, 11), filled(known, 5)
    passing.clear()
    gc.collect()
    known.add(one_more)
    assert len(known._by_id) == 17
    assert all(thing in known for thing in [*lasting, one_more])
