"""`Model.save()` inside the block goes past the unit of work: what happens then."""

from __future__ import annotations

import threading

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from allocation.uow import Bypassed, DiscardedChangesWarning
from tests.conftest import Fetch
from tests.examples.pitfalls.guard import BypassWarning, Guarded
from tests.examples.pitfalls.models import Card, Member
from tests.examples.pitfalls.unit_of_work import ClubUnitOfWork


class Rows:
    """The members as others see them."""

    def __init__(self, alias: str, fetch: Fetch) -> None:
        self._alias, self._fetch = alias, fetch

    def __call__(self) -> list[tuple[str, int, int]]:
        return self._fetch(
            self._alias, "SELECT email, points, version FROM pitfalls_member ORDER BY id"
        )


@pytest.fixture
def rows(alias: str, fetch: Fetch) -> Rows:
    return Rows(alias, fetch)


@pytest.fixture
def uow(alias: str) -> ClubUnitOfWork:
    """Ann is a member."""
    with ClubUnitOfWork(alias) as uow:
        uow.members.add(Member(email="ann"))
        uow.commit()
    return uow


class TestOfSomethingNew:
    def test_is_stored_with_the_rest(self, uow: ClubUnitOfWork, alias: str, rows: Rows) -> None:
        with uow:
            Member(email="bob").save(using=alias)
            assert rows() == [("ann", 0, 0)]
            uow.commit()
        assert rows() == [("ann", 0, 0), ("bob", 0, 0)]

    def test_is_discarded_without_a_word_when_the_commit_is_forgotten(
        self, uow: ClubUnitOfWork, alias: str, rows: Rows
    ) -> None:
        with uow:  # warnings are errors here: there is none
            Member(email="bob").save(using=alias)
        assert rows() == [("ann", 0, 0)]

    def test_believes_to_be_stored_after_a_rollback(self, uow: ClubUnitOfWork, alias: str) -> None:
        """What is tracked is taken back in memory, too. This is not: it keeps its lost key."""
        tracked, saved = Member(email="bob"), Member(email="eve")
        with uow:
            uow.members.add(tracked)
            uow.flush()
            saved.save(using=alias)
            uow.rollback()
        assert (tracked.pk is None, tracked._state.adding) == (True, True)
        assert (saved.pk is None, saved._state.adding) == (False, False)

    def test_that_was_added_is_refused_for_it_would_be_stored_twice(
        self, uow: ClubUnitOfWork, alias: str, rows: Rows
    ) -> None:
        with pytest.raises(Bypassed, match="leave save"), uow:
            bob = Member(email="bob")
            uow.members.add(bob)
            bob.save(using=alias)
            uow.commit()
        assert rows() == [("ann", 0, 0)]

    @pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])
    def test_without_a_database_goes_elsewhere_and_at_once(self, fetch: Fetch) -> None:
        """`save()` asks Django's routers where to, not the unit of work."""
        with ClubUnitOfWork("postgresql"):
            Member(email="bob").save()
        assert fetch("default", "SELECT email FROM pitfalls_member") == [("bob",)]
        assert fetch("postgresql", "SELECT email FROM pitfalls_member") == []


class TestOfSomethingLoaded:
    def test_is_written_twice_and_counted_once(
        self, uow: ClubUnitOfWork, alias: str, rows: Rows
    ) -> None:
        """It is still another than the one that was loaded, so the flush writes it as well."""
        with uow, CaptureQueriesContext(connections[alias]) as queries:
            [ann] = uow.members.list()
            ann.points = 5
            ann.save()
            uow.commit()
        assert sum(query["sql"].startswith("UPDATE") for query in queries) == 2
        assert rows() == [("ann", 5, 1)]

    def test_is_told_when_the_commit_is_forgotten(self, uow: ClubUnitOfWork, rows: Rows) -> None:
        with pytest.warns(DiscardedChangesWarning, match="1 changed Member"), uow:
            [ann] = uow.members.list()
            ann.points = 5
            ann.save()
        assert ann.points == 0
        assert rows() == [("ann", 0, 0)]

    def test_as_deletion_is_refused(self, uow: ClubUnitOfWork, rows: Rows) -> None:
        """Django takes the key away from what it has deleted."""
        with pytest.raises(Bypassed, match="instead of delete"), uow:
            [ann] = uow.members.list()
            ann.delete()
            uow.commit()
        assert ann.pk is not None
        assert rows() == [("ann", 0, 0)]

    def test_as_update_is_overwritten_by_what_was_read_before(
        self, uow: ClubUnitOfWork, rows: Rows
    ) -> None:
        """The version does not help: `update()` counts none. To read again does."""
        with uow:
            [ann] = uow.members.list()
            uow.members.objects.update(points=100)
            ann.points += 1
            uow.commit()
        assert rows() == [("ann", 1, 1)]

    def test_as_update_is_seen_by_whoever_reads_again(
        self, uow: ClubUnitOfWork, rows: Rows
    ) -> None:
        with uow:
            [ann] = uow.members.list()
            uow.members.objects.update(points=100)
            uow.members.list()
            ann.points += 1
            uow.commit()
        assert rows() == [("ann", 101, 1)]

    def test_is_not_even_needed_to_lose_what_a_relation_gave(
        self, uow: ClubUnitOfWork, rows: Rows
    ) -> None:
        """What Django loads by itself was given out by no repository: nobody watches it."""
        with uow:
            uow.cards.add(Card(number="1", member=uow.members.list()[0]))
            uow.commit()
        with uow:
            card = uow.cards.get("1")
            card.member.points = 5
            uow.commit()
        assert rows() == [("ann", 0, 0)]


class GuardedUnitOfWork(Guarded, ClubUnitOfWork):
    """As a project would have it in development and in its tests."""


class TestGuard:
    """Where it can be seen cheaply, it is."""

    def test_warns_of_save(self, uow: ClubUnitOfWork, alias: str) -> None:
        with GuardedUnitOfWork(alias), pytest.warns(BypassWarning, match="Member: bob"):
            Member(email="bob").save(using=alias)

    def test_warns_of_delete(self, uow: ClubUnitOfWork, alias: str) -> None:
        with GuardedUnitOfWork(alias) as guarded:
            [ann] = guarded.members.list()
            with pytest.warns(BypassWarning, match="by itself inside GuardedUnitOfWork"):
                ann.delete()
            guarded.rollback()

    def test_is_silent_about_the_unit_of_work_itself(
        self, uow: ClubUnitOfWork, alias: str, rows: Rows
    ) -> None:
        with GuardedUnitOfWork(alias) as guarded:
            [ann] = guarded.members.list()
            guarded.members.remove(ann)
            guarded.members.add(Member(email="bob"))
            guarded.commit()
        assert rows() == [("bob", 0, 0)]

    def test_is_silent_outside_the_block(self, uow: ClubUnitOfWork, alias: str) -> None:
        with GuardedUnitOfWork(alias):
            pass
        Member(email="bob").save(using=alias)

    def test_is_silent_about_other_threads(self, uow: ClubUnitOfWork, alias: str) -> None:
        errors: list[Warning] = []

        def other() -> None:
            try:
                Member(email="bob").save(using=alias)
            except Warning as warning:
                errors.append(warning)
            finally:
                connections.close_all()

        with GuardedUnitOfWork(alias):
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
        assert errors == []
