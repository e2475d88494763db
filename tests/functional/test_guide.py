"""What the guide shows is true: its code runs. For «Start» see test_start.py."""

from __future__ import annotations

import asyncio
import importlib
import logging.config
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from django.db import connections
from django.http import HttpRequest

from allocation.uow.django.aio import Pool, close_pools
from allocation.uow.django.aio.pool import using_pool
from tests.conftest import ROOT, Fetch
from tests.examples.funds.models import AccountRow
from tests.examples.orders.models import Order, OrderLine, Product, User
from tests.kernel.shop import ShopUnitOfWork
from tests.support.pages import Page, rename
from uow_project.databases import from_url

DOCS = ROOT / "docs"

pytestmark = pytest.mark.django_db(transaction=True)

_run: set[str] = {"start.md", "how-to/testing.md"}  # in test_start.py and test_guide_testing.py

F = TypeVar("F", bound=Callable[..., None])


class Run(Protocol):
    """Runs all the Python of a page, and returns the names that it has defined."""

    def __call__(self, page: str, **packages: str) -> dict[str, Any]: ...


def about(page: str) -> Callable[[F], F]:
    """Mark the test of a page."""
    _run.add(page)
    return lambda test: test


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)

    def run(page: str, **packages: str) -> dict[str, Any]:
        rename(monkeypatch, **packages)
        namespace: dict[str, Any] = {"__name__": "page"}
        Page(DOCS / page).run_all(namespace)
        return namespace

    return run


@pytest.fixture
def shop() -> None:
    """A user, ten chairs and two tables."""
    User(pk=1, name="Ann").save()
    Product(pk=1, name="chair", price="20.50", stock=10).save()
    Product(pk=2, name="table", price="199.99", stock=2).save()


def stock(fetch: Fetch) -> dict[str, int]:
    return dict(fetch("default", "SELECT name, stock FROM orders_product"))


def orders(fetch: Fetch) -> list[tuple[Any, ...]]:
    return fetch("default", "SELECT user_id FROM orders_order")


@about("how-to/nesting.md")
def test_nesting(run: Run, shop: None, fetch: Fetch) -> None:
    page = run("how-to/nesting.md", shop="tests.examples.orders")
    assert page["refused"] == ["table"]
    assert stock(fetch) == {"chair": 6, "table": 2}  # three by the wish, one by joining
    assert page["take_view"](HttpRequest(), 2).content == b"taken"
    assert stock(fetch) == {"chair": 6, "table": 1}


@about("how-to/hooks.md")
def test_hooks(run: Run, shop: None, fetch: Fetch) -> None:
    page = run("how-to/hooks.md", shop="tests.examples.orders")
    [(key,)] = fetch("default", "SELECT id FROM orders_order")
    assert page["outbox"] == [f"Thank you for order {key}."]
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(page["PlaceOrderTest"]).run(result)
    assert (result.testsRun, result.errors, result.failures) == (1, [], [])


class Haulier:
    """Keeps what it was told."""

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.told: list[str] = []

    def reserve(self, order_id: int) -> str:
        return f"R-{order_id}"

    def check(self, number: str) -> None:
        self.told.append(f"check {number}")
        if self.full:
            raise OSError("the lorry is full")

    def cancel(self, number: str) -> None:
        self.told.append(f"cancel {number}")


@about("how-to/participants.md")
def test_participants(run: Run, shop: None, fetch: Fetch, tmp_path: Path) -> None:
    page = run("how-to/participants.md", shop="tests.examples.orders")
    assert (tmp_path / "stock.csv").read_text() == "chair,10\ntable,2\n"
    assert stock(fetch) == {"chair": 0, "table": 0}
    Order(pk=7, user_id=1).save()
    haulier = Haulier()
    page["order_transport"](7, haulier, page["ShopUnitOfWork"]())
    assert haulier.told == ["check R-7"]
    full = Haulier(full=True)
    with pytest.raises(OSError, match="full"):
        page["order_transport"](7, full, page["ShopUnitOfWork"]())
    assert full.told == ["check R-7", "cancel R-7"]


@about("how-to/retry.md")
def test_retry(run: Run, shop: None, fetch: Fetch, tmp_path: Path) -> None:
    page = run("how-to/retry.md", shop="tests.examples.orders")
    assert stock(fetch) == {"chair": 6, "table": 2}
    locking = type("Locking", (page["ShopUnitOfWork"],), {"products": page["Products"](Product)})
    with locking() as uow:
        assert [product.name for product in uow.products.locked([2, 1])] == ["chair", "table"]
    options = page["DATABASES"]["default"]["OPTIONS"]
    settings = connections["default"].settings_dict | {
        "NAME": tmp_path / "db.sqlite3",
        "OPTIONS": options,
    }
    connection = type(connections["default"])(settings, "page")
    connection.ensure_connection()  # it can be opened with them
    connection.close()


@about("how-to/async.md")
def test_async(run: Run, shop: None, fetch: Fetch) -> None:
    page = run("how-to/async.md", shop="tests.examples.orders")
    assert page["chair"].name == "chair"
    assert page["reserved"]
    assert page["sent"] == [page["first"] + 2]
    view = page["order_view"]
    answer = asyncio.run(view(HttpRequest(), 1))
    assert (answer.status_code, answer.content) == (201, b'{"order": %d}' % (page["first"] + 3))
    told = [asyncio.run(view(HttpRequest(), 2)).status_code for _ in range(3)]
    assert told == [201, 201, 409]
    assert stock(fetch) == {"chair": 5, "table": 0}
    assert len(orders(fetch)) == 6
    with using_pool(Pool("default", timeout=0.01, size=1)):
        asyncio.run(hold_the_only_connection(view))
    close_pools()

    for model in (OrderLine, Order, Product, User):
        model.objects.all().delete()
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(page["OrderTest"]).run(result)
    assert (result.testsRun, result.errors, result.failures) == (2, [], [])


async def hold_the_only_connection(view: Any) -> None:
    async with ShopUnitOfWork.asynchronous():
        assert (await view(HttpRequest(), 1)).status_code == 503


@about("how-to/versions.md")
def test_versions(run: Run, fetch: Fetch) -> None:
    AccountRow(number="Ann", balance=100).save()
    page = run("how-to/versions.md", bank="tests.examples.funds")
    assert page["refused"] == [("funds.AccountRow", (("Ann",),))]
    page["correct"]("Ann", 120, 0, page["BankUnitOfWork"]())
    with pytest.raises(page["ChangedMeanwhile"]):
        page["correct"]("Ann", 140, 0, page["BankUnitOfWork"]())
    assert fetch("default", "SELECT balance, version FROM funds_accountrow") == [(120, 1)]


@about("how-to/mapping.md")
def test_mapping(run: Run, fetch: Fetch) -> None:
    page = run("how-to/mapping.md", baskets="tests.kernel")
    assert fetch("default", "SELECT name, qty FROM kernel_itemrow") == [("chair", 3)]
    assert fetch("default", "SELECT owner, version FROM kernel_basketrow") == [("Ann", 1)]
    with page["ShopUnitOfWork"]() as uow:
        [basket] = uow.baskets.list()
    assert basket.items == {"chair": 3}


@about("how-to/speed.md")
def test_speed(run: Run, shop: None) -> None:
    page = run("how-to/speed.md", shop="tests.examples.orders")

    class Uow(ShopUnitOfWork):
        products = page["Products"](Product)

    for _ in range(2):
        with Uow() as uow:
            assert [product.name for product in uow.products.low(["chair", "table"], 3)] == [
                "table"
            ]
    options = page["DATABASES"]["default"]["OPTIONS"]
    assert options == from_url(
        "postgresql:///shop?server_side_binding=true&prepare_threshold=5"
    ).get("OPTIONS")


@about("how-to/logs.md")
def test_logs(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    page = run("how-to/logs.md")
    logger = logging.getLogger("allocation.uow")
    before = logger.handlers, logger.level
    logging.config.dictConfig(page["LOGGING"])
    try:
        request = HttpRequest()
        request.META["HTTP_X_REQUEST_ID"] = "a-request"
        page["with_correlation_id"](use_a_unit_of_work)(request)
    finally:
        logger.handlers, logger.level = before
    assert capsys.readouterr().err.startswith("a-request ShopUnitOfWork")


def use_a_unit_of_work(_request: HttpRequest) -> str:
    with ShopUnitOfWork() as uow:
        uow.commit()
    return "answer"


@about("why.md")
def test_why(run: Run, shop: None, fetch: Fetch) -> None:
    page = run("why.md", shop="tests.examples.orders")
    assert page["order"](1, []) is None
    assert orders(fetch) == [(1,)]  # as the page complains


def test_every_page_with_code_is_run() -> None:
    pages = {path for path in DOCS.rglob("*.md") if "_build" not in path.parts}
    with_code = {str(path.relative_to(DOCS)) for path in pages if Page(path).blocks("python")}
    assert with_code == _run


def test_commands_stand_where_they_are_run() -> None:
    pages = [path for path in DOCS.rglob("*.md") if "_build" not in path.parts]
    with_commands = {path.name for path in pages if Page(path).blocks("console", "sh", "bash")}
    assert with_commands == {"start.md", "deploy.md"}  # in test_start.py and test_deploy.py


@pytest.mark.parametrize(
    "package",
    [
        "allocation.uow",
        "allocation.uow.django",
        "allocation.uow.django.aio",
        "allocation.uow.testing",
        "allocation.uow.testing.contract",
    ],
)
def test_the_reference_names_all_that_is_public(package: str) -> None:
    reference = "".join(
        path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md")
    )
    named = set(reference.split())
    assert set(importlib.import_module(package).__all__) <= named
