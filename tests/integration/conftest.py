from __future__ import annotations

import pytest

from tests.conftest import Fetch
from tests.integration.shop import DatabaseShop


@pytest.fixture
def shop(alias: str, fetch: Fetch) -> DatabaseShop:
    return DatabaseShop(alias, fetch)
