"""Promises 1 to 7: from entering to leaving."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from allocation.uow import (
    AlreadyEntered,
    AlreadyLeft,
    DiscardedChangesWarning,
    NotEntered,
    NotTracked,
    Repository,
    RepositoryNotBound,
    UnitOfWork,
    WrongEntityType,
    WrongThread,
)
from allocation.uow.testing.contract.subject import Fixtures, Subject


class Lifecycle(Fixtures):
    """A block stores all of it or nothing, and says so."""

    # Promise 1: leaving without commit discards.

    def test_a_commit_stores(self, subject: Subject, uow: UnitOfWork) -> None:
        with uow:
            subject.repository(uow).add(subject.make("a"))
            uow.commit()
        assert subject.committed() == {"a": 0}

    def test_nothing_is_stored_without_a_commit(
        self, subject: Subject, uow: UnitOfWork, stored: Any
    ) -> None:
        with pytest.warns(DiscardedChangesWarning), uow:
            subject.repository(uow).add(subject.make("a"))
            subject.set_number(subject.repository(uow).get(stored), 5)
            uow.flush()
        assert subject.committed() == {"kept": 1}

    def test_nothing_is_stored_when_an_error_leaves_the_block(
        self, subject: Subject, uow: UnitOfWork, stored: Any
    ) -> None:
        def fail() -> None:
            with uow:
                subject.repository(uow).remove(subject.repository(uow).get(stored))
                uow.flush()
                raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            fail()
        assert subject.committed() == {"kept": 1}

    # Promise 2: commit is final, rollback goes back to it.

    def test_a_commit_is_seen_by_others_before_the_block_ends(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        subject.repository(in_block).add(subject.make("a"))
        in_block.commit()
        assert subject.committed() == {"a": 0}

    def test_an_error_after_a_commit_takes_nothing_back(
        self, subject: Subject, uow: UnitOfWork
    ) -> None:
        def fail() -> None:
            with uow:
                subject.repository(uow).add(subject.make("a"))
                uow.commit()
                subject.repository(uow).add(subject.make("b"))
                uow.flush()
                raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            fail()
        assert subject.committed() == {"a": 0}

    def test_a_block_may_commit_several_times(self, subject: Subject, uow: UnitOfWork) -> None:
        with uow:
            entity = subject.make("a")
            subject.repository(uow).add(entity)
            uow.commit()
            subject.set_number(entity, 1)
            uow.commit()
            subject.set_number(entity, 2)
            uow.rollback()
        assert subject.committed() == {"a": 1}

    def test_rollback_goes_back_to_the_last_commit(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        repository.add(subject.make("a"))
        in_block.commit()
        repository.add(subject.make("b"))
        in_block.flush()
        in_block.rollback()
        repository.add(subject.make("c"))
        in_block.commit()
        assert subject.committed() == {"a": 0, "c": 0}

    def test_rollback_takes_the_objects_back_too(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        kept = subject.repository(in_block).get(stored)
        new = subject.make("a")
        subject.set_number(kept, 5)
        subject.repository(in_block).add(new)
        in_block.flush()
        in_block.rollback()
        assert subject.number(kept) == 1
        assert subject.key(new) is None
        assert not in_block.dirty
        assert not in_block.new

    def test_what_is_changed_after_a_rollback_is_stored(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        kept = subject.repository(in_block).get(stored)
        subject.set_number(kept, 5)
        in_block.rollback()
        subject.set_number(kept, 7)
        in_block.commit()
        assert subject.committed() == {"kept": 7}

    def test_a_removal_is_taken_back_by_a_rollback(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        kept = repository.get(stored)
        repository.remove(kept)
        in_block.flush()
        in_block.rollback()
        assert repository.get(stored) is kept

    # Promise 4: misuse.

    def test_it_must_be_entered_first(self, subject: Subject, uow: UnitOfWork) -> None:
        for use in (uow.commit, uow.rollback, uow.flush, subject.repository(uow).list):
            with pytest.raises(NotEntered, match="has not been entered"):
                use()

    def test_it_cannot_be_used_after_it_was_left(self, subject: Subject, uow: UnitOfWork) -> None:
        with uow:
            repository = subject.repository(uow)
        for use in (uow.commit, uow.rollback, uow.flush, repository.list):
            with pytest.raises(AlreadyLeft, match="has been left"):
                use()

    def test_it_cannot_be_entered_twice_at_once(self, uow: UnitOfWork) -> None:
        with uow, pytest.raises(AlreadyEntered, match="has been entered"):
            uow.__enter__()

    def test_it_cannot_be_used_from_another_thread(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        errors: list[BaseException] = []

        def use() -> None:
            for call in (in_block.commit, subject.repository(in_block).list):
                try:
                    call()
                except WrongThread as error:
                    errors.append(error)
            subject.release()

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert len(errors) == 2

    def test_entered_again_it_starts_clean(self, subject: Subject, uow: UnitOfWork) -> None:
        with pytest.warns(DiscardedChangesWarning), uow:
            subject.repository(uow).add(subject.make("a"))
        with uow:
            assert not uow.new
            subject.repository(uow).add(subject.make("b"))
            uow.commit()
        assert subject.committed() == {"b": 0}

    def test_a_repository_needs_a_unit_of_work(self, subject: Subject, uow: UnitOfWork) -> None:
        repository = subject.repository(uow)
        [unbound] = [
            value
            for cls in type(uow).__mro__
            for value in vars(cls).values()
            if isinstance(value, Repository) and value.mapper is repository.mapper
        ]
        with pytest.raises(RepositoryNotBound, match="no unit of work"):
            unbound.list()

    def test_a_repository_keeps_one_type(self, subject: Subject, in_block: UnitOfWork) -> None:
        with pytest.raises(WrongEntityType):
            subject.repository(in_block).add("a string")
        with pytest.raises(WrongEntityType):
            in_block.register_new("a string")

    def test_a_stranger_cannot_be_removed(self, subject: Subject, in_block: UnitOfWork) -> None:
        with pytest.raises(NotTracked):
            subject.repository(in_block).remove(subject.make("a"))
