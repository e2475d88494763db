from __future__ import annotations

from collections.abc import Iterator

import pytest

from allocation.uow.django.aio import close_pools


@pytest.fixture(autouse=True)
def _no_connection_is_left(alias: str, db: None) -> Iterator[None]:
    """A connection that is still open could keep the test database from being emptied."""
    yield
    close_pools()
