"""Promise 13: a part can be undone alone."""

from __future__ import annotations

from typing import Any

import pytest

from allocation.uow import (
    EntityNotFound,
    OpenSavepoint,
    TransactionFailed,
    UniqueViolation,
    UnitOfWork,
)
from allocation.uow.testing.contract.subject import Fixtures, Subject


class Undo(Exception):  # no error, but a wish
    """Leaves a savepoint so that it is undone."""


class Savepoints(Fixtures):
    """`with uow.savepoint():` undoes its own part on an error, in the store and in memory."""

    def test_a_savepoint_left_in_peace_is_kept(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        with in_block.savepoint():
            subject.repository(in_block).add(subject.make("a"))
        assert subject.committed() == {}
        in_block.commit()
        assert subject.committed() == {"a": 0}

    def test_a_savepoint_left_by_an_error_undoes_its_part_alone(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        before, within = subject.make("before"), subject.make("within")
        repository.add(before)
        with pytest.raises(Undo), in_block.savepoint():
            repository.add(within)
            repository.remove(repository.get(stored))
            subject.set_number(before, 7)
            in_block.flush()
            raise Undo
        repository.add(subject.make("after"))
        in_block.commit()
        assert subject.committed() == {"before": 0, "kept": 1, "after": 0}

    def test_a_savepoint_undone_restores_the_objects(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        kept, new = repository.get(stored), subject.make("a")
        subject.set_number(kept, 2)
        with pytest.raises(Undo), in_block.savepoint():
            subject.set_number(kept, 3)
            repository.add(new)
            in_block.flush()
            subject.set_number(kept, 4)
            raise Undo
        assert subject.number(kept) == 2
        assert subject.key(new) is None
        assert list(in_block.new) == []
        in_block.commit()
        assert subject.committed() == {"kept": 2}

    def test_savepoints_nest(self, subject: Subject, in_block: UnitOfWork) -> None:
        repository = subject.repository(in_block)
        entity = subject.make("a")
        with in_block.savepoint():
            repository.add(entity)
            with pytest.raises(Undo), in_block.savepoint():
                subject.set_number(entity, 1)
                with in_block.savepoint():
                    repository.add(subject.make("b"))
                raise Undo
            assert subject.number(entity) == 0
        in_block.commit()
        assert subject.committed() == {"a": 0}

    def test_an_outer_savepoint_undoes_what_an_inner_one_kept(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        kept, new = repository.get(stored), subject.make("a")
        with pytest.raises(Undo), in_block.savepoint():
            with in_block.savepoint():
                subject.set_number(kept, 5)
                repository.add(new)
            raise Undo
        assert subject.number(kept) == 1
        assert subject.key(new) is None
        in_block.commit()
        assert subject.committed() == {"kept": 1}

    def test_a_savepoint_saves_from_a_failed_flush(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        repository.add(subject.make("a"))
        with pytest.raises(UniqueViolation), in_block.savepoint():
            repository.add(subject.make("kept"))
        in_block.commit()
        assert subject.committed() == {"kept": 1, "a": 0}

    def test_a_swallowed_failure_does_not_leave_a_savepoint_in_peace(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        with pytest.raises(TransactionFailed), in_block.savepoint():
            repository.add(subject.make("kept"))
            with pytest.raises(UniqueViolation):
                in_block.flush()
        in_block.commit()
        assert subject.committed() == {"kept": 1}

    def test_what_was_removed_in_it_can_be_found_again(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        kept = repository.get(stored)
        with pytest.raises(Undo), in_block.savepoint():
            repository.remove(kept)
            in_block.flush()
            with pytest.raises(EntityNotFound):
                repository.get(stored)
            raise Undo
        assert repository.get(stored) is kept

    def test_a_rollback_undoes_savepoints_that_were_kept(
        self, subject: Subject, stored: Any, in_block: UnitOfWork
    ) -> None:
        kept = subject.repository(in_block).get(stored)
        with in_block.savepoint():
            subject.set_number(kept, 5)
        in_block.rollback()
        assert subject.number(kept) == 1

    def test_the_unit_of_work_cannot_be_ended_inside_one(self, in_block: UnitOfWork) -> None:
        for end in (in_block.commit, in_block.rollback):
            with in_block.savepoint(), pytest.raises(OpenSavepoint, match="leave that block first"):
                end()

    def test_hooks_of_an_undone_savepoint_do_not_run(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        ran: list[str] = []
        with pytest.raises(Undo), in_block.savepoint():
            in_block.before_commit(lambda: ran.append("before commit"))
            in_block.after_commit(lambda: ran.append("after commit"))
            in_block.on_rollback(lambda: ran.append("undone"))
            raise Undo
        in_block.commit()
        assert ran == ["undone"]
