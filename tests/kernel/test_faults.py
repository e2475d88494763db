"""The connection is cut at the worst moments: promise 6."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction

from allocation.uow import TransactionFailed
from tests.conftest import Fetch
from tests.kernel.models import Line, Order, Product
from tests.kernel.shop import ShopUnitOfWork

ALIAS = "postgresql"
LOST = (OperationalError, InterfaceError)

pytestmark = pytest.mark.django_db(transaction=True, databases=[ALIAS])


@pytest.fixture
def cut(fetch: Fetch) -> Callable[[], None]:
    """Ends the server's side of our connection, and waits for that."""

    def cut() -> None:
        connections[ALIAS].ensure_connection()
        pid = connections[ALIAS].connection.info.backend_pid
        assert fetch(ALIAS, "SELECT pg_terminate_backend(%s, 10000)", (pid,)) == [(True,)]

    return cut


@pytest.fixture(autouse=True)
def next_one_works(fetch: Fetch) -> object:
    """After every one of these, a unit of work does its work."""
    yield
    with ShopUnitOfWork(ALIAS) as uow:
        uow.products.add(Product(name="afterwards"))
        uow.commit()
    assert stored(fetch) == {"afterwards"}


def stored(fetch: Fetch) -> set[str]:
    return {name for (name,) in fetch(ALIAS, "SELECT name FROM kernel_product")}


def test_before_the_flush_it_is_the_flush_that_raises(cut: Callable[[], None]) -> None:
    with pytest.raises(LOST), ShopUnitOfWork(ALIAS) as uow:
        uow.products.add(Product(name="a"))
        cut()
        uow.flush()


def test_during_the_flush_nothing_is_half_there(cut: Callable[[], None]) -> None:
    class Cutting(ShopUnitOfWork):
        """Loses its connection between the parents and the children."""

    with pytest.raises(LOST), Cutting(ALIAS) as uow:
        order = Order(customer="Ann")
        uow.orders.add(order)
        uow.lines.add(Line(order=order, product=Product(name="a"), qty=1))
        sent: list[str] = []

        def wrapper(execute: Callable[..., object], sql: str, *args: object) -> object:
            sent.append(sql)
            if len(sent) == 2:
                cut()
            return execute(sql, *args)

        with connections[ALIAS].execute_wrapper(wrapper):
            uow.flush()
    assert len(sent) == 2


def test_after_the_flush_it_is_the_commit_that_raises(cut: Callable[[], None]) -> None:
    with pytest.raises(LOST), ShopUnitOfWork(ALIAS) as uow:
        uow.products.add(Product(name="a"))
        uow.flush()
        cut()
        uow.commit()


def test_at_the_commit_it_is_the_commit_that_raises(fetch: Fetch) -> None:
    """A deferred trigger runs within COMMIT, and ends the connection there."""
    fetch(
        ALIAS,
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
    )
    fetch(
        ALIAS,
        "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON kernel_product "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()",
    )
    try:
        with pytest.raises(LOST), ShopUnitOfWork(ALIAS) as uow:
            uow.products.add(Product(name="a"))
            uow.flush()
            uow.commit()
        assert not uow.has_committed
        assert stored(fetch) == set()
    finally:
        fetch(ALIAS, "DROP TRIGGER cut ON kernel_product")
        fetch(ALIAS, "DROP FUNCTION cut")


def test_swallowed_it_cannot_be_committed(cut: Callable[[], None]) -> None:
    with ShopUnitOfWork(ALIAS) as uow:
        uow.products.add(Product(name="a"))
        uow.flush()
        cut()
        with pytest.raises(LOST):
            uow.products.list()
        with pytest.raises((TransactionFailed, DatabaseError)):
            uow.commit()


def test_the_first_error_is_the_one_that_is_raised(cut: Callable[[], None]) -> None:
    with pytest.raises(LookupError, match="the first error"), ShopUnitOfWork(ALIAS) as uow:
        uow.products.add(Product(name="a"))
        uow.flush()
        cut()
        raise LookupError("the first error")


def test_participants_are_undone_all_the_same(cut: Callable[[], None]) -> None:
    undone: list[str] = []
    with pytest.raises(LOST), ShopUnitOfWork(ALIAS) as uow:
        uow.on_rollback(lambda: undone.append("a"))
        uow.products.add(Product(name="a"))
        uow.flush()
        cut()
        uow.commit()
    assert undone == ["a"]


def test_in_a_savepoint_the_error_is_not_hidden(cut: Callable[[], None]) -> None:
    with pytest.raises(LOST), ShopUnitOfWork(ALIAS) as uow, uow.savepoint():
        uow.products.add(Product(name="a"))
        cut()
        uow.flush()


def test_after_the_commit_what_is_committed_is_not_called_a_failure(
    cut: Callable[[], None], fetch: Fetch
) -> None:
    with ShopUnitOfWork(ALIAS) as uow:
        uow.products.add(Product(name="a"))
        transaction.on_commit(cut, using=ALIAS)
        uow.commit()
    assert stored(fetch) == {"a"}
    connections[ALIAS].close()  # as Django does between two requests
    fetch(ALIAS, "DELETE FROM kernel_product")
