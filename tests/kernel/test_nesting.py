"""Inside other people's transactions: promises 3 and 16."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, TestCase
from django.urls import path

from allocation.uow import (
    DiscardedChangesWarning,
    HooksFailed,
    NotCommitted,
    ParticipantRefused,
)
from allocation.uow.django import OuterTransaction
from allocation.uow.files import PutFile
from tests.conftest import Fetch
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork


def names(fetch: Fetch, alias: str) -> set[str]:
    return {name for (name,) in fetch(alias, "SELECT name FROM kernel_product")}


class TestJoining:
    """Joining an outer transaction is possible, for who asks."""

    def test_is_stored_with_the_outer_transaction(self, alias: str, fetch: Fetch) -> None:
        with transaction.atomic(using=alias), ShopUnitOfWork(alias, join=True) as uow:
            uow.products.add(Product(name="a"))
            uow.commit()
            assert names(fetch, alias) == set()
        assert names(fetch, alias) == {"a"}

    def test_is_discarded_with_the_outer_transaction(self, alias: str, fetch: Fetch) -> None:
        with pytest.raises(LookupError), transaction.atomic(using=alias):
            with ShopUnitOfWork(alias, join=True) as uow:
                uow.products.add(Product(name="a"))
                uow.commit()
            raise LookupError
        assert names(fetch, alias) == set()

    def test_left_without_commit_raises_and_undoes_its_own_part_alone(
        self, alias: str, fetch: Fetch
    ) -> None:
        with transaction.atomic(using=alias):
            Product(name="theirs").save(using=alias)
            with (
                pytest.raises(NotCommitted, match="left without commit"),
                ShopUnitOfWork(alias, join=True) as uow,
            ):
                uow.products.add(Product(name="a"))
                uow.flush()
        assert names(fetch, alias) == {"theirs"}

    def test_left_without_commit_raises_even_when_there_was_nothing_to_store(
        self, alias: str
    ) -> None:
        uow = ShopUnitOfWork(alias, join=True)
        with transaction.atomic(using=alias):
            with uow:
                uow.commit()
            with pytest.raises(NotCommitted), uow:
                pass

    def test_left_with_changes_after_its_commit_raises(self, alias: str, fetch: Fetch) -> None:
        with (
            transaction.atomic(using=alias),
            pytest.raises(NotCommitted),
            ShopUnitOfWork(alias, join=True) as uow,
        ):
            uow.products.add(Product(name="a"))
            uow.commit()
            uow.products.add(Product(name="b"))
        assert names(fetch, alias) == {"a"}

    def test_left_by_an_error_lets_that_error_through(self, alias: str, fetch: Fetch) -> None:
        with (
            transaction.atomic(using=alias),
            pytest.raises(LookupError),
            ShopUnitOfWork(alias, join=True) as uow,
        ):
            uow.products.add(Product(name="a"))
            uow.flush()
            raise LookupError
        assert names(fetch, alias) == set()

    def test_lets_hooks_wait_for_the_outer_commit(self, alias: str) -> None:
        ran: list[str] = []
        with transaction.atomic(using=alias):
            with ShopUnitOfWork(alias, join=True) as uow:
                uow.after_commit(lambda: ran.append("after commit"))
                uow.commit()
            assert ran == []
        assert ran == ["after commit"]

    def test_refuses_participants(self, alias: str) -> None:
        with transaction.atomic(using=alias), ShopUnitOfWork(alias, join=True) as uow:
            with pytest.raises(ParticipantRefused):
                uow.enlist(PutFile("x", b""))
            uow.commit()

    def test_without_an_outer_transaction_is_no_different(self, alias: str, fetch: Fetch) -> None:
        with pytest.warns(DiscardedChangesWarning), ShopUnitOfWork(alias, join=True) as uow:
            uow.products.add(Product(name="a"))
            uow.commit()
            assert names(fetch, alias) == {"a"}
            uow.products.add(Product(name="b"))


class TestHooks:
    """Hooks ride on Django's own on_commit."""

    def test_of_others_that_fail_do_not_make_a_failed_commit(
        self, alias: str, fetch: Fetch
    ) -> None:
        ran: list[str] = []

        def fail() -> None:
            raise LookupError("a hook of somebody else")

        with ShopUnitOfWork(alias) as uow:
            uow.products.add(Product(name="a"))
            transaction.on_commit(fail, using=alias)
            transaction.on_commit(fail, using=alias, robust=True)
            uow.after_commit(lambda: ran.append("ours"))
            with pytest.raises(HooksFailed, match="is committed") as raised:
                uow.commit()
        assert [type(error) for error in raised.value.exceptions] == [LookupError]
        assert ran == ["ours"]
        assert names(fetch, alias) == {"a"}

    def test_may_enter_a_unit_of_work_of_their_own(self, alias: str, fetch: Fetch) -> None:
        def follow() -> None:
            with ShopUnitOfWork(alias) as second:
                second.products.add(Product(name="b"))
                second.commit()

        with ShopUnitOfWork(alias) as uow:
            uow.products.add(Product(name="a"))
            uow.after_commit(follow)
            uow.commit()
        assert names(fetch, alias) == {"a", "b"}


class TestJoiningInTestCase(TestCase):
    """Its transaction is nobody's: there is nothing to be joined."""

    def test_is_as_in_production(self) -> None:
        undone: list[str] = []
        with ShopUnitOfWork(join=True) as uow:
            assert uow.products.list() == []
            uow.on_rollback(lambda: undone.append("a"))
        assert undone == ["a"]


class TestHooksInTestCase(TestCase):
    """There the outer transaction is never committed, and Django captures the hooks."""

    def test_are_captured_as_django_expects(self) -> None:
        ran: list[str] = []
        with self.captureOnCommitCallbacks(execute=True) as callbacks, ShopUnitOfWork() as uow:
            uow.after_commit(lambda: ran.append("after commit"))
            uow.commit()
            assert ran == []
        assert len(callbacks) == 1
        assert ran == ["after commit"]

    def test_of_what_was_discarded_are_not(self) -> None:
        with self.captureOnCommitCallbacks() as callbacks, ShopUnitOfWork() as uow:
            uow.after_commit(list)
            uow.rollback()
            uow.commit()
        assert callbacks == []


def add_product(request: HttpRequest) -> HttpResponse:
    with ShopUnitOfWork() as uow:
        uow.products.add(Product(name="a"))
        uow.commit()
    return HttpResponse("added")


@transaction.non_atomic_requests
def add_product_by_itself(request: HttpRequest) -> HttpResponse:
    return add_product(request)


def join(request: HttpRequest) -> HttpResponse:
    with ShopUnitOfWork(join=True) as uow:
        uow.products.add(Product(name="a"))
        uow.commit()
    return HttpResponse("added")


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Product]
else:  # generic for the type checker alone
    ModelAdmin = admin.ModelAdmin


class ProductAdmin(ModelAdmin):
    """An admin whose change view does what it must not."""

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: Any) -> None:
        add_product(request)

    @admin.action
    def add_one(self, request: HttpRequest, queryset: Any) -> None:
        add_product(request)

    actions = [add_one]  # noqa: RUF012  # Django's form


site = admin.AdminSite()
site.register(Product, ProductAdmin)

urlpatterns = [
    path("plain", login_not_required(add_product)),
    path("own", login_not_required(add_product_by_itself)),
    path("join", login_not_required(join)),
    path("admin/", site.urls),
]


@contextmanager
def atomic_requests() -> Iterator[None]:
    settings = connections.settings["default"]
    settings["ATOMIC_REQUESTS"] = True
    try:
        yield
    finally:
        settings["ATOMIC_REQUESTS"] = False


@pytest.mark.urls("tests.kernel.test_nesting")
@pytest.mark.django_db(transaction=True)
class TestRequests:
    """Under ATOMIC_REQUESTS, and in the admin."""

    def test_are_refused_when_they_are_atomic(self, client: Client, fetch: Fetch) -> None:
        with atomic_requests(), pytest.raises(OuterTransaction, match="non_atomic_requests"):
            client.get("/plain")
        assert names(fetch, "default") == set()

    def test_commit_for_themselves_when_they_are_not(self, client: Client, fetch: Fetch) -> None:
        with atomic_requests():
            assert client.get("/own").content == b"added"
        assert names(fetch, "default") == {"a"}

    def test_may_join(self, client: Client, fetch: Fetch) -> None:
        with atomic_requests():
            assert client.get("/join").content == b"added"
        assert names(fetch, "default") == {"a"}

    def test_of_the_admins_change_views_are_refused(
        self, client: Client, admin_user: User, fetch: Fetch
    ) -> None:
        client.force_login(admin_user)
        with pytest.raises(OuterTransaction, match="admin's change view"):
            client.post("/admin/kernel/product/add/", {"name": "x", "stock": 1, "version": 0})
        assert names(fetch, "default") == set()

    def test_of_the_admins_actions_commit(
        self, client: Client, admin_user: User, fetch: Fetch
    ) -> None:
        client.force_login(admin_user)
        product = Product.objects.create(name="x")
        data = {"action": "add_one", "_selected_action": [product.pk]}
        client.post("/admin/kernel/product/", data)
        assert names(fetch, "default") == {"x", "a"}
