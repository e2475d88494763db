"""The same SQL as constant texts, on Django's cursor and on the driver, prepared by it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

import psycopg
from django.db import connections, transaction

_READ: Final = """
    SELECT reference, purchased_quantity, allocated_quantity, lines_taken
    FROM allocation_batch WHERE sku = %s ORDER BY sku, reference
"""
_LOCK: Final = f"{_READ} FOR UPDATE"
_LINE: Final = """
    SELECT batch_id FROM allocation_orderline WHERE orderid = %s AND sku = %s
"""
_UPDATE: Final = """
    UPDATE allocation_batch
    SET allocated_quantity = allocated_quantity + %s, lines_taken = lines_taken + 1
    WHERE reference = %s
"""
_INSERT: Final = """
    INSERT INTO allocation_orderline (orderid, sku, qty, batch_id, position)
    VALUES (%s, %s, %s, %s, %s)
"""


def connect_django(using: str) -> Callable[[str, str, int], str]:
    """All that ours sends, with nothing but `atomic` and Django's cursor between: its limit."""
    connection = connections[using]
    lock = _LOCK if connection.vendor == "postgresql" else _READ

    def allocate(orderid: str, sku: str, qty: int) -> str:
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute(lock, [sku])
            batches = cursor.fetchall()
            cursor.execute(_LINE, [orderid, sku])
            for (reference,) in cursor.fetchall():
                return str(reference)
            return _write(cursor, batches, orderid, sku, qty)

    return allocate


def connect() -> Callable[[str, str, int], str]:
    connection = _connection()

    def allocate(orderid: str, sku: str, qty: int) -> str:
        with connection.transaction():
            batches = connection.execute(_LOCK, [sku]).fetchall()
            return _write(connection, batches, orderid, sku, qty)

    return allocate


def connect_pipelined() -> Callable[[str, str, int], str]:
    """BEGIN goes with the first statement, COMMIT with the last: two round trips."""
    connection = _connection()

    def allocate(orderid: str, sku: str, qty: int) -> str:
        with connection.pipeline(), connection.transaction():
            batches = connection.execute(_LOCK, [sku]).fetchall()
            return _write(connection, batches, orderid, sku, qty)

    return allocate


def _connection() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["BENCHMARK_POSTGRESQL"], autocommit=True, prepare_threshold=1)


def _write(
    connection: Any,
    batches: list[tuple[str, int, int, int]],
    orderid: str,
    sku: str,
    qty: int,
) -> str:
    reference, taken = next(
        (reference, taken)
        for reference, purchased, allocated, taken in batches
        if purchased - allocated >= qty
    )
    connection.execute(_UPDATE, [qty, reference])
    connection.execute(_INSERT, [orderid, sku, qty, reference, taken + 1])
    return reference
