"""What every unit of work promises, as tests. Numbers refer to the promises in the guide.

Subclass `UnitOfWorkContract` in your tests and give it a fixture `subject`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from allocation.uow import (
    AlreadyEntered,
    AlreadyLeft,
    DuplicateKey,
    EntityNotFound,
    NotEntered,
    NotTracked,
    Repository,
    RepositoryNotBound,
    TransactionFailed,
    UniqueViolation,
    UnitOfWork,
    WrongEntityType,
    WrongThread,
)


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


class UnitOfWorkContract:
    """Subclass it, and define a fixture `subject` that returns a Subject with an empty store."""

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

    # -- 1: leaving without commit discards ------------------------------

    def test_a_commit_stores(self, subject: Subject, uow: UnitOfWork) -> None:
        with uow:
            subject.repository(uow).add(subject.make("a"))
            uow.commit()
        assert subject.committed() == {"a": 0}

    def test_nothing_is_stored_without_a_commit(
        self, subject: Subject, uow: UnitOfWork, stored: Any
    ) -> None:
        with uow:
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

    # -- 2: commit is final, rollback goes back to it ---------------------

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

    # -- 4: misuse -------------------------------------------------------

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

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert len(errors) == 2

    def test_entered_again_it_starts_clean(self, subject: Subject, uow: UnitOfWork) -> None:
        with uow:
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

    # -- 7: what failed cannot be committed --------------------------------

    def test_a_swallowed_failure_of_a_flush_cannot_be_committed(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        subject.repository(in_block).add(subject.make("a"))
        subject.repository(in_block).add(subject.make("kept"))
        with pytest.raises(UniqueViolation):
            in_block.flush()
        with pytest.raises(TransactionFailed) as raised:
            in_block.commit()
        assert isinstance(raised.value.__cause__, UniqueViolation)
        assert subject.committed() == {"kept": 1}

    def test_after_a_failure_one_can_start_over(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        subject.repository(in_block).add(subject.make("kept"))
        with pytest.raises(UniqueViolation):
            in_block.commit()
        in_block.rollback()
        subject.repository(in_block).add(subject.make("a"))
        in_block.commit()
        assert subject.committed() == {"kept": 1, "a": 0}

    # -- 8: tracking -----------------------------------------------------

    def test_it_shows_what_is_pending(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        new, kept = subject.make("a"), repository.get(stored)
        repository.add(new)
        assert (list(in_block.new), list(in_block.dirty)) == ([new], [])
        subject.set_number(kept, 2)
        assert list(in_block.dirty) == [kept]
        repository.remove(kept)
        assert (list(in_block.dirty), list(in_block.removed)) == ([], [kept])
        in_block.flush()
        assert [*in_block.new, *in_block.dirty, *in_block.removed] == []

    def test_new_then_removed_is_nothing(self, subject: Subject, in_block: UnitOfWork) -> None:
        entity = subject.make("a")
        subject.repository(in_block).add(entity)
        subject.repository(in_block).remove(entity)
        in_block.commit()
        assert subject.committed() == {}

    def test_removed_then_added_again_is_kept(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        kept = repository.get(stored)
        repository.remove(kept)
        subject.set_number(kept, 2)
        repository.add(kept)
        in_block.commit()
        assert subject.committed() == {"kept": 2}

    def test_added_twice_it_is_stored_once(self, subject: Subject, in_block: UnitOfWork) -> None:
        entity = subject.make("a")
        subject.repository(in_block).add(entity)
        subject.repository(in_block).add(entity)
        in_block.commit()
        subject.repository(in_block).add(entity)
        in_block.commit()
        assert subject.committed() == {"a": 0}

    def test_one_can_register_by_hand(self, subject: Subject, uow: UnitOfWork, stored: Any) -> None:
        with uow:
            kept = subject.repository(uow).get(stored)
        subject.set_number(kept, 3)
        with uow:
            uow.register_new(subject.make("a"))
            uow.register_dirty(kept)
            uow.commit()
        assert subject.committed() == {"a": 0, "kept": 3}
        with uow:
            uow.register_deleted(kept)
            uow.commit()
        assert subject.committed() == {"a": 0}

    # -- 9: identity map -------------------------------------------------

    def test_one_row_is_one_object(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        kept = repository.get(stored)
        assert repository.get(stored) is kept
        assert list(repository.list()) == [kept]
        assert repository.list()[0] is kept

    def test_a_later_query_keeps_unsaved_changes(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        subject.set_number(repository.get(stored), 9)
        assert subject.number(repository.get(stored)) == 9
        assert subject.number(repository.list()[0]) == 9

    def test_what_is_pending_is_found(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        new = subject.make("a")
        repository.add(new)
        repository.remove(repository.get(stored))
        assert list(repository.list()) == [new]
        assert repository.get(subject.key(new)) is new
        assert subject.committed() == {"kept": 1}

    def test_what_was_removed_is_not_found(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        repository.remove(repository.get(stored))
        with pytest.raises(EntityNotFound):
            repository.get(stored)

    def test_a_missing_key_is_named(self, subject: Subject, in_block: UnitOfWork) -> None:
        with pytest.raises(EntityNotFound, match="4711") as raised:
            subject.repository(in_block).get(4711)
        assert raised.value.key == 4711
        assert isinstance(raised.value, LookupError)

    def test_another_object_cannot_claim_a_known_key(
        self, subject: Subject, uow: UnitOfWork, stored: Any
    ) -> None:
        with subject.factory() as other:
            double = subject.repository(other).get(stored)
        with uow:
            kept = subject.repository(uow).get(stored)
            with pytest.raises(DuplicateKey, match=str(stored)):
                subject.repository(uow).add(double)
            assert subject.repository(uow).get(stored) is kept

    # -- 10: flush -------------------------------------------------------

    def test_a_flush_grants_keys_and_commits_nothing(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        entity = subject.make("a")
        subject.repository(in_block).add(entity)
        assert subject.key(entity) is None
        in_block.flush()
        assert subject.key(entity) is not None
        assert subject.committed() == {}

    # -- 11: order of writes ---------------------------------------------

    def test_a_unique_value_moves_from_a_removed_entity_to_a_new_one(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        repository.remove(repository.get(stored))
        repository.add(subject.make("kept"))
        in_block.commit()
        assert subject.committed() == {"kept": 0}

    # -- 15: entities stay usable ----------------------------------------

    def test_entities_can_be_read_after_the_block(
        self, subject: Subject, uow: UnitOfWork, stored: Any
    ) -> None:
        with uow:
            kept = subject.repository(uow).get(stored)
            subject.set_number(kept, 4)
            uow.commit()
        assert subject.number(kept) == 4
        assert subject.key(kept) == stored
