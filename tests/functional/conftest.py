from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from django.core.management import call_command

from tests.conftest import ROOT
from tests.support.order_stream import Stream, order_stream

if TYPE_CHECKING:
    from tests.conftest import Fetch


@dataclass(frozen=True)
class Output:
    stdout: str
    stderr: str


class Command(Protocol):
    def __call__(self, name: str, *arguments: object, **options: Any) -> Output: ...


class Allocations(Protocol):
    def __call__(self) -> dict[tuple[str, str], tuple[int, str]]: ...


@pytest.fixture
def command(alias: str) -> Command:
    """Run a command of ours in this process, on the database of the test."""

    def run(name: str, *arguments: object, **options: Any) -> Output:
        stdout, stderr = io.StringIO(), io.StringIO()
        call_command(
            name, *map(str, arguments), database=alias, stdout=stdout, stderr=stderr, **options
        )
        return Output(stdout.getvalue(), stderr.getvalue())

    return run


@pytest.fixture
def allocations(alias: str, fetch: Fetch) -> Allocations:
    """What stands in the database, as the oracle would have it."""

    def read() -> dict[tuple[str, str], tuple[int, str]]:
        rows = fetch(alias, "SELECT orderid, sku, qty, batch_id FROM allocation_orderline")
        return {(orderid, sku): (qty, batch or "") for orderid, sku, qty, batch in rows}

    return read


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what it takes to run the site, for it to leave files in."""
    for name in ("allocation", "templates", "uow_project"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    """The real order stream, or one like it."""
    return order_stream(tmp_path_factory.mktemp("stream"))
