from datetime import date, timedelta

import pytest

from allocation.domain.model import Batch, OrderLine, OutOfStock, allocate

today = date.today()  # noqa: DTZ011 - as the book has it
tomorrow = today + timedelta(days=1)
later = tomorrow + timedelta(days=10)


def test_prefers_current_stock_batches_to_shipments() -> None:
    in_stock_batch = Batch("in-stock", "CUCKOO-CLOCK", 50, eta=None)
    shipment_batch = Batch("shipment", "CUCKOO-CLOCK", 50, eta=tomorrow)
    line = OrderLine("order-1", "CUCKOO-CLOCK", 8)

    allocate(line, [in_stock_batch, shipment_batch])

    assert in_stock_batch.available_quantity == 42
    assert shipment_batch.available_quantity == 50


def test_prefers_earlier_batches() -> None:
    earliest = Batch("fast", "TIN-LADLE", 50, eta=today)
    medium = Batch("steady", "TIN-LADLE", 50, eta=tomorrow)
    latest = Batch("slow", "TIN-LADLE", 50, eta=later)
    line = OrderLine("order-1", "TIN-LADLE", 8)

    allocate(line, [medium, earliest, latest])

    assert earliest.available_quantity == 42
    assert medium.available_quantity == 50
    assert latest.available_quantity == 50


def test_returns_allocated_batch_ref() -> None:
    in_stock_batch = Batch("in-stock", "LOUD-PRINT", 50, eta=None)
    shipment_batch = Batch("shipment", "LOUD-PRINT", 50, eta=tomorrow)
    line = OrderLine("order-1", "LOUD-PRINT", 8)

    allocation = allocate(line, [in_stock_batch, shipment_batch])

    assert allocation == in_stock_batch.reference


def test_raises_out_of_stock_exception_if_cannot_allocate() -> None:
    batch = Batch("batch-1", "BENT-SPOON", 8, eta=today)
    allocate(OrderLine("order-1", "BENT-SPOON", 8), [batch])

    with pytest.raises(OutOfStock, match="BENT-SPOON"):
        allocate(OrderLine("order-2", "BENT-SPOON", 1), [batch])
