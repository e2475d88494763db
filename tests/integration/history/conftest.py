from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import pytest

from allocation import bootstrap
from allocation.adapters.history import Author
from allocation.adapters.unit_of_work import AllocationUnitOfWork
from tests.conftest import Fetch

ENTRIES = (
    "SELECT event, batch, from_batch, orderid, sku, detail FROM allocation_historyentry ORDER BY id"
)
AUTHORS = "SELECT actor, service FROM allocation_historyentry ORDER BY id"

Entry: TypeAlias = tuple[str, str | None, str | None, str | None, str, str]
History: TypeAlias = Callable[[], list[Entry]]
Act: TypeAlias = Callable[..., Any]


@pytest.fixture
def history(alias: str, fetch: Fetch) -> History:
    """The entries, the first one first, through another connection."""
    return lambda: fetch(alias, ENTRIES)


@pytest.fixture
def act(alias: str) -> Act:
    """Let Ann run a service."""

    def run(service: Callable[..., Any], *arguments: Any) -> Any:
        return bootstrap.run(partial(service, *arguments), alias, actor="ann")

    return run


@pytest.fixture
def uow(alias: str) -> AllocationUnitOfWork:
    return bootstrap.unit_of_work(alias, author=Author("ann", "by hand"))
