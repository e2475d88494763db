"""Promises 5, 16, 17, 19: warnings, hooks, participants, records."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from allocation.uow import (
    DiscardedChangesWarning,
    HooksFailed,
    Reentered,
    TransactionFailed,
    UndoFailed,
    UnitOfWork,
    correlation_id,
)
from allocation.uow.testing.contract.subject import Fixtures, Subject


class Recorder:
    """A participant that writes down what it was told, and fails where it is asked to."""

    def __init__(self, name: str, told: list[str], failing: str = "") -> None:
        self.name = name
        self.told = told
        self.failing = failing

    def _do(self, step: str) -> None:
        self.told.append(f"{step} {self.name}")
        if step == self.failing:
            raise RuntimeError(f"{self.name} cannot {step}")

    def prepare(self) -> None:
        self._do("prepare")

    def commit(self) -> None:
        self._do("commit")

    def rollback(self) -> None:
        self._do("rollback")


def failing(message: str) -> Callable[[], object]:
    def hook() -> None:
        raise RuntimeError(message)

    return hook


class Around(Fixtures):
    """What happens around the transaction."""

    # Promise 5: forgetting to commit is not silent.

    def test_a_forgotten_commit_is_told(
        self, subject: Subject, stored: Any, uow: UnitOfWork
    ) -> None:
        with pytest.warns(DiscardedChangesWarning) as warned, uow:
            subject.repository(uow).add(subject.make("a"))
            subject.repository(uow).add(subject.make("b"))
            uow.flush()
            subject.set_number(subject.repository(uow).get(stored), 5)
        [warning] = warned
        name = type(subject.make("a")).__name__
        assert f"2 new {name}, 1 changed {name} discarded" in str(warning.message)
        assert warning.filename == __file__

    def test_leaving_with_nothing_to_store_is_silent(
        self, subject: Subject, stored: Any, uow: UnitOfWork
    ) -> None:
        with uow:  # warnings are errors here
            subject.repository(uow).get(stored)
            uow.commit()
        with uow:
            subject.repository(uow).get(stored)

    def test_an_explicit_rollback_is_silent(self, subject: Subject, uow: UnitOfWork) -> None:
        with uow:
            subject.repository(uow).add(subject.make("a"))
            uow.rollback()

    def test_an_error_is_not_drowned_by_a_warning(self, subject: Subject, uow: UnitOfWork) -> None:
        with pytest.raises(RuntimeError, match="on purpose"), uow:
            subject.repository(uow).add(subject.make("a"))
            raise RuntimeError("on purpose")

    # Promise 16: hooks.

    def test_hooks_run_around_the_commit(self, subject: Subject, in_block: UnitOfWork) -> None:
        seen: list[object] = []
        in_block.after_commit(lambda: seen.append(dict(subject.committed())))
        in_block.before_commit(lambda: seen.append(dict(subject.committed())))
        subject.repository(in_block).add(subject.make("a"))
        in_block.commit()
        assert seen == [{}, {"a": 0}]
        in_block.commit()
        assert len(seen) == 2

    def test_hooks_before_the_commit_run_the_first_one_first(self, in_block: UnitOfWork) -> None:
        ran: list[str] = []
        in_block.before_commit(lambda: ran.append("one"))
        in_block.before_commit(lambda: ran.append("two"))
        in_block.commit()
        assert ran == ["one", "two"]

    def test_a_hook_before_the_commit_may_change_what_is_stored(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        entity = subject.make("a")
        subject.repository(in_block).add(entity)
        in_block.before_commit(lambda: subject.set_number(entity, 3))
        in_block.commit()
        assert subject.committed() == {"a": 3}

    def test_a_hook_before_the_commit_may_prevent_it(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        subject.repository(in_block).add(subject.make("a"))
        in_block.before_commit(failing("not today"))
        with pytest.raises(RuntimeError, match="not today"):
            in_block.commit()
        with pytest.raises(TransactionFailed):
            in_block.commit()
        assert subject.committed() == {}

    def test_all_hooks_after_the_commit_run_even_when_one_fails(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        ran: list[str] = []
        in_block.after_commit(failing("one"))
        in_block.after_commit(lambda: ran.append("two"))
        in_block.after_commit(failing("three"))
        subject.repository(in_block).add(subject.make("a"))
        with pytest.raises(HooksFailed, match="is committed") as raised:
            in_block.commit()
        assert [str(error) for error in raised.value.exceptions] == ["one", "three"]
        assert ran == ["two"]
        assert subject.committed() == {"a": 0}
        assert in_block.has_committed
        assert not in_block.is_conflict(raised.value)

    def test_all_hooks_after_the_commit_run_even_when_one_is_interrupted(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        ran: list[str] = []
        in_block.after_commit(interrupt)
        in_block.after_commit(failing("two"))
        in_block.after_commit(lambda: ran.append("three"))
        subject.repository(in_block).add(subject.make("a"))
        with pytest.raises(KeyboardInterrupt) as raised:
            in_block.commit()
        [note] = raised.value.__notes__
        assert "is committed" in note
        assert "two" in note
        assert ran == ["three"]
        assert subject.committed() == {"a": 0}

    def test_after_a_failed_hook_the_block_goes_on(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        in_block.after_commit(failing("one"))
        with pytest.raises(HooksFailed):
            in_block.commit()
        subject.repository(in_block).add(subject.make("a"))
        in_block.commit()
        assert subject.committed() == {"a": 0}

    def test_hooks_after_the_commit_do_not_run_without_one(
        self, subject: Subject, uow: UnitOfWork
    ) -> None:
        ran: list[str] = []
        with uow:
            uow.after_commit(lambda: ran.append("after a rollback"))
            uow.rollback()
            uow.commit()
            uow.after_commit(lambda: ran.append("after leaving"))
        assert ran == []

    def test_hooks_on_rollback_run_the_last_one_first(
        self, subject: Subject, uow: UnitOfWork
    ) -> None:
        ran: list[str] = []
        with uow:
            uow.on_rollback(lambda: ran.append("committed"))
            uow.commit()
            uow.on_rollback(lambda: ran.append("one"))
            uow.on_rollback(lambda: ran.append("two"))
            uow.rollback()
            assert ran == ["two", "one"]
            uow.on_rollback(lambda: ran.append("left"))
        assert ran == ["two", "one", "left"]

    def test_an_interrupt_in_a_hook_takes_nothing_back(
        self, subject: Subject, uow: UnitOfWork
    ) -> None:
        told: list[str] = []

        def interrupt() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), uow:
            uow.enlist(Recorder("a", told))
            uow.after_commit(interrupt)
            subject.repository(uow).add(subject.make("a"))
            uow.commit()
        assert told == ["prepare a", "commit a"]
        assert uow.has_committed
        assert subject.committed() == {"a": 0}

    def test_a_hook_before_the_commit_can_neither_commit_nor_roll_back(
        self, subject: Subject, uow: UnitOfWork
    ) -> None:
        for hook in (uow.commit, uow.rollback):
            with pytest.raises(Reentered, match="is committing"), uow:
                uow.before_commit(hook)
                subject.repository(uow).add(subject.make("a"))
                uow.commit()
        assert subject.committed() == {}

    def test_a_hook_after_the_commit_needs_a_unit_of_work_of_its_own(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        repository = subject.repository(in_block)
        in_block.after_commit(lambda: repository.add(subject.make("b")))
        in_block.after_commit(in_block.rollback)
        repository.add(subject.make("a"))
        with pytest.raises(HooksFailed) as raised:
            in_block.commit()
        assert [type(error) for error in raised.value.exceptions] == [Reentered, Reentered]
        assert subject.committed() == {"a": 0}

    # Promise 17: participants.

    def test_participants_are_prepared_before_and_committed_after_the_store(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        told: list[str] = []
        in_block.enlist(Recorder("a", told))
        in_block.enlist(Recorder("b", told))
        in_block.after_commit(lambda: told.append(f"hook sees {len(subject.committed())}"))
        subject.repository(in_block).add(subject.make("a"))
        in_block.commit()
        assert told == ["prepare a", "prepare b", "commit a", "commit b", "hook sees 1"]

    def test_what_one_changes_when_it_prepares_is_stored(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        entity = subject.make("a")

        class Numbering(Recorder):
            def prepare(self) -> None:
                subject.set_number(entity, 7)

        subject.repository(in_block).add(entity)
        in_block.enlist(Numbering("a", []))
        in_block.commit()
        assert subject.committed() == {"a": 7}

    def test_one_that_was_never_committed_is_told(self, uow: UnitOfWork) -> None:
        told: list[str] = []
        with pytest.warns(DiscardedChangesWarning, match="1 enlisted Recorder"), uow:
            uow.enlist(Recorder("a", told))
        assert told == ["rollback a"]

    def test_one_that_cannot_prepare_prevents_the_commit(
        self, subject: Subject, uow: UnitOfWork
    ) -> None:
        told: list[str] = []
        with pytest.raises(RuntimeError, match="b cannot prepare"), uow:
            uow.enlist(Recorder("a", told))
            uow.enlist(Recorder("b", told, failing="prepare"))
            uow.enlist(Recorder("c", told))
            subject.repository(uow).add(subject.make("a"))
            uow.commit()
        assert told == ["prepare a", "prepare b", "rollback c", "rollback b", "rollback a"]
        assert subject.committed() == {}

    def test_all_are_undone_when_the_store_refuses(
        self, subject: Subject, stored: Any, uow: UnitOfWork
    ) -> None:
        told: list[str] = []
        with pytest.raises(Exception, match=r"(?i)unique|duplicate|already"), uow:
            uow.enlist(Recorder("a", told))
            subject.repository(uow).add(subject.make("kept"))
            uow.commit()
        assert told == ["rollback a"]

    def test_all_are_undone_even_when_one_cannot_be(
        self, subject: Subject, uow: UnitOfWork
    ) -> None:
        told: list[str] = []
        with pytest.raises(UndoFailed) as raised, uow:
            for name, step in [("a", ""), ("b", "rollback"), ("c", "rollback")]:
                uow.enlist(Recorder(name, told, failing=step))
            raise LookupError("the first error")
        assert told == ["rollback c", "rollback b", "rollback a"]
        errors = [str(error) for error in raised.value.exceptions]
        assert errors == ["the first error", "c cannot rollback", "b cannot rollback"]

    def test_one_that_cannot_commit_is_told_when_all_have(
        self, subject: Subject, in_block: UnitOfWork
    ) -> None:
        told: list[str] = []
        in_block.enlist(Recorder("a", told, failing="commit"))
        in_block.enlist(Recorder("b", told))
        with pytest.raises(HooksFailed, match="is committed"):
            in_block.commit()
        assert told[2:] == ["commit a", "commit b"]

    def test_all_are_undone_even_when_an_interrupt_comes_in_between(self, uow: UnitOfWork) -> None:
        told: list[str] = []

        def interrupt() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), uow:
            uow.enlist(Recorder("a", told))
            uow.on_rollback(interrupt)
            raise LookupError("the first error")
        assert told == ["rollback a"]

    def test_an_interrupt_stays_one_when_undoing_fails(
        self, subject: Subject, uow: UnitOfWork
    ) -> None:
        with pytest.raises(KeyboardInterrupt) as raised, uow:
            uow.enlist(Recorder("a", [], failing="rollback"))
            raise KeyboardInterrupt
        assert "a cannot rollback" in raised.value.__notes__[0]

    # Promise 19: records.

    def test_it_is_quiet_by_default(self) -> None:
        assert logging.getLogger("allocation.uow").level == logging.NOTSET

    def test_it_records_what_it_did(
        self, subject: Subject, stored: Any, uow: UnitOfWork, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, logger="allocation.uow")
        token = correlation_id.set("request 7")
        try:
            with uow:
                subject.repository(uow).add(subject.make("a"))
                subject.set_number(subject.repository(uow).get(stored), 5)
                uow.commit()
        finally:
            correlation_id.reset(token)
        told: list[Any] = caplog.records
        assert [record.getMessage().split()[2] for record in told] == [
            "begun",
            "flushed",
            "committed",
            "left",
        ]
        assert {record.uow for record in told} == {told[0].uow}
        assert {record.correlation_id for record in told} == {"request 7"}
        assert (told[2].inserted, told[2].updated, told[2].deleted) == (1, 1, 0)
        assert told[2].seconds > 0

    def test_it_records_why_it_rolled_back(
        self, subject: Subject, uow: UnitOfWork, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, logger="allocation.uow")
        with pytest.raises(RuntimeError), uow:
            subject.repository(uow).add(subject.make("a"))
            uow.flush()
            raise RuntimeError("100 % on purpose")
        [record] = caplog.records
        assert "rolled back" in record.getMessage()
        assert "RuntimeError: 100 % on purpose" in record.getMessage()
