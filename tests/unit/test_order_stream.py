"""The stream that stands in for the real one, where that is not there."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from tests.support.order_stream import Stream, made_up_stream


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    folder = tmp_path_factory.mktemp("stream")
    return made_up_stream(folder, skus=2_858, lines=47_957, merged=1_034, rejects=1_008)


@pytest.fixture(scope="module")
def orders(stream: Stream) -> list[dict[str, str]]:
    return rows(stream.orders)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class TestMadeUpStream:
    def test_has_the_size_of_the_real_one(
        self, stream: Stream, orders: list[dict[str, str]]
    ) -> None:
        assert len(rows(stream.batches)) == stream.batch_count == 8_574
        assert len(orders) == stream.row_count == 49_999

    def test_has_its_dirt(self, orders: list[dict[str, str]]) -> None:
        good = [row for row in orders if int(row["Quantity"]) > 0]
        lines = {(row["InvoiceNo"], row["StockCode"]) for row in good}
        cancelled = [row for row in orders if row["InvoiceNo"].startswith("C")]

        assert len(orders) - len(good) == 1_008
        assert len(good) - len(lines) == 1_034
        assert len(lines) == 47_957
        assert cancelled
        assert all(int(row["Quantity"]) <= 0 for row in cancelled)
        assert {"m", "M", "POST", "BANK CHARGES"} <= {row["StockCode"] for row in orders}
        assert any("," in row["Description"] for row in orders)
        assert any('"' in row["Description"] for row in orders)

    def test_rejects_rows_of_orders_that_have_good_ones(self, orders: list[dict[str, str]]) -> None:
        bad = {row["InvoiceNo"] for row in orders if int(row["Quantity"]) <= 0}
        good = {row["InvoiceNo"] for row in orders if int(row["Quantity"]) > 0}

        assert bad & good

    def test_has_stock_for_most_of_its_demand(
        self, stream: Stream, orders: list[dict[str, str]]
    ) -> None:
        demand = Counter[str]()
        for row in orders:
            demand[row["StockCode"]] += max(0, int(row["Quantity"]))
        stock = Counter[str]()
        for row in rows(stream.batches):
            stock[row["sku"]] += int(row["qty"])

        assert 0.9 < stock.total() / demand.total() < 1

    def test_is_the_same_every_time(self, tmp_path: Path) -> None:
        def content(name: str) -> tuple[bytes, bytes]:
            (tmp_path / name).mkdir()
            made = made_up_stream(tmp_path / name, skus=20, lines=90, merged=9, rejects=8)
            return made.batches.read_bytes(), made.orders.read_bytes()

        assert content("one") == content("two")
