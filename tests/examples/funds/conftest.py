"""The bank as others see it: through a connection of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import Fetch


@dataclass(frozen=True)
class Bank:
    rows: Callable[[str], list[tuple[Any, ...]]]

    def balances(self) -> dict[str, int]:
        return dict(self.rows("SELECT number, balance FROM funds_accountrow"))

    def journal(self) -> list[tuple[str, str, int]]:
        return self.rows("SELECT source_id, target_id, amount FROM funds_transferrow ORDER BY id")


@pytest.fixture
def bank(alias: str, fetch: Fetch) -> Bank:
    return Bank(lambda sql: fetch(alias, sql))
