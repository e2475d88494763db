"""Our own: the service of the application, as its web pages and commands call it."""

from __future__ import annotations

from collections.abc import Callable

from allocation import bootstrap
from allocation.service_layer import services


def connect(using: str) -> Callable[[str, str, int], str]:
    def allocate(orderid: str, sku: str, qty: int) -> str:
        return services.allocate(orderid, sku, qty, bootstrap.unit_of_work(using))

    return allocate
