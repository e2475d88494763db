from datetime import date

from allocation.domain.model import Batch, OrderLine


def test_allocating_to_a_batch_reduces_the_available_quantity() -> None:
    batch = Batch("batch-1", "OAK-SHELF", qty=30, eta=date.today())  # noqa: DTZ011 - as the book has it
    line = OrderLine("order-1", "OAK-SHELF", 4)

    batch.allocate(line)

    assert batch.available_quantity == 26


def make_batch_and_line(sku: str, batch_qty: int, line_qty: int) -> tuple[Batch, OrderLine]:
    return (
        Batch("batch-1", sku, batch_qty, eta=date.today()),  # noqa: DTZ011 - as the book has it
        OrderLine("order-1", sku, line_qty),
    )


def test_can_allocate_if_available_greater_than_required() -> None:
    large_batch, small_line = make_batch_and_line("PINE-STOOL", 30, 3)
    assert large_batch.can_allocate(small_line)


def test_cannot_allocate_if_available_smaller_than_required() -> None:
    small_batch, large_line = make_batch_and_line("PINE-STOOL", 3, 30)
    assert small_batch.can_allocate(large_line) is False


def test_can_allocate_if_available_equal_to_required() -> None:
    batch, line = make_batch_and_line("PINE-STOOL", 3, 3)
    assert batch.can_allocate(line)


def test_cannot_allocate_if_skus_do_not_match() -> None:
    batch = Batch("batch-1", "WOBBLY-BENCH", 50, eta=None)
    different_sku_line = OrderLine("order-1", "SILENT-BELL", 5)
    assert batch.can_allocate(different_sku_line) is False


def test_allocation_is_idempotent() -> None:
    batch, line = make_batch_and_line("ROUND-DESK", 30, 4)
    batch.allocate(line)
    batch.allocate(line)
    assert batch.available_quantity == 26


def test_deallocate() -> None:
    batch, line = make_batch_and_line("VELVET-POUFFE", 30, 4)
    batch.allocate(line)
    batch.deallocate(line)
    assert batch.available_quantity == 30


def test_can_only_deallocate_allocated_lines() -> None:
    batch, unallocated_line = make_batch_and_line("BRASS-KNOB", 30, 4)
    batch.deallocate(unallocated_line)
    assert batch.available_quantity == 30
