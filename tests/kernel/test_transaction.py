"""The transaction of a DjangoUnitOfWork: promises 1, 2, 3, 7 and 20."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from django.db import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    connections,
    transaction,
)
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from allocation.uow import DiscardedChangesWarning, NotEntered, TransactionFailed
from allocation.uow.django import (
    AutocommitDisabled,
    DjangoUnitOfWork,
    InnerTransaction,
    OuterTransaction,
    UnsupportedDatabase,
)
from tests.conftest import DatabaseUrl, Fetch
from tests.kernel.models import Line, Order, Product
from tests.kernel.shop import ShopUnitOfWork
from tests.support import databases

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


@pytest.fixture
def uow(alias: str) -> ShopUnitOfWork:
    return ShopUnitOfWork(alias)


@pytest.fixture
def connection(alias: str) -> BaseDatabaseWrapper:
    return connections[alias]


def connect(url: str) -> sqlite3.Connection:
    return sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)


def names(fetch: Fetch, alias: str) -> set[str]:
    return {name for (name,) in fetch(alias, "SELECT name FROM kernel_product")}


class TestCommit:
    """Promise 2: commit is final when it returns."""

    def test_raises_what_a_deferred_constraint_says(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        reached = []
        with uow:
            order = Order(customer="Ann")
            uow.orders.add(order)
            uow.lines.add(Line(order=order, product_id=4711, qty=1))
            uow.flush()
            with pytest.raises(IntegrityError):
                uow.commit()
            reached.append("the end of the block")
        assert reached
        assert fetch(alias, "SELECT * FROM kernel_order") == []

    def test_leaves_a_connection_that_works(self, alias: str, uow: ShopUnitOfWork) -> None:
        with uow:
            uow.lines.add(Line(order_id="0" * 32, qty=1))
            with pytest.raises(IntegrityError):
                uow.commit()
        with uow:
            assert uow.lines.list() == []

    def test_lets_later_work_in_the_block_wait_for_a_commit_of_its_own(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        with uow:
            uow.commit()
            Product(name="bypassing").save(using=alias)
            with transaction.atomic(using=alias):
                Product(name="in its own block").save(using=alias)
        assert names(fetch, alias) == set()

    def test_runs_the_hooks_of_on_commit(self, alias: str, uow: ShopUnitOfWork) -> None:
        ran: list[str] = []
        with uow:
            transaction.on_commit(lambda: ran.append("discarded"), using=alias)
            uow.rollback()
            transaction.on_commit(lambda: ran.append("committed"), using=alias)
            uow.commit()
            assert ran == ["committed"]
            transaction.on_commit(lambda: ran.append("forgotten"), using=alias)
        assert ran == ["committed"]


class TestOuterTransaction:
    """Promise 3: it does not pretend to commit."""

    def test_is_refused(self, alias: str, uow: ShopUnitOfWork, fetch: Fetch) -> None:
        with transaction.atomic(using=alias):
            with pytest.raises(OuterTransaction, match="non_atomic_requests"), uow:
                pytest.fail("it was entered")
            Product(name="theirs").save(using=alias)
        assert names(fetch, alias) == {"theirs"}

    def test_refused_can_be_entered_afterwards(self, alias: str, uow: ShopUnitOfWork) -> None:
        with transaction.atomic(using=alias), pytest.raises(OuterTransaction):
            uow.__enter__()
        with pytest.raises(NotEntered):
            uow.commit()
        with uow:
            uow.commit()

    @pytest.mark.django_db(transaction=True, databases=["default", "postgresql"])
    def test_of_another_database_does_not_matter(self, fetch: Fetch) -> None:
        with transaction.atomic(using="postgresql"), ShopUnitOfWork("default") as uow:
            uow.products.add(Product(name="a"))
            uow.commit()
        assert names(fetch, "default") == {"a"}

    def test_within_is_not_ended_from_inside(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        with uow:
            with transaction.atomic(using=alias):
                uow.products.add(Product(name="a"))
                with pytest.raises(InnerTransaction, match="leave that block first"):
                    uow.commit()
                with pytest.raises(InnerTransaction):
                    uow.rollback()
            assert names(fetch, alias) == set()
            uow.commit()
        assert names(fetch, alias) == {"a"}

    def test_within_is_written_nothing_that_it_could_take_back(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        with uow:
            product = Product(name="a")
            uow.products.add(product)
            with transaction.atomic(using=alias):
                with pytest.raises(InnerTransaction, match=r"use uow\.savepoint"):
                    uow.products.list()  # would flush
                with pytest.raises(InnerTransaction):
                    uow.savepoint().__enter__()
                transaction.set_rollback(True, using=alias)
            assert product._state.adding
            uow.commit()
        assert names(fetch, alias) == {"a"}

    def test_within_may_be_read_where_nothing_is_pending(
        self, alias: str, uow: ShopUnitOfWork
    ) -> None:
        with uow:
            uow.products.add(Product(name="a"))
            uow.flush()
            with transaction.atomic(using=alias):
                assert [product.name for product in uow.products.list()] == ["a"]
            uow.commit()

    def test_manual_mode_is_refused(
        self, connection: BaseDatabaseWrapper, uow: ShopUnitOfWork
    ) -> None:
        connection.set_autocommit(False)
        try:
            with pytest.raises(AutocommitDisabled, match="manual transaction mode"):
                uow.__enter__()
        finally:
            connection.rollback()
            connection.set_autocommit(True)

    def test_other_databases_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = connections.settings["default"] | {"ENGINE": "django.db.backends.dummy"}
        monkeypatch.setitem(connections.settings, "dummy", settings)
        with pytest.raises(UnsupportedDatabase, match="PostgreSQL and SQLite"):
            DjangoUnitOfWork("dummy").__enter__()


class TestLeaving:
    """Whatever was left open within goes with it."""

    def test_ends_a_block_that_was_never_left(
        self, alias: str, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper, fetch: Fetch
    ) -> None:
        with pytest.warns(DiscardedChangesWarning), uow:
            uow.products.add(Product(name="a"))
            uow.flush()
            transaction.atomic(using=alias).__enter__()
        assert not connection.in_atomic_block
        assert connection.get_autocommit()
        Product(name="b").save(using=alias)
        assert names(fetch, alias) == {"b"}


class TestInTestCase(TestCase):
    """Django's TestCase runs each test inside a transaction, which is no reason to refuse."""

    databases = {"default", "postgresql"}  # noqa: RUF012  # Django declares it so

    def test_commits_and_rolls_back_within_it(self) -> None:
        for alias in self.databases:
            with (
                self.subTest(alias),
                pytest.warns(DiscardedChangesWarning),
                ShopUnitOfWork(alias) as uow,
            ):
                uow.products.add(Product(name="a"))
                uow.commit()
                uow.products.add(Product(name="b"))
                uow.flush()
                uow.rollback()
                uow.products.add(Product(name="c"))
                uow.flush()
            stored = Product.objects.using(alias).values_list("name", flat=True)
            assert list(stored) == ["a"]


class TestSwallowedError:
    """Promise 7: what the database has given up cannot be committed."""

    def test_of_a_query_is_not_lost_silently(
        self, alias: str, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper, fetch: Fetch
    ) -> None:
        with uow:
            uow.products.add(Product(name="a"))
            uow.flush()
            with connection.cursor() as cursor, pytest.raises(DatabaseError):
                cursor.execute("SELECT * FROM no_such_table")
            if alias == databases.POSTGRESQL:
                with pytest.raises(TransactionFailed, match="error was swallowed"):
                    uow.commit()
            else:  # there the transaction is as good as before
                uow.commit()
        assert names(fetch, alias) == ({"a"} if alias == databases.SQLITE else set())

    def test_of_a_save_is_not_lost_silently(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        Product(name="a").save(using=alias)
        with uow:
            uow.products.add(Product(name="b"))
            uow.flush()
            with pytest.raises(IntegrityError):
                Product(name="a").save(using=alias)
            with pytest.raises(TransactionFailed):
                uow.commit()
        assert names(fetch, alias) == {"a"}

    def test_can_be_started_over(self, alias: str, uow: ShopUnitOfWork, fetch: Fetch) -> None:
        Product(name="a").save(using=alias)
        with uow:
            with pytest.raises(IntegrityError):
                Product(name="a").save(using=alias)
            uow.rollback()
            uow.products.add(Product(name="b"))
            uow.commit()
        assert names(fetch, alias) == {"a", "b"}

    @pytest.mark.django_db(transaction=True)
    def test_of_a_conflict_that_ends_the_transaction_on_sqlite_is_noticed(
        self, fetch: Fetch
    ) -> None:
        with ShopUnitOfWork() as uow:
            uow.products.add(Product(name="a"))
            uow.flush()
            with connections["default"].cursor() as cursor, pytest.raises(IntegrityError):
                cursor.execute(
                    "INSERT OR ROLLBACK INTO kernel_product (name, stock, note, version) "
                    "VALUES ('a', 0, '', 0)"
                )
            with pytest.raises(TransactionFailed):
                uow.commit()
        assert names(fetch, "default") == set()


class TestDeferredBegin:
    """A transaction costs nothing, and locks nothing, before its first statement."""

    def test_an_empty_block_sends_no_statement(
        self, alias: str, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper
    ) -> None:
        sent: list[str] = []
        connection.ensure_connection()
        raw = connection.connection
        if alias == databases.SQLITE:
            raw.set_trace_callback(sent.append)
        with uow:
            uow.commit()
            if alias == databases.POSTGRESQL:
                assert raw.info.transaction_status.name == "IDLE"
        if alias == databases.SQLITE:
            raw.set_trace_callback(None)
        assert sent == []

    @pytest.mark.django_db(transaction=True)
    def test_others_may_write_to_sqlite_before_it_writes_and_after_it_committed(
        self, database_url: DatabaseUrl
    ) -> None:
        with ShopUnitOfWork() as uow:
            self.insert_from_outside(database_url("default"), "a")
            uow.products.add(Product(name="b"))
            uow.commit()
            self.insert_from_outside(database_url("default"), "c")
            assert [product.name for product in uow.products.list()] == ["a", "b", "c"]

    @staticmethod
    def insert_from_outside(url: str, name: str) -> None:
        databases.fetch(
            url,
            "INSERT INTO kernel_product (name, stock, note, version) VALUES (%s, 0, '', 0)",
            (name,),
        )

    @pytest.mark.django_db(transaction=True)
    def test_what_could_not_begin_does_not_commit_by_itself(
        self, fetch: Fetch, database_url: DatabaseUrl
    ) -> None:
        connection = connections["default"]
        connection.ensure_connection()
        with closing(connect(database_url("default"))) as other:
            other.execute("BEGIN IMMEDIATE")
            with ShopUnitOfWork() as uow:
                connection.connection.execute("PRAGMA busy_timeout = 1")
                with pytest.raises(OperationalError, match="locked"):
                    uow.products.list()
                assert connection.connection.execute("PRAGMA busy_timeout").fetchall() == [(1,)]
                other.rollback()
                uow.products.add(Product(name="a"))
                uow.flush()
                uow.rollback()
        connection.close()
        assert names(fetch, "default") == set()

    def test_wrappers_of_others_do_not_take_it_off(
        self, alias: str, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper, fetch: Fetch
    ) -> None:
        def through(execute: Any, *args: Any) -> Any:
            return execute(*args)

        with uow:
            with connection.execute_wrapper(through):
                uow.commit()
            uow.products.add(Product(name="a"))
            uow.flush()
            uow.rollback()
        assert connection.execute_wrappers == []
        assert names(fetch, alias) == set()

    def test_django_sees_every_statement(
        self, uow: ShopUnitOfWork, connection: BaseDatabaseWrapper
    ) -> None:
        with CaptureQueriesContext(connection) as queries, uow:
            uow.products.add(Product(name="a"))
            uow.commit()
        assert any("INSERT" in query["sql"] for query in queries)
        assert connection.execute_wrappers == []


class TestFactory:
    """Promise 20: nothing in it is global."""

    def test_two_in_two_threads_know_nothing_of_each_other(
        self, alias: str, uow: ShopUnitOfWork, fetch: Fetch
    ) -> None:
        def other() -> None:
            try:
                with ShopUnitOfWork(alias) as second:
                    assert second.products.list() == []
                    second.commit()
            finally:
                connections[alias].close()

        with uow:
            mine = uow.products
            if alias == databases.POSTGRESQL:  # SQLite has one writer at a time
                mine.add(Product(name="a"))
                uow.flush()
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            uow.commit()

    def test_two_instances_have_repositories_of_their_own(self) -> None:
        one, two = ShopUnitOfWork(), ShopUnitOfWork()
        assert one.products is one.products
        assert one.products is not two.products
        assert (one.products.uow, two.products.uow) == (one, two)


def test_the_pure_kernel_imports_no_framework() -> None:
    program = (
        "import sys, allocation.uow, allocation.uow.testing;"
        "sys.exit(', '.join({'django', 'psycopg', 'tenacity'} & set(sys.modules)) or None)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
