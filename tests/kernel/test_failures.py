"""A store that fails, and blocks that end oddly: the first error is the one that is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import OperationalError, connections

from allocation.uow import AlreadyLeft, TransactionFailed, UndoFailed, UnitOfWork
from tests.conftest import Fetch
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork
from tests.kernel.test_contract import Thing, ThingUnitOfWork


@pytest.mark.django_db(transaction=True)
def test_a_database_that_cannot_be_reached_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection = connections["default"]
    connection.close()
    uow = ShopUnitOfWork()
    with monkeypatch.context() as broken:
        broken.setitem(connection.settings_dict, "NAME", str(tmp_path / "no folder" / "x"))
        with pytest.raises(OperationalError):
            uow.__enter__()
    assert connection.execute_wrappers == []
    with uow:  # it was not entered, so it can be now
        assert uow.products.list() == []


def test_a_block_that_is_dropped_inside_a_savepoint_is_undone(alias: str, fetch: Fetch) -> None:
    uow = ShopUnitOfWork(alias)
    uow.__enter__()
    uow.products.add(Product(name="a"))
    savepoint = uow.savepoint()
    savepoint.__enter__()
    with pytest.warns(UserWarning, match="without commit"):
        uow.__exit__(None, None, None)
    assert not connections[alias].in_atomic_block
    assert fetch(alias, "SELECT * FROM kernel_product") == []
    with pytest.raises(AlreadyLeft):
        savepoint.__exit__(None, None, None)


class UnreachableUnitOfWork(ThingUnitOfWork):
    """Its store has a bad day."""

    def fail(self, *names: str) -> None:
        def failing() -> None:
            raise OSError("unreachable")

        for name in names:
            setattr(self.store, name, failing)


def test_a_commit_is_one_even_when_no_transaction_can_follow() -> None:
    with UnreachableUnitOfWork() as uow:
        uow.things.add(Thing("a"))
        uow.fail("begin")
        uow.commit()
        assert uow.has_committed
        with pytest.raises(TransactionFailed) as raised:
            uow.things.list()
    assert isinstance(raised.value.__cause__, OSError)
    assert len(uow.database.tables["Thing"]) == 1


@pytest.mark.parametrize("moment", ["_require_outermost", "_write", "_begin_again"])
def test_an_interrupt_at_any_moment_of_a_commit_goes_on(moment: str, alias: str) -> None:
    class Interrupted(ShopUnitOfWork):
        """Is interrupted in one of the steps of its commit."""

    def interrupt(_: UnitOfWork) -> None:
        raise KeyboardInterrupt

    setattr(Interrupted, moment, interrupt)
    uow = Interrupted(alias)
    with pytest.raises(KeyboardInterrupt), uow:
        uow.products.add(Product(name="a"))
        uow.commit()
    assert not connections[alias].in_atomic_block
    assert uow.has_committed is (moment == "_begin_again")
    with uow:  # it can be entered again
        pass


def test_a_rollback_that_fails_does_not_hide_the_first_error() -> None:
    with (
        pytest.raises(LookupError, match="the first error") as raised,
        UnreachableUnitOfWork() as uow,
    ):
        uow.fail("rollback")
        raise LookupError("the first error")
    assert "unreachable" in raised.value.__notes__[0]


def test_a_rollback_that_fails_alone_is_told() -> None:
    with pytest.raises(OSError, match="unreachable"), UnreachableUnitOfWork() as uow:
        uow.fail("rollback")


def test_a_savepoint_that_cannot_be_undone_fails_the_whole() -> None:
    uow = UnreachableUnitOfWork()
    with uow:

        def failing(*, rollback: bool) -> None:
            raise OSError("unreachable")

        with pytest.raises(LookupError, match="the first error") as raised, uow.savepoint():
            uow.store.end_savepoint = failing  # type: ignore[method-assign]  # a bad day
            raise LookupError("the first error")
        assert "unreachable" in raised.value.__notes__[0]
        with pytest.raises(TransactionFailed) as failed:
            uow.commit()
    assert isinstance(failed.value.__cause__, OSError)


def test_a_rollback_and_an_undo_step_that_fail_are_told_together() -> None:
    with pytest.raises(UndoFailed) as raised, UnreachableUnitOfWork() as uow:
        uow.on_rollback(lambda: 1 / 0)
        uow.fail("rollback")
    assert [type(error) for error in raised.value.exceptions] == [OSError, ZeroDivisionError]


def test_undo_steps_that_fail_in_a_rollback_are_told_together() -> None:
    with UnreachableUnitOfWork() as uow:
        uow.on_rollback(lambda: 1 / 0)
        with pytest.raises(UndoFailed) as raised:
            uow.rollback()
        uow.things.add(Thing("a"))
        uow.commit()
    assert [type(error) for error in raised.value.exceptions] == [ZeroDivisionError]
