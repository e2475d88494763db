"""Promises 8 to 15: what it knows of its entities."""

from __future__ import annotations

from typing import Any

import pytest

from allocation.uow import (
    DuplicateKey,
    EntityNotFound,
    ForeignEntity,
    NotTracked,
    TransactionFailed,
    UniqueViolation,
    UnitOfWork,
)
from allocation.uow.testing.contract.subject import Fixtures, Subject


class Tracking(Fixtures):
    """What was added, changed and removed is written, and nothing else."""

    # Promise 7: what failed cannot be committed.

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

    # Promise 8: tracking.

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

    def test_removed_flushed_and_added_again_it_survives_a_rollback(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        kept = repository.get(stored)
        repository.remove(kept)
        in_block.flush()
        repository.add(kept)
        in_block.flush()
        in_block.rollback()
        subject.set_number(kept, 9)
        in_block.commit()
        assert subject.committed() == {"kept": 9}

    # Promise 9: identity map.

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

    # Misuse: an entity of another unit of work.

    def test_an_entity_of_another_unit_of_work_is_refused(
        self, subject: Subject, uow: UnitOfWork, stored: Any
    ) -> None:
        with subject.factory() as other:
            foreign = subject.repository(other).get(stored)
        with uow:
            with pytest.raises(ForeignEntity, match="register_dirty"):
                subject.repository(uow).add(foreign)
            with pytest.raises(NotTracked):
                subject.repository(uow).remove(foreign)

    def test_an_entity_that_another_unit_of_work_removed_is_new_again(
        self, subject: Subject, uow: UnitOfWork, stored: Any
    ) -> None:
        with subject.factory() as other:
            removed = subject.repository(other).get(stored)
            subject.repository(other).remove(removed)
            other.commit()
        assert subject.committed() == {}
        with uow:
            subject.repository(uow).add(removed)
            uow.commit()
        assert subject.committed() == {"kept": 1}

    def test_an_entity_that_was_rolled_back_may_be_added_to_another_unit_of_work(
        self, subject: Subject, uow: UnitOfWork
    ) -> None:
        entity = subject.make("a")
        with subject.factory() as other:
            subject.repository(other).add(entity)
            other.flush()
            other.rollback()
        with uow:
            subject.repository(uow).add(entity)
            uow.commit()
        assert subject.committed() == {"a": 0}

    def test_a_removal_that_was_rolled_back_leaves_it_stored(
        self, subject: Subject, uow: UnitOfWork, stored: Any
    ) -> None:
        with subject.factory() as other:
            kept = subject.repository(other).get(stored)
            subject.repository(other).remove(kept)
            other.flush()
            other.rollback()
        with uow, pytest.raises(ForeignEntity):
            subject.repository(uow).add(kept)

    # Promise 10: flush.

    def test_a_flush_grants_keys_and_commits_nothing(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        entity = subject.make("a")
        subject.repository(in_block).add(entity)
        assert subject.key(entity) is None
        in_block.flush()
        assert subject.key(entity) is not None
        assert subject.committed() == {}

    # Promise 11: order of writes.

    def test_a_unique_value_moves_from_a_removed_entity_to_a_new_one(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        repository.remove(repository.get(stored))
        repository.add(subject.make("kept"))
        in_block.commit()
        assert subject.committed() == {"kept": 0}

    # Promise 15: entities stay usable.

    def test_entities_can_be_read_after_the_block(
        self, subject: Subject, uow: UnitOfWork, stored: Any
    ) -> None:
        with uow:
            kept = subject.repository(uow).get(stored)
            subject.set_number(kept, 4)
            uow.commit()
        assert subject.number(kept) == 4
        assert subject.key(kept) == stored
