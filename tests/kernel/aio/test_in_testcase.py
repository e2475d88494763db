"""In Django's TestCase, and on an SQLite database in memory, the connection is the test's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.test import TestCase

from allocation.uow import Repository, UnitOfWork
from allocation.uow.django.aio.testing import sharing_connection
from allocation.uow.testing.contract import Subject
from allocation.uow.testing.contract.lifecycle import Lifecycle
from allocation.uow.testing.contract.savepoints import Savepoints
from allocation.uow.testing.contract.tracking import Tracking
from allocation.uow.testing.contract.versions import Versions
from tests.conftest import ROOT
from tests.kernel.aio.test_contract import DrivenProducts
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork
from tests.kernel.test_contract_in_testcase import InTestCase, RecordingUnitOfWork
from tests.support import driven


@pytest.fixture(autouse=True)
def _no_connection_is_left() -> None:
    """None is opened."""


class AsyncInTestCase(InTestCase):
    """Django model instances, all of them in one transaction of the test's."""

    def factory(self, *, join: bool = False) -> UnitOfWork:
        if join:  # somebody else, who is not async
            return super().factory(join=True)
        uow = RecordingUnitOfWork.asynchronous(self.alias)
        uow._uow.subject = self
        return cast("UnitOfWork", DrivenProducts(uow))

    def repository(self, uow: Any) -> Repository[Any]:
        if isinstance(uow, DrivenProducts):
            return cast("Repository[Any]", uow.repository("products"))
        return super().repository(uow)

    def release(self) -> None:
        driven.close()


@pytest.mark.django_db(databases=["default", "postgresql"])
class TestTheContract(Lifecycle, Tracking, Versions, Savepoints):
    @pytest.fixture
    def subject(self, alias: str) -> Iterator[Subject]:
        assert connections[alias].in_atomic_block
        subject = AsyncInTestCase(alias)
        with sharing_connection(alias):
            yield subject
        subject.release()


async def add(alias: str, name: str, after_commit: Callable[[], object] = bool) -> None:
    async with ShopUnitOfWork.asynchronous(alias) as uow:
        await uow.products.add(Product(name=name))
        await uow.after_commit(after_commit)
        await uow.commit()


class InATestCase(TestCase):
    """As an adopter writes them."""

    databases = {"default", "postgresql"}  # noqa: RUF012  # Django declares it so

    def setUp(self) -> None:
        for alias in self.databases:
            self.enterContext(sharing_connection(alias))

    async def test_async_ones_see_what_was_stored(self) -> None:
        for alias in self.databases:
            await Product(name="before").asave(using=alias)
            await asyncio.gather(*(add(alias, name) for name in "ab"))
            found = Product.objects.using(alias).order_by("name").values_list("name", flat=True)
            assert [name async for name in found] == ["a", "b", "before"]

    def test_hooks_are_run_by_who_captures_them(self) -> None:
        sent: list[str] = []

        async def hook() -> None:
            sent.append("mail")

        for alias in self.databases:
            with self.captureOnCommitCallbacks(using=alias, execute=True):
                async_to_sync(add)(alias, "a", hook)
        assert sent == ["mail", "mail"]


SCRIPT = """
import django
from django.conf import settings
from django.test.utils import get_runner

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["tests.kernel"],
)
django.setup()
raise SystemExit(get_runner(settings)(verbosity=2).run_tests(["in_memory"]))
"""

TESTS = """
from django.test import TestCase, TransactionTestCase
from allocation.uow.django.aio.testing import sharing_connection
from tests.kernel.models import Product
from tests.kernel.shop import ShopUnitOfWork

class Shared:
    def setUp(self):
        self.enterContext(sharing_connection())

    async def test_it(self):
        async with ShopUnitOfWork.asynchronous() as uow:
            await uow.products.add(Product(name="a"))
            await uow.commit()
        assert await Product.objects.acount() == 1

class InTestCase(Shared, TestCase):
    pass

class InTransactionTestCase(Shared, TransactionTestCase):
    pass
"""


def test_on_a_database_in_memory(tmp_path: Path) -> None:
    (tmp_path / "in_memory.py").write_text(TESTS)
    process = subprocess.run(
        [sys.executable, "-X", "dev", "-c", SCRIPT],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    assert "Ran 2 tests" in process.stderr
